"""Protocols: selection, folds, counts, and what a recipe may define itself."""

import dataclasses
from pathlib import Path

import pytest

from microexpr.core.clip import Clip
from microexpr.core.errors import ProtocolError, RecipeError, UnknownNameError
from microexpr.protocols import PROTOCOLS, Example, Fold, Protocol, load_protocol
from tests.conftest import make_clips

MINE = {
    "name": "mine",
    "title": "mine",
    "datasets": ["casme2"],
    "label": "emotion",
    "classes": ["happiness", "surprise"],
}


def test_loso_leaves_each_subject_out_once():
    rules = load_protocol(MINE)
    examples = rules.select(make_clips())
    folds = rules.folds(examples)
    assert [fold.name for fold in folds] == [f"casme2/p{p}" for p in range(4)]
    for fold in folds:
        assert fold.subjects("test") == {fold.name} and fold.name not in fold.subjects("train")
    assert sorted(e.clip.id for fold in folds for e in fold.test) == [e.clip.id for e in examples]


def test_leave_one_dataset_out_has_a_fold_for_each_direction():
    rules = dataclasses.replace(load_protocol(MINE), datasets=("casme2", "samm"), split="leave-one-dataset-out")
    folds = rules.folds(rules.select([*make_clips(), *make_clips(dataset="samm")]))
    assert [fold.name for fold in folds] == ["samm-to-casme2", "casme2-to-samm"]


def test_leave_one_video_out_says_that_it_leaks():
    rules = dataclasses.replace(load_protocol(MINE), split="leave-one-video-out-leaky")
    examples = rules.select(make_clips())
    folds = rules.folds(examples)
    assert [(fold.name, len(fold.test), len(fold.train)) for fold in folds] == [
        (example.clip.id, 1, len(examples) - 1) for example in examples
    ]
    assert rules.leaks and all(fold.leaking and fold.subjects("test") <= fold.subjects("train") for fold in folds)
    with pytest.raises(RecipeError, match="leaves whole clips out"):
        dataclasses.replace(rules, frames_per_clip={"casme2": (3, 3)})


def test_the_baseline_of_casme2_has_the_protocol_of_its_paper():
    rules = PROTOCOLS.get("casme2-5-leave-one-video-out-leaking")
    assert rules.leaks and sum(rules.counts["casme2"].values()) == 246
    assert set(rules.classes) == {"happiness", "disgust", "repression", "surprise", "others"}


def test_fixed_subjects_are_the_test_set():
    rules = dataclasses.replace(
        load_protocol(MINE), split="fixed-subjects", test_subjects=("casme2/p0", "casme2/absent")
    )
    [fold] = rules.folds(rules.select(make_clips()))
    assert fold.subjects("test") == {"casme2/p0"}
    with pytest.raises(ProtocolError, match="no test subject"):
        dataclasses.replace(rules, test_subjects=("casme2/absent",)).folds(rules.select(make_clips()))


def test_test_subjects_may_be_all_of_a_data_set():
    rules = dataclasses.replace(load_protocol(MINE), split="fixed-subjects", datasets=("casme2", "samm"))
    rules = dataclasses.replace(rules, test_subjects=("samm/*",))
    [fold] = rules.folds(rules.select([*make_clips(), *make_clips(dataset="samm")]))
    assert {subject.split("/")[0] for subject in fold.subjects("test")} == {"samm"}
    assert {subject.split("/")[0] for subject in fold.subjects("train")} == {"casme2"}


def test_zero_shot_tests_every_clip_and_trains_on_none():
    rules = dataclasses.replace(load_protocol(MINE), split="zero-shot")
    examples = rules.select(make_clips())
    [fold] = rules.folds(examples)
    assert (fold.name, fold.train, fold.test) == ("zero-shot", (), tuple(examples))
    with pytest.raises(ProtocolError, match="no clip to train on"):
        Fold("other", (), tuple(examples))


