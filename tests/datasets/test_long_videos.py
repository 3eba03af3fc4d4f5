"""CAS(ME)^2 and SAMM Long Videos: rules of their sheets, published counts, issues."""

import shutil
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from microexpr.core.clip import Clip, Interval
from microexpr.core.errors import AnnotationError, DataError
from microexpr.datasets import DATASETS, Dataset
from microexpr.datasets.casme_sq import SHEETS as CAS
from microexpr.datasets.samm_lv import BEGUN
from microexpr.datasets.samm_lv import SHEETS as SAMM
from microexpr.datasets.synthetic import long_videos
from microexpr.imaging.images import write_image

NAMES = ("casme_sq", "samm_lv")
SHEET = {"casme_sq": CAS[1], "samm_lv": SAMM[0]}


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    """Both sets, of three people."""
    base = tmp_path_factory.mktemp("long")
    return {name: DATASETS.get(name).make_synthetic(base / name, subjects=3, image_scale=0.12) for name in NAMES}


@pytest.fixture
def copy(synthetic, tmp_path):
    def made(name: str) -> Dataset:
        return type(synthetic[name])(shutil.copytree(synthetic[name].root, tmp_path / name))

    return made


def edit(dataset: Dataset, row: int, column: int, value: object, sheet: int = 0) -> None:
    path = dataset.root / SHEET[dataset.name]
    book = openpyxl.load_workbook(path)
    book.worksheets[sheet].cell(row, column).value = value
    book.save(path)


def write_annotated_frames(video, folder, pattern, scale, gray=False):
    """Write only the frames that the sheet names, black: no time is spent on rendering."""
    for event in long_videos.video_events(video):
        half = (event.onset + event.offset) // 2
        for i in {max(0, event.onset), event.apex, half, event.offset}:
            write_image(folder / pattern.format(i + 1), np.zeros((8, 8), np.uint8))


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_copy_has_the_published_counts(name, tmp_path, monkeypatch):
    monkeypatch.setattr(long_videos, "write_frames", write_annotated_frames)
    made = DATASETS.get(name).make_synthetic(tmp_path / name, image_scale=0.01)
    assert [issue.reason for issue in made.check()] == ["is synthetic (SYNTHETIC.json)"]
    info, clips = made.info, made.clips()
    assert len(clips) == info.clips
    kinds = [event.kind for clip in clips for event in clip.intervals]
    assert {kind: kinds.count(kind) for kind in ("macro", "micro")} == info.events["kind"]


def test_published_numbers_of_long_videos():
    info = {name: DATASETS.get(name).info for name in NAMES}
    assert [f.clips for f in info.values()] == [98, 147] and info["casme_sq"].subjects == 22
    assert info["casme_sq"].events["kind"] == {"macro": 300, "micro": 57}
    assert info["samm_lv"].events == {"kind": {"macro": 343, "micro": 159}, "begun": {BEGUN: 10}}
    assert [f.fps for f in info.values()] == [30, 200]


@pytest.mark.parametrize("name", NAMES)
def test_check_compares_the_published_counts_of_events(synthetic, name):
    text = "\n".join(map(str, synthetic[name].check()))
    assert "is synthetic" in text and "kind 'micro'" in text and "kind 'macro'" in text


def test_an_expression_that_began_before_the_recording_has_onset_1(synthetic):
    (clip, *others) = synthetic["samm_lv"].clips()
    assert clip.intervals[0].labels["begun"] == BEGUN and clip.intervals[0].onset == 1
    assert all("begun" not in event.labels for other in others for event in other.intervals)


def test_micro_expressions_of_samm_get_the_labels_of_the_micro_release(synthetic, copy):
    emotions = [event.labels.get("emotion") for clip in synthetic["samm_lv"].clips() for event in clip.intervals]
    assert emotions[0] is None and all(emotions[1::2])
    made = copy("samm_lv")
    (made.root / "SAMM_Micro_FACS_Codes_v2.xlsx").unlink()
    assert not any("emotion" in event.labels for clip in made.clips() for event in clip.intervals)


def test_unknown_times_of_casme_sq_are_filled_in(copy):
    made = copy("casme_sq")
    for row, cells in ((1, (10, 0, 41)), (2, (50, 60, 0))):
        for column, value in enumerate(cells, 3):
            edit(made, row, column, value)
    first, second = made.clips()[0].intervals
    assert (first.onset, first.apex, first.offset) == (10, 25, 41)  # no apex: half-way
    assert (second.onset, second.apex, second.offset) == (50, 60, 60)  # no offset: the apex is the end


@pytest.mark.parametrize(("name", "offset", "kind"), [("casme_sq", 5, 8), ("samm_lv", 6, 8)])
def test_the_kind_of_an_interval_is_that_of_the_sheet_whatever_its_length(copy, name, offset, kind):
    made = copy(name)
    before = made.clips()[0].intervals
    rows = range(1, 3) if name == "casme_sq" else range(11, 13)
    ends = [event.onset + round(2 * made.info.fps) for event in before]
    for row, end, old in zip(rows, ends, before, strict=True):
        edit(made, row, offset, end)
        written = openpyxl.load_workbook(made.root / SHEET[name]).worksheets[0].cell(row, kind).value
        assert written.lower().startswith(old.kind)
    clips, _ = made.read()  # no pictures are needed to read a sheet's words
    assert [(event.offset, event.kind) for event in clips[0].intervals] == [
        (end, old.kind) for end, old in zip(ends, before, strict=True)
    ]


