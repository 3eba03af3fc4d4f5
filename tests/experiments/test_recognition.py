"""From a recipe to a run: no leaks, resumption, failures, subsets."""

import csv
import dataclasses
import json

import numpy as np
import pytest

from microexpr.core.clip import Clip
from microexpr.core.errors import MissingDataError, ProtocolError, RecipeError, RunError, UnknownNameError
from microexpr.core.progress import no_progress
from microexpr.datasets import Dataset
from microexpr.experiments import recognition_folds as ev
from microexpr.experiments.data import StageData, load_data
from microexpr.experiments.fold_jobs import RUN_FOLD, FoldJob
from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_folds import evaluate
from microexpr.experiments.recognition_run import RecognitionRun
from microexpr.experiments.run_folder import fold_seed
from microexpr.experiments.runs import run_seeds
from microexpr.recipes import RecognitionRecipe, parse_recipe
from microexpr.recognizers import RECOGNIZERS, Recognizer
from microexpr.reports import make_report
from tests.conftest import NETWORK, RECIPE


@pytest.fixture
def subset(synthetic_datasets):
    """Options for the small synthetic releases of the tests."""
    return RunOptions(allow_subset=True, roots=synthetic_datasets.roots)


def files(run: RecognitionRun) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((run.folder / "folds").iterdir())}


def test_a_run_stores_every_prediction(recipe, subset, tmp_path):
    run = evaluate(recipe, tmp_path / "run", subset)
    assert run.complete and run.synthetic
    with next((run.folder / "folds").glob("smic.s01.csv")).open() as file:
        rows = list(csv.DictReader(file))
    names = ["id", "dataset", "subject", "label", "predicted", "p_negative", "p_positive", "p_surprise", "note"]
    assert list(rows[0]) == names
    assert {row["subject"] for row in rows} == {"smic/s01"}
    for row in run.predictions():
        assert row.predicted == run.protocol.classes[int(np.argmax(row.probabilities))]
        assert sum(row.probabilities) == pytest.approx(1, abs=1e-5)
    header = json.loads((run.folder / "run.json").read_text())
    assert all(fold["name"] not in fold["train_subjects"] for fold in header["folds"])


def test_a_subset_is_refused_without_allow_subset(recipe, subset, tmp_path):
    with pytest.raises(ProtocolError, match=r"casme2 negative: .* of 88 clips and .* more differences; --allow-subset"):
        evaluate(recipe, tmp_path / "run", dataclasses.replace(subset, allow_subset=False))
    assert not (tmp_path / "run").exists()


def test_zero_shot_needs_a_recognizer_that_learns_from_no_clip(recipe, subset, tmp_path, monkeypatch):
    monkeypatch.setattr(RECOGNIZERS, "_entries", dict(RECOGNIZERS))  # what is registered here is gone after the test
    RECOGNIZERS.register("guess")(Guess)
    protocol = {**dataclasses.asdict(recipe.protocol), "split": "zero-shot"}
    zero_shot = recipe.with_settings({"protocol": protocol})
    with pytest.raises(
        RecipeError, match="recognizer 'majority' learns from clips, and protocol 'megc2019-cde' trains"
    ):
        evaluate(zero_shot.with_settings({"recognizer": {"name": "majority"}}), tmp_path / "run", subset)
    run = evaluate(zero_shot.with_settings({"recognizer": {"name": "guess"}}), tmp_path / "run", subset)
    assert run.unit_names == ["zero-shot"] and run.train_confusion() is None
    assert {row.predicted for row in run.predictions()} == {"negative"}
    assert make_report(run).data[0]["confusion_of_training"] is None


@dataclasses.dataclass
class Guess(Recognizer):
    """Every class is as probable as every other one."""

    needs_clips = False

    def _fit(self, samples, targets, groups, init):
        assert not samples

    def _predict_proba(self, samples):
        return np.ones((len(samples), len(self.classes)))

    def state(self):
        return {}

    def _restore(self, state):
        pass