def test_a_subject_on_both_sides_is_refused():
    clips = make_clips()
    with pytest.raises(ProtocolError, match="'casme2/p0' would be trained on and tested on"):
        Fold("bad", (Example(clips[0], "happiness"),), (Example(clips[1], "surprise"),))


def test_labels_that_are_not_classes_take_no_part():
    examples = load_protocol(MINE).select(make_clips())
    assert {e.label for e in examples} == {"happiness", "surprise"}
    nobody = dataclasses.replace(load_protocol(MINE), label="objective")
    with pytest.raises(ProtocolError, match="none of 12 clips"):
        nobody.select(make_clips())


def test_excluded_clips_take_no_part():
    rules = dataclasses.replace(load_protocol(MINE), exclude={"casme2/p0/c0": "broken"})
    assert "casme2/p0/c0" not in {e.clip.id for e in rules.select(make_clips())}


def test_every_difference_to_the_published_counts_is_named():
    rules = PROTOCOLS.get("megc2019-cde")
    lines = rules.count_mismatches(rules.select(make_clips()))
    assert "samm is missing: 0 of 133 clips" in lines
    assert "casme2 positive: 4 of 32 clips" in lines
    assert "casme2: 4 of 24 subjects" in lines


def test_published_counts_have_the_published_sums():
    totals = {name: sum(sum(c.values()) for c in rules.counts.values()) for name, rules in PROTOCOLS}
    assert totals["megc2018-cde"] == totals["megc2018-hde"] == 253
    assert (totals["megc2018-casme2"], totals["megc2018-samm"], totals["megc2019-cde"]) == (185, 68, 442)
    assert (totals["casme2-7"], totals["casme2-5"], totals["casme2-5a"], totals["casme2-3"]) == (255, 246, 154, 84)
    assert PROTOCOLS.get("casme2-5a").classes != PROTOCOLS.get("casme2-5b").classes


def test_casme2_and_smic_together_have_the_words_of_smic_and_people_of_their_own():
    rules, more = PROTOCOLS.get("casme2-smic-3"), PROTOCOLS.get("casme2-smic")
    assert rules.counts["casme2"] == {"negative": 27, "positive": 32, "surprise": 25}
    assert more.counts["casme2"] == {"negative": 90, "positive": 32, "surprise": 25}
    assert sum(rules.counts["smic"].values()) == 164 and rules.subjects == {"casme2": 20, "smic": 16}
    casme2 = [dataclasses.replace(c, labels={"emotion": "repression"}) for c in make_clips()]
    smic = [dataclasses.replace(c, labels={"emotion": "surprise"}, apex=None) for c in make_clips(dataset="smic")]
    folds = rules.folds(rules.select([*casme2, *smic]))
    assert [fold.name for fold in folds] == [f"{d}/p{p}" for d in ("casme2", "smic") for p in range(4)]
    assert {e.label for fold in folds for e in fold.test} == {"negative", "surprise"}


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"classes": ["one"]}, RecipeError, "two or more"),
        ({"clases": []}, RecipeError, "did you mean 'classes'"),
        ({"reveal": ["apx"]}, UnknownNameError, "did you mean 'apex'"),
        ({"primary_metrics": ["macro_f2"]}, UnknownNameError, "did you mean 'macro_f1'"),
        ({"label_map": {"casme2": {"fear": "afraid"}}}, RecipeError, "leads to 'afraid'"),
        ({"split": "random"}, RecipeError, "split = 'random'"),
    ],
)
def test_wrong_tables_are_errors(change, error, text):
    with pytest.raises(error, match=text):
        load_protocol({**MINE, **change})


def test_unknown_names_and_missing_keys_are_errors():
    with pytest.raises(UnknownNameError, match="did you mean 'megc2019-cde'"):
        load_protocol("megc2019cde")
    with pytest.raises(RecipeError, match="lacks 'classes'"):
        load_protocol({key: value for key, value in MINE.items() if key != "classes"})


