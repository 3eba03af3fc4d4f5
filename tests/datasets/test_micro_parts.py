"""Micro-expressions of long videos as clips: CAS(ME)^2 and SAMM Long Videos, with the known faults of their sheets."""

import shutil
from collections import Counter

import openpyxl
import pytest

from microexpr.core.errors import AnnotationError
from microexpr.datasets import DATASETS, Dataset
from microexpr.datasets.casme_sq import SHEETS as CAS
from microexpr.datasets.casme_sq_micro import clip_specs
from microexpr.datasets.samm_lv import MICRO_SHEETS
from microexpr.datasets.samm_lv import SHEETS as SAMM
from microexpr.imaging.frames import open_frames

NAMES = ("casme_sq_micro", "samm_lv_micro")
SHEET = {"casme_sq_micro": CAS[1], "samm_lv_micro": SAMM[0]}
FIRST = {"casme_sq_micro": 1, "samm_lv_micro": 11}  # row of the sheet, and the column of the onset
ONSET = {"casme_sq_micro": 3, "samm_lv_micro": 4}


@pytest.fixture
def copy(synthetic_datasets, tmp_path):
    def made(name: str) -> Dataset:
        return type(synthetic_datasets[name])(shutil.copytree(synthetic_datasets[name].root, tmp_path / name))

    return made


def edit(made: Dataset, *times: object) -> None:
    """Change onset, apex and offset of the sheet's first row; None leaves a time as it is."""
    book = openpyxl.load_workbook(made.root / SHEET[made.name])
    for column, value in enumerate(times, ONSET[made.name]):
        if value is not None:
            book.worksheets[0].cell(FIRST[made.name], column).value = value
    book.save(made.root / SHEET[made.name])


def first(made: Dataset):
    """The clip of the sheet's first row."""
    row = [cell.value for cell in openpyxl.load_workbook(made.root / SHEET[made.name]).worksheets[0][FIRST[made.name]]]
    return next(clip for clip in made.read()[0] if clip.id.endswith(f"/{row[1]}"))


@pytest.mark.parametrize("name", NAMES)
def test_each_micro_expression_is_a_clip_of_its_video(copy, name):
    made = copy(name)
    videos = DATASETS.get(name.removesuffix("_micro"))(made.root).clips()
    micro = [(video, event) for video in videos for event in video.intervals if event.kind == "micro"]
    macro = [event for video in videos for event in video.intervals if event.kind == "macro"]
    clips = made.clips()
    assert len(macro) == 3 and len(clips) == len(micro) > 6
    assert sorted((c.source, c.onset, c.apex, c.offset) for c in clips) == sorted(
        (video.source, event.onset, event.apex, event.offset) for video, event in micro
    )
    clip = clips[0]
    assert clip.id.split("/")[:2] == [name, clip.source.parent.name if "casme" in name else clip.source.name[:3]]
    assert {"emotion", "action_units"} <= clip.labels.keys() and "name" not in clip.labels
    assert {clip.onset, clip.apex, clip.offset} <= set(open_frames(clip.source).numbers)


def test_published_numbers_of_the_micro_expressions_of_casme_sq():
    specs, info = clip_specs(None, 0), DATASETS.get("casme_sq_micro").info
    assert len(specs) == info.clips == 57 and len({s.subject for s in specs}) == info.subjects == 14
    assert len({(spec.subject, spec.name.split("_")[0]) for spec in specs}) == 33
    assert (
        Counter(s.emotion for s in specs)
        == info.counts["emotion"]
        == {
            "negative": 21,
            "others": 19,
            "surprise": 9,
            "positive": 8,
        }
    )


@pytest.mark.parametrize(
    ("times", "read"),
    [((10, 0, 21), (10, 15, 21)), ((10, 15, 0), (10, 15, 15)), ((10, 15, 90), (10, 15, 90))],
)
def test_zeros_of_casme_sq_are_filled_in_and_long_rows_stay_micro(copy, times, read):
    made = copy("casme_sq_micro")
    edit(made, *times)
    clip = first(made)
    assert (clip.onset, clip.apex, clip.offset) == read


@pytest.mark.parametrize("times", [(1221, 1230, 1224), (2169, 2203, 2202), (2407, 2455, 2451)])
def test_an_apex_after_the_offset_is_named(copy, times):
    made = copy("casme_sq_micro")
    edit(made, *times)
    name = first(made).id
    with pytest.raises(AnnotationError, match=f"{name}: apex = {times[1]}: lies after the offset, {times[2]}"):
        made.clips()


@pytest.mark.parametrize("name", ["samm_lv", "samm_lv_micro"])
def test_frame_numbers_with_a_fraction_are_rounded_and_counted(synthetic_datasets, tmp_path, name):
    root = shutil.copytree(synthetic_datasets["samm_lv_micro"].root, tmp_path / name)
    micro = DATASETS.get("samm_lv_micro")(root)
    clip = first(micro)
    edit(micro, f"{clip.onset}.400", clip.apex + 0.4, f"{clip.offset - 1}.600")
    assert first(micro).labels["rounded"] == f"onset {clip.onset}.400, apex {clip.apex}.4, offset {clip.offset - 1}.600"
    assert first(micro).onset == clip.onset and first(micro).offset == clip.offset
    notes = [str(issue) for issue in DATASETS.get(name)(root).check() if issue.field == "frame numbers"]
    assert notes == [
        f"{name}: frame numbers = 3: frame numbers of the sheet have a fraction, e.g. onset {clip.onset}.400; they are "
        "rounded"
    ]
    assert len(micro.clips()) == len(synthetic_datasets["samm_lv_micro"].clips())


def test_an_apex_of_minus_1_is_not_known(copy):
    made = copy("samm_lv_micro")
    edit(made, None, -1)
    assert first(made).apex is None and first(made) in made.clips()
    edit(made, None, -2)
    with pytest.raises(AnnotationError, match="apex = -2: is not a frame number"):
        made.clips()


def test_an_onset_of_0_is_the_first_frame(copy):
    made = copy("samm_lv_micro")
    edit(made, 0)
    assert first(made).onset == 1 and first(made).labels["begun"] == "before the recording"


def test_labels_of_samm_are_those_of_its_own_sheet(copy):
    made = copy("samm_lv_micro")
    assert {"emotion", "objective"} <= first(made).labels.keys()
    (made.root / MICRO_SHEETS[0]).unlink()
    assert first(made).labels.keys() == {"action_units"}


def test_corrections_of_long_videos_are_those_of_their_clips():
    [clip, _] = DATASETS.get("samm_lv_micro").corrections
    assert (clip.clip, clip.field, clip.value) == ("samm_lv_micro/020/020_6_5", "offset", "5001")


@pytest.mark.parametrize("name", NAMES)
def test_a_video_without_a_micro_expression_is_no_note(copy, name):
    made = copy(name)
    source = made.clips()[0].source
    other = "15_0505other" if "casme" in name else "006_9"
    shutil.copytree(source, source.with_name(other))
    assert not [issue for issue in made.check() if issue.note]
