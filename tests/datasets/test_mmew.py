"""MMEW: its layouts, its two words for one emotion, and its sixteen wrong rows."""

import shutil
from collections import Counter

import pytest

from microexpr.core.errors import AnnotationError, MissingDataError
from microexpr.datasets.mmew import LABELS, POSITIVES, SHEETS, WRONG_TIMES, Mmew, clip_specs
from microexpr.protocols import PROTOCOLS
from tests.datasets.planted import cells, edit


@pytest.fixture
def made(synthetic_datasets, tmp_path) -> Mmew:
    return Mmew(shutil.copytree(synthetic_datasets["mmew"].root, tmp_path / "mmew"))


@pytest.fixture
def whole(tmp_path) -> Mmew:
    """A copy of all people, without frames."""
    return Mmew.make_synthetic(tmp_path / "whole", image_scale=0)


def test_a_copy_is_read_as_its_sheet_says(made):
    first = cells(made.root / SHEETS[0], 0)
    clip = next(clip for clip in made.clips() if clip.id == f"mmew/S01/{first['Filename']}")
    assert (clip.onset, clip.apex, clip.offset) == (first["OnsetFrame"], first["ApexFrame"], first["OffsetFrame"])
    assert clip.labels == {"emotion": first["Estimated Emotion"], "action_units": first["Action Units"]}
    assert (clip.fps, clip.source.name) == (90, first["Filename"])


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_emotions_and_action_units_of_a_whole_copy(seed):
    specs = clip_specs(None, seed)
    assert len({spec.name for spec in specs}) == 300 == sum(LABELS.values())
    assert Counter(spec.emotion for spec in specs) == Mmew.info.counts["emotion"]
    shown = Counter(number for spec in specs for number, _ in spec.units)
    assert {number: shown[number] for number in POSITIVES} == POSITIVES


def test_others_of_the_sheet_are_repression_among_the_folders(made):
    others = [clip for clip in made.clips() if clip.labels["emotion"] == "others"]
    assert others and {clip.source.parent.name for clip in others} == {"repression"}
    row = next(i for i in range(20) if cells(made.root / SHEETS[0], i)["Estimated Emotion"] == "others")
    edit(made.root / SHEETS[0], row, "Estimated Emotion", "repression")
    assert [clip.labels["emotion"] for clip in made.clips() if clip in others] == ["others"] * len(others)
    (made.root / "Micro_Expression" / "repression").rename(made.root / "Micro_Expression" / "others")
    assert len([clip for clip in made.clips() if clip.source.parent.name == "others"]) == len(others)


@pytest.mark.parametrize("top", [".", "MMEW_Final/Micro_Expression"])
def test_folders_of_people_are_read(made, top):
    clips = made.clips()
    for clip in clips:
        shutil.move(clip.source, made.root / top / clip.source.name[:3] / clip.source.parent.name / clip.source.name)
    shutil.rmtree(made.root / "Micro_Expression")
    assert [clip.id for clip in made.clips()] == [clip.id for clip in clips]


def test_wrong_rows_of_a_whole_copy_are_corrected_by_its_list(whole):
    clips = {clip.id: clip for clip in whole.annotated_clips()}
    assert whole.compare_with_published(list(clips.values())) == []
    for row, times in WRONG_TIMES.items():
        sheet = cells(whole.root / SHEETS[0], row)
        clip = clips[f"mmew/S{sheet['Subject']:02d}/{sheet['Filename']}"]
        assert (clip.apex, clip.offset) == times == (sheet["OffsetFrame"], sheet["ApexFrame"])


def test_wrong_rows_are_named_with_the_line_that_corrects_them(whole):
    (whole.root / "corrections.csv").unlink()
    with pytest.raises(AnnotationError, match=r"apex = 75: lies after the offset, 40 \(16 issues"):
        whole.annotated_clips()
    text = [str(issue) for issue in whole.compare_with_published(whole.read()[0])]
    assert len(text) == 2 * len(WRONG_TIMES) == 32
    name = cells(whole.root / SHEETS[0], 33)["Filename"]
    assert text[0].startswith(f"mmew/{name[:3]}/{name}: apex = 75: row 33 is known to be wrong, meb")
    assert f"a line of corrections.csv: mmew/{name[:3]}/{name},apex,75,40,meb (Varanka et al. 2022)" in text[0]


def test_row_numbers_mean_nothing_in_a_sheet_of_other_rows(made):
    assert not any("is known to be wrong" in str(issue) for issue in made.check())


def test_a_fault_of_times_is_named_and_a_sheet_is_needed(made):
    edit(made.root / SHEETS[0], 0, "ApexFrame", 900)
    with pytest.raises(AnnotationError, match="apex = 900: lies after the offset"):
        made.clips()
    (made.root / SHEETS[0]).unlink()
    with pytest.raises(MissingDataError, match=r"has no sheet; looked for MMEW_Micro_Exp\.xlsx"):
        made.clips()


@pytest.mark.parametrize(("name", "clips"), [("mmew-4", 263), ("mmew-6", 234)])
def test_protocols_count_the_clips_of_the_release(whole, name, clips):
    rules = PROTOCOLS.get(name)
    examples = rules.select(whole.annotated_clips())
    assert len(examples) == clips and rules.count_mismatches(examples) == [] and len(rules.folds(examples)) == 36