UNITS = {**MINE, "label": "action_units", "classes": ["1", "4", "12"], "multilabel": True, "primary_metrics": ["auc"]}


def clips_with_units(texts: dict[str, str]):
    return [
        dataclasses.replace(clip, labels={**clip.labels, "action_units": texts[clip.id]}) if clip.id in texts else clip
        for clip in make_clips(subjects=2)
    ]


def test_a_multilabel_protocol_selects_the_clips_whose_action_units_are_known():
    rules = load_protocol(UNITS)
    clips = clips_with_units({"casme2/p0/c0": "4, 12L", "casme2/p1/c1": "38", "casme2/p1/c2": "R12 or R15"})
    assert [(e.clip.id, e.label) for e in rules.select(clips)] == [("casme2/p0/c0", "4+L12"), ("casme2/p1/c1", "38")]
    assert rules.labels_of("4+L12+R12") == ("4", "12")
    [line] = rules.unlabeled(clips)
    assert line.startswith("casme2: 4 of 6 clips have no 'action_units' that can be read, e.g. 'casme2/p0/c1' ('')")
    with pytest.raises(ProtocolError, match="none of 6 clips has an 'action_units' with action units that can be read"):
        rules.select(make_clips(subjects=2))


def test_counts_of_a_multilabel_protocol_are_those_of_each_action_unit():
    rules = dataclasses.replace(load_protocol(UNITS), counts={"casme2": {"1": 1, "4": 2, "12": 1}})
    examples = rules.select(clips_with_units({"casme2/p0/c0": "4+12", "casme2/p1/c1": "1+4+L4"}))
    assert rules.count_mismatches(examples) == []
    assert rules.count_mismatches(examples[:1]) == ["casme2 1: 0 of 1 clips", "casme2 4: 1 of 2 clips"]


def test_a_protocol_may_take_the_clips_of_another_one():
    rules = dataclasses.replace(load_protocol(UNITS), clips_of="casme2-3")
    every = {clip.id: "4" for clip in make_clips(subjects=2)}
    assert {e.clip.labels["emotion"] for e in rules.select(clips_with_units(every))} == {"happiness", "surprise"}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"classes": ["1", "brow"]}, "classes = 'brow': a multilabel protocol has action units, of 1, 2, 4"),
        ({"primary_metrics": ["macro_f1"]}, "unknown metric of action units 'macro_f1'"),
        ({"threshold": 2.0}, "threshold = 2.0"),
        ({"min_positives": 0}, "min_positives = 0"),
    ],
)
def test_wrong_settings_of_a_multilabel_protocol_are_named(change, text):
    with pytest.raises((RecipeError, UnknownNameError), match=text):
        load_protocol({**UNITS, **change})


def test_k_fold_deals_people_into_folds_of_about_as_many_clips():
    sizes = {"a": 5, "b": 4, "c": 3, "d": 3, "e": 1}
    examples = [
        Example(Clip(f"x/{name}/{i}", "x", f"x/{name}", Path("nowhere"), 1.0), "yes")
        for name, size in sizes.items()
        for i in range(size)
    ]
    protocol = Protocol("two", "two folds", ("x",), "answer", ("yes", "no"), split="k-fold", k=2)
    folds = protocol.folds(examples)
    assert [(fold.name, sorted(fold.subjects("test"))) for fold in folds] == [
        ("fold-1", ["x/a", "x/d"]),
        ("fold-2", ["x/b", "x/c", "x/e"]),
    ]
    assert [len(fold.test) for fold in folds] == [8, 8]
    assert protocol.folds(examples[::-1])[0].subjects("test") == {"x/a", "x/d"}
    many = dataclasses.replace(protocol, k=12).folds(examples)
    assert [fold.name for fold in many] == ["fold-01", "fold-02", "fold-03", "fold-04", "fold-05"]
    with pytest.raises(RecipeError, match="k = 1: k-fold needs 2 folds or more"):
        dataclasses.replace(protocol, k=1)