@pytest.mark.parametrize(("classes", "shown"), [("megc2019-cde", False), ("holdout", True)])
def test_a_run_of_few_folds_shows_the_epochs_of_each(network, subset, tmp_path, classes, shown):
    if shown:
        holdout = {"split": "fixed-subjects", "test_subjects": ["smic/s01"]}
        network = network.with_settings({"protocol": {**dataclasses.asdict(network.protocol), **holdout}})
    told = []
    evaluate(network, tmp_path / "run", subset, lambda *what: told.append(what))
    steps = [(done, total) for what, done, total in told if what.startswith("training fold 'fixed-subjects'")]
    assert steps[-1:] == [(18, 18)] * shown  # six epochs of three batches
    assert len([what for what, *_ in told if "training fold" in what]) == len(steps)


def with_other_hidden_values(real):
    """Replace what the protocol hides: the apex, and all labels but the one that is the class."""

    def clips(self: Dataset, allow_missing: bool = False) -> list[Clip]:
        rng = np.random.default_rng(7)
        found = []
        for clip in real(self, allow_missing):
            labels = {**clip.labels, "objective": str(rng.integers(9)), "action_units": str(rng.integers(50))}
            found.append(dataclasses.replace(clip, apex=clip.onset, labels=labels))
        return found

    return clips


def test_values_hidden_by_the_protocol_change_no_prediction(synthetic_datasets, subset, tmp_path, monkeypatch):
    rules = {"name": "mine", "title": "-", "datasets": ["casme2"], "label": "emotion", "classes": ["disgust", "others"]}
    steps = [{"name": "onset-apex"}, {"name": "flow", "estimator": "dis"}, {"name": "resize"}]

    def run(name: str, reveal: list[str]) -> RecognitionRun:
        stage = {"name": "micro", "data": ("casme2",), "protocol": {**rules, "reveal": reveal}}
        tree = {"title": "-", "stages": [{**stage, "chain": steps, "recognizer": {"name": "svm", "kernel": "linear"}}]}
        return evaluate(ev_recipe(tree), tmp_path / name, subset)

    hidden, shown = run("hidden", []), run("shown", ["onset", "apex", "offset"])
    monkeypatch.setattr(Dataset, "clips", with_other_hidden_values(Dataset.clips))
    assert files(run("hidden-poisoned", [])) == files(hidden)
    assert files(run("shown-poisoned", ["onset", "apex", "offset"])) != files(shown)


def ev_recipe(tree: dict) -> RecognitionRecipe:
    return RecognitionRecipe.parse("mine", tree)


def test_labels_of_test_clips_are_not_sent_to_workers(network, subset, tmp_path, monkeypatch):
    jobs: list[FoldJob] = []
    real = RUN_FOLD
    monkeypatch.setattr(ev, "RUN_FOLD", lambda job, samples: (jobs.append(job), real(job, samples))[1])
    run = evaluate(network, tmp_path / "run", subset)
    assert len(jobs) == len(run.unit_names)
    for job in jobs:
        assert not set(job.train) & set(job.test)
        assert len(job.labels) == len(job.train)
        assert [f.name for f in dataclasses.fields(job) if "label" in f.name] == ["labels"]  # of training clips only


def test_permuted_test_labels_change_no_prediction(network, subset, tmp_path, monkeypatch):
    first = evaluate(network, tmp_path / "a", subset)
    real = ev._job

    def permuted(data, fold, *rest):
        labels = [example.label for example in fold.test]
        rotated = labels[1:] + labels[:1]
        test = [dataclasses.replace(e, label=label) for e, label in zip(fold.test, rotated, strict=True)]
        return real(data, dataclasses.replace(fold, test=tuple(test)), *rest)

    monkeypatch.setattr(ev, "_job", permuted)
    assert files(evaluate(network, tmp_path / "b", subset)) == files(first)