def test_a_video_that_is_not_in_the_sheet_has_no_intervals(copy):
    made = copy("casme_sq")
    shutil.copytree(made.clips()[0].source, made.root / "rawpic" / "s15" / "15_0505funnyinnovations")
    added = [clip for clip in made.clips() if clip.source.name.startswith("15_0505")]
    assert [clip.intervals for clip in added] == [()] and len(made.clips()) == 7


@pytest.mark.parametrize(
    ("name", "row", "column", "value", "text"),
    [
        ("casme_sq", 2, 1, 77, "subject = 77: is not in 'naming rule1'"),
        ("casme_sq", 2, 2, "joy9_1", "video = joy9_1: is not in 'naming rule2'"),
        ("casme_sq", 2, 2, None, "row 2: video = : is empty"),
        ("casme_sq", 2, 1, None, "row 2: subject = : is empty"),
        ("casme_sq", 2, 3, 0, "disgust1_2.onset = 0: is not a frame number"),
        ("casme_sq", 2, 3, "x", "disgust1_2.onset = x: is not a frame number"),
        ("casme_sq", 2, 5, 5000, "disgust1_2.offset = 5000: no such frame"),
        ("casme_sq", 2, 5, 2, "disgust1_2.offset = 2: lies before the onset"),
        ("casme_sq", 2, 8, "neutral", "disgust1_2.kind = neutral: is none of"),
        ("samm_lv", 12, 2, "007_1_2", "Subject = 006: is not that of '007_1_2'"),
        ("samm_lv", 12, 4, "-", "006_1_2.onset = -: is not a frame number"),
        ("samm_lv", 12, 6, 0, "006_1_2.offset = 0: is not a frame number"),
        ("samm_lv", 12, 5, 5, "006_1_2.apex = 5: lies before the onset"),
        ("samm_lv", 12, 8, "Neutral", "006_1_2.kind = Neutral: is neither"),
    ],
)
def test_a_wrong_row_is_named(copy, name, row, column, value, text):
    made = copy(name)
    edit(made, row, column, value)
    assert any(text in str(issue) for issue in made.check()), "\n".join(map(str, made.check()))
    with pytest.raises(AnnotationError):
        made.clips()


@pytest.mark.parametrize(("name", "row", "taken"), [("casme_sq", 2, "disgust1_1"), ("samm_lv", 12, "006_1_1")])
def test_two_rows_of_one_name_are_numbered(copy, name, row, taken):
    made = copy(name)
    edit(made, row, 2, taken)
    assert [event.labels["name"] for event in made.clips()[0].intervals] == [taken, f"{taken}#2"]
    for column in range(3, 10):
        book = openpyxl.load_workbook(made.root / SHEET[name])
        edit(made, row, column, book.worksheets[0].cell(row - 1, column).value)
    assert any(f"{taken} = " in str(issue) and "stands twice" in str(issue) for issue in made.check())


@pytest.mark.parametrize("name", NAMES)
def test_a_video_without_its_frames_is_missing(copy, name):
    made = copy(name)
    shutil.rmtree(made.clips()[-1].source)
    assert [issue.field for issue in made.missing()] == ["source"]
    assert len(made.clips(allow_missing=True)) == len(DATASETS.get(name)(made.root).missing()) * (5, 2)[name > "d"]


def test_two_videos_with_one_code_are_named(copy):
    made = copy("casme_sq")
    shutil.copytree(made.clips()[0].source, made.root / "rawpic" / "s15" / "15_0101other")
    assert any("code = 0101: is that of" in str(issue) for issue in made.check())


def test_a_code_sheet_without_its_naming_rules_cannot_be_read(copy):
    made = copy("casme_sq")
    book = openpyxl.load_workbook(made.root / SHEET["casme_sq"])
    book.remove(book.worksheets[2])
    book.save(made.root / SHEET["casme_sq"])
    with pytest.raises(DataError, match="has 2 sheets"):
        made.clips()


def test_a_correction_changes_a_time_of_an_interval(copy):
    made = copy("samm_lv")
    last = str(made.clips()[0].intervals[1].offset)
    lines = ["clip,field,expected,value,reason", f"samm_lv/006/006_1,006_1_2.offset,{last},460,a test"]
    (made.root / "corrections.csv").write_text("\n".join(lines))
    assert made.clips()[0].intervals[1].offset == 460
    (made.root / "corrections.csv").write_text("\n".join(lines).replace(f",{last},", ",1,"))
    assert any("006_1_2.offset" in str(i) and "another version" in str(i) for i in made.check())


def test_offsets_of_samm_behind_the_last_frame_are_corrected():
    known = {(c.clip, c.field): (c.expected, c.value) for c in DATASETS.get("samm_lv").corrections}
    assert known["samm_lv/020/020_6", "020_6_5.offset"] == ("5476", "5001")


@pytest.mark.parametrize("name", NAMES)
def test_the_fingerprint_changes_with_an_interval(copy, name):
    made = copy(name)
    before = made.fingerprint()
    edit(made, 12 if name == "samm_lv" else 2, 9 if name == "samm_lv" else 6, "17")
    assert made.fingerprint() != before


def test_intervals_of_a_clip_are_named_and_hidden_by_blind():
    events = (Interval(1, 5, labels={"name": "a"}), Interval(9, 8))
    clip = Clip("d/p/c", "d", "d/p", Path("x"), 30, intervals=events)
    assert list(clip.named_intervals()) == ["a", "2"] and clip.blind(()).intervals == ()
    assert clip.issues() == [("2.offset", 8, "lies before the onset, 9")]