def test_finished_folds_are_not_repeated(network, subset, tmp_path, monkeypatch):
    run = evaluate(network, tmp_path / "run", subset)
    before = files(run)
    gone = run.folder / "folds" / "smic.s02.csv"
    gone.unlink()
    jobs: list[str] = []
    real = RUN_FOLD
    monkeypatch.setattr(ev, "RUN_FOLD", lambda job, samples: (jobs.append(job.fold), real(job, samples))[1])
    assert files(evaluate(network, tmp_path / "run", subset)) == before
    assert jobs == ["smic/s02"]


def test_another_recipe_in_the_same_folder_is_refused(recipe, subset, tmp_path):
    evaluate(recipe, tmp_path / "run", subset)
    with pytest.raises(RunError, match="holds another run"):
        evaluate(recipe.with_settings({"recognizer.C": 1.0}), tmp_path / "run", subset)
    with pytest.raises(RunError, match="seed differs"):
        evaluate(recipe, tmp_path / "run", dataclasses.replace(subset, seed=1))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.jpg").write_bytes(b"x")
    with pytest.raises(RunError, match="something that is not a run"):
        evaluate(recipe, tmp_path / "photos", subset)


def test_a_run_killed_while_writing_its_first_file_continues(recipe, subset, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json.123-abc-0.tmp").write_bytes(b'{"recipe"')
    assert evaluate(recipe, tmp_path / "run", subset).complete


def test_people_whose_names_no_file_can_have_are_people_of_their_own(recipe, subset, tmp_path, monkeypatch):
    names = dict(zip(("smic/s01", "smic/s02", "smic/s03"), ("smic/张三", "smic/李四", "smic/王 五"), strict=True))
    plain = evaluate(recipe, tmp_path / "plain", subset)

    def renamed(*arguments):
        return [rename_subjects(data, names) for data in load_data(*arguments)]

    monkeypatch.setattr(ev, "load_data", renamed)
    run = evaluate(recipe, tmp_path / "run", dataclasses.replace(subset, save_models=True))
    assert {p.subject for p in run.predictions()} >= set(names.values())
    assert [(p.id, p.predicted) for p in run.predictions()] == [(p.id, p.predicted) for p in plain.predictions()]
    assert len(list((run.folder / "models").iterdir())) == len(run.unit_names)


def test_two_folds_with_one_file_are_refused(recipe, subset, tmp_path, monkeypatch):
    twins = {"smic/s01": "smic/s02"}
    monkeypatch.setattr(ev, "load_data", lambda *a: [rename_folds(data, twins) for data in load_data(*a)])
    with pytest.raises(RunError, match=r"folds 'smic/s02' and 'smic/s02' would share the file 'smic\.s02\.csv'"):
        evaluate(recipe, tmp_path / "run", subset)


def rename_folds(data: StageData, names: dict[str, str]) -> StageData:
    """The same folds under other names."""
    return dataclasses.replace(
        data, folds=[dataclasses.replace(fold, name=names.get(fold.name, fold.name)) for fold in data.folds]
    )


def rename_subjects(data: StageData, names: dict[str, str]) -> StageData:
    """The same clips, of subjects with other names; the order of the folds stays."""
    sides = {}

    def renamed(examples):
        return tuple(
            dataclasses.replace(e, clip=dataclasses.replace(e.clip, subject=names.get(e.clip.subject, e.clip.subject)))
            for e in examples
        )

    for fold in data.folds:
        name = names.get(fold.name, fold.name)
        sides[name] = dataclasses.replace(fold, name=name, train=renamed(fold.train), test=renamed(fold.test))
    return dataclasses.replace(data, examples=list(renamed(data.examples)), folds=list(sides.values()))


def test_a_failed_fold_has_an_error_file_and_no_predictions(recipe, subset, tmp_path, monkeypatch):
    real = RUN_FOLD

    def failing(job, samples):
        if job.fold == "smic/s02":
            raise MemoryError("no room")
        return real(job, samples)

    monkeypatch.setattr(ev, "RUN_FOLD", failing)
    with pytest.raises(RunError, match=r"1 of 9 folds failed, .* 'smic/s02': MemoryError: no room"):
        evaluate(recipe, tmp_path / "run", subset)
    run = RecognitionRun.open(tmp_path / "run")
    assert list(run.failed()) == ["smic/s02"] and len(run.done()) == 8
    monkeypatch.setattr(ev, "RUN_FOLD", real)
    assert evaluate(recipe, tmp_path / "run", subset).failed() == {}


def test_clips_without_images_are_listed_in_the_metadata(recipe, synthetic_datasets, subset, tmp_path):
    import shutil

    copy = shutil.copytree(synthetic_datasets["megc2019"].root, tmp_path / "copy")
    gone = sorted((copy / "STSNet_whole_norm_u_v_os").iterdir())[0]
    gone.unlink()
    options = dataclasses.replace(subset, roots={"megc2019": copy})
    run = evaluate(recipe, tmp_path / "run", options)
    assert len(run.metadata.left_out) == 1 and "is not there" in run.metadata.left_out[0]
    assert len(run.predictions()) == len(synthetic_datasets["megc2019"].clips()) - 1


def test_a_missing_data_set_is_an_error(recipe, tmp_path):
    with pytest.raises(MissingDataError, match=r"'megc2019' is not on this machine .*`microexpr synthesize megc2019"):
        evaluate(recipe, tmp_path / "run")


def test_seeds_give_different_predictions(network, subset, tmp_path):
    runs = run_seeds(network, tmp_path / "runs", subset, 2, no_progress)
    assert [run.metadata.seed for run in runs] == [0, 1]
    assert files(runs[0]) != files(runs[1])
    assert fold_seed(0, "a") != fold_seed(0, "b") and fold_seed(0, "a") == fold_seed(0, "a") >= 0


def test_an_earlier_stage_is_not_trained_on_test_subjects(subset, tmp_path, monkeypatch):
    first = NETWORK.replace('"micro"', '"before"').replace('["megc2019"]', '["megc2019_faces"]')
    both = first + NETWORK[NETWORK.index("[[stages]]") :]
    with pytest.raises(ProtocolError, match="stage 'before' would be trained on 'casme2/sub01'"):
        evaluate(parse_recipe("two", both), tmp_path / "run", subset)
    classes = '["negative", "positive", "surprise"]'
    rules = f'{{name = "own", title = "-", datasets = ["folder"], label = "emotion", classes = {classes}}}'
    own = first.replace('["megc2019_faces"]', '["folder"]').replace('"megc2019-cde"', rules)
    own = own.replace(
        '{ name = "load-image" }', '{ name = "onset-apex" }, { name = "flow", estimator = "dis" }, { name = "resize" }'
    )
    both = own + NETWORK[NETWORK.index("[[stages]]") :]
    run = evaluate(parse_recipe("two", both), tmp_path / "run2", subset)
    alone = evaluate(parse_recipe("one", NETWORK), tmp_path / "run3", subset)
    assert run.complete and files(run) != files(alone)


def test_quick_and_synthetic_runs_are_marked(recipe, tmp_path):
    run = evaluate(recipe, tmp_path / "run", RunOptions(synthetic=True, quick=True))
    assert run.metadata.quick and run.synthetic and run.metadata.subset
    assert len({row.subject for row in run.predictions()}) == 6
    assert list((run.folder / "examples").glob("*--input.png"))


def test_recipes_of_the_tests_differ():
    assert parse_recipe("a", RECIPE).key != parse_recipe("a", NETWORK).key


def test_a_root_of_an_unknown_data_set_is_an_error(tmp_path):
    with pytest.raises(UnknownNameError, match="unknown data set 'casm2'; did you mean 'casme2'"):
        RunOptions(roots={"casm2": tmp_path})
