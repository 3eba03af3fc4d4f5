"""CAS(ME)^3: its parts, their layouts, and the known faults of their sheets, planted in copies."""

import csv
import dataclasses
import functools
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from microexpr.core.action_units import parse_action_units
from microexpr.core.errors import AnnotationError, DataError
from microexpr.datasets import DATASETS, Dataset
from microexpr.datasets.casme3a import PLANTED, SHEETS, WRONG_ROWS, Casme3A, clip_specs
from microexpr.datasets.casme3a_long import blinks_of
from microexpr.datasets.synthetic import long_videos
from microexpr.datasets.synthetic.clips import RecordingSpec
from microexpr.imaging.images import write_image
from microexpr.protocols import PROTOCOLS

SHEET = {
    "casme3a": f"annotation/{SHEETS[0]}.xlsx",
    "casme3a_long": "annotation/CAS(ME)3_part_A_v2.xlsx",
    "casme3a_blinks": "annotation/CAS(ME)3_part_A_v2.xlsx",
    "casme3b": "supplementary_file/part_B_self_report_by_subjects_per_video.xlsx",
    "casme3c": "annotation/CAS(ME)3_part_C_ME.xlsx",
    "casme3c_long": "annotation/CAS(ME)3_part_C.xlsx",
}


@pytest.fixture
def copy(synthetic_datasets, tmp_path):
    def made(name: str) -> Dataset:
        return DATASETS.get(name)(shutil.copytree(synthetic_datasets[name].root, tmp_path / name))

    return made


def edit(made: Dataset, row: int, **cells: object) -> None:
    """Change cells of the first sheet; rows are counted from 0 below the header, columns are called as in it."""
    path = made.root / SHEET[made.name]
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    header = [cell.value for cell in sheet[1]]
    for column, value in cells.items():
        sheet.cell(row + 2, header.index(column) + 1).value = value
    book.save(path)


def correct(made: Dataset, *lines: str) -> None:
    """Write a list of corrections."""
    with (made.root / "corrections.csv").open("w", newline="") as file:
        rows = [line.split(",") for line in ("clip,field,expected,value,reason", *lines)]
        csv.writer(file).writerows(rows)


def found(made: Dataset) -> list[str]:
    return [str(issue) for issue in made.check()]


# ---------------------------------------------------------------------------------------------------------------------
# Part A, micro-expressions


def test_a_row_of_part_a_is_a_clip_named_by_its_video_and_onset(copy):
    made = copy("casme3a")
    rows = list(openpyxl.load_workbook(made.root / SHEET["casme3a"])["label"].values)
    assert all(isinstance(cell, str) for row in rows for cell in row)  # as in the release
    first = dict(zip(rows[0], rows[1], strict=True))
    [clip] = [c for c in made.clips() if c.id == f"casme3a/spNO.1/{first['Filename']}_{first['Onset']}"]
    assert (clip.subject, clip.fps) == ("casme3a/spNO.1", 30)
    assert (clip.onset, clip.apex, clip.offset) == tuple(int(first[name]) for name in ("Onset", "Apex", "Offset"))
    assert clip.labels["action_units"] == first["AU"] and clip.labels["objective"] == first["Objective class"]
    assert clip.source == made.root / "part_A" / "spNO.1" / first["Filename"] / "color"


def test_several_expressions_of_a_person_are_in_one_video(synthetic_datasets):
    clips = synthetic_datasets["casme3a"].clips()
    per_video = Counter(clip.source for clip in clips)
    assert set(per_video.values()) == {2} and len({clip.id for clip in clips}) == len(clips)
    assert len({(s.subject, s.name[0]) for s in clip_specs(None, 0)}) == 463


def test_emotions_of_part_a_are_in_small_letters(copy):
    made = copy("casme3a")
    values = openpyxl.load_workbook(made.root / SHEET["casme3a"])["label"].iter_rows(min_row=2, values_only=True)
    written = Counter(row[-1] for row in values)
    assert written["Others"] == 3
    read = Counter(clip.labels["emotion"] for clip in made.clips())
    assert read["others"] == written["Others"] + written["others"] and "Others" not in read


@pytest.mark.parametrize("layout", ["part_A/data/part_A", "data/part_A", "capitals", "ME_A", "Part_A_ME_clip/frame"])
def test_other_layouts_of_part_a_are_read(copy, layout):
    made = copy("casme3a")
    clips = made.clips()
    old = (made.root / "part_A").rename(made.root / "old")
    top = made.root / ("part_A" if layout == "capitals" else layout)
    repeats = Counter[Path]()
    for clip in clips:
        video = old / clip.source.relative_to(made.root / "part_A")
        repeats[video] += 1
        number = repeats[video] if repeats[video] > 1 else ""
        folder = {
            "ME_A": f"{video.parts[-3]}/{video.parts[-2]}{number}/color",
            "Part_A_ME_clip/frame": f"{video.parts[-3].replace('NO', 'No')}_{clip.id.split('/')[-1]}",
            "capitals": f"{video.parts[-3].replace('NO', 'No')}/{video.parts[-2].upper()}/color",
        }.get(layout, f"{video.parts[-3]}/{video.parts[-2]}/color")
        (top / folder).mkdir(parents=True, exist_ok=True)
        for frame in range(clip.onset, clip.offset + 1):
            shutil.copy(video / f"{frame}.jpg", top / folder)
    shutil.rmtree(old)
    assert [(clip.id, clip.onset) for clip in made.clips()] == [(clip.id, clip.onset) for clip in clips]
    alone = layout in ("ME_A", "Part_A_ME_clip/frame")
    assert len({clip.source for clip in made.clips()}) == (len(clips) if alone else len({c.source for c in clips}))


@pytest.fixture
def whole(tmp_path) -> Casme3A:
    """A copy of part A with all people, without frames."""
    return Casme3A.make_synthetic(tmp_path / "whole", image_scale=0)


def test_wrong_rows_of_a_whole_copy_are_corrected_by_its_list(whole):
    clips = whole.annotated_clips()
    assert whole.compare_with_published(clips) == []
    assert sum(clip.apex == clip.onset for clip in clips) == 55
    by_row = {row: clip for row, clip in enumerate(whole.read()[0]) if row in PLANTED}
    right = {clip.id: (clip.onset, clip.apex, clip.offset) for clip in clips}
    for row, clip in by_row.items():
        assert ((clip.onset, clip.apex, clip.offset), right[clip.id]) == PLANTED[row]


def test_wrong_rows_are_named_with_the_line_that_corrects_them(whole):
    (whole.root / "corrections.csv").unlink()
    with pytest.raises(AnnotationError, match=r"apex = 83: lies before the onset, 112 \(4 issues"):
        whole.annotated_clips()
    clips, _ = whole.read()
    issues = [i for i in whole.compare_with_published(clips) if "is known to be wrong" in i.reason]
    rows = {row: clip.id for row, clip in enumerate(clips)}
    assert [(issue.clip, issue.field) for issue in issues] == [(rows[w.row], w.field) for w in WRONG_ROWS]
    correct(whole, *(issue.reason.rpartition(": ")[2] for issue in issues))
    assert whole.compare_with_published(whole.annotated_clips()) == []


def test_an_unknown_row_that_lasts_long_is_doubted_not_refused(copy):
    made = copy("casme3a")
    clip = made.clips()[0]
    edit(made, 0, Offset="2000")
    write_image(clip.source / "2000.jpg", np.zeros((8, 8), np.uint8))
    assert made.clips()[0].offset == 2000
    assert (
        f"{clip.id}: offset = 2000: is more than 900 frames after the onset, {clip.onset}; is a digit wrong?"
        in found(made)
    )


def test_a_video_in_a_capital_letter_is_the_same_video(copy):
    made = copy("casme3a")
    clips = made.clips()
    edit(made, 0, Filename="A")
    assert [(clip.id, clip.source) for clip in made.clips()] == [(clip.id, clip.source) for clip in clips]
    assert f"{clips[0].id}: video = A: the sheet calls this video 'a' elsewhere; it is taken for the same" in found(
        made
    )


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ({"Onset": "x"}, "onset = x: is not a frame number"),
        ({"Apex": None}, r"apex = : is empty \(column 'Apex'\)"),
        ({"Subject": "nobody"}, "Subject = nobody: is not the number of a subject"),
        ({"emotion": "joy"}, "emotion = joy: is not a label of this release"),
        ({"Objective class": "IX"}, "objective = IX: is not a label of this release"),
        ({"AU": "4，7"}, "action_units = 4，7: cannot be read: '4，7' in '4，7' is not an action unit"),
        ({"AU": "4+14?"}, r"action_units = 4\+14\?: the sheet marks an action unit as uncertain"),
    ],
)
def test_a_wrong_cell_of_part_a_is_named(copy, cells, text):
    made = copy("casme3a")
    edit(made, 0, **cells)
    assert any(re.search(text, line) for line in found(made)), found(made)


def test_frames_that_the_camera_dropped_are_noted_and_those_that_the_sheet_names_are_missing(copy):
    made = copy("casme3a")
    clip = made.clips()[0]
    dropped = next(number for number in range(clip.onset + 1, clip.offset) if number != clip.apex)
    (clip.source / f"{dropped}.jpg").unlink()
    n = clip.offset - clip.onset + 1
    assert [str(issue) for issue in made.check() if issue.note] == [
        f"{clip.id}: frames = 1: of {n} frames from onset to offset are not there"
    ]
    assert len(made.clips()) == len(clip_specs(3, 0))
    (clip.source / f"{clip.offset}.jpg").unlink()
    assert [issue.field for issue in made.missing()] == ["offset"]


def test_depth_and_videos_without_a_micro_expression_are_no_notes(copy):
    made = copy("casme3a")
    video = made.clips()[0].source.parent
    for folder in (video / "depth", video.parent / "m" / "color"):
        write_image(folder / "1.png", np.zeros((8, 8), np.uint8))
    assert not [issue for issue in made.check() if issue.note]


def test_a_sheet_of_part_a_as_xls_or_of_the_first_version_is_an_error_that_says_what_to_do(copy):
    made = copy("casme3a")
    sheet = made.root / SHEET["casme3a"]
    first = sheet.rename(sheet.with_name("cas(me)3_part_A_ME_label_JpgIndex_v1.xlsx"))
    with pytest.raises(DataError, match=r"v1\.xlsx' is an earlier version with wrong rows.* get '.*_v2.xlsx'"):
        made.clips()
    first.rename(sheet.with_suffix(".xls"))
    with pytest.raises(DataError, match=r"_v2\.xls' is in the format of Excel before 2007.* save it as '.*_v2.xlsx'"):
        made.clips()


@pytest.mark.parametrize(("name", "clips"), [("casme3a-7", 860), ("casme3a-4", 860), ("casme3a-3", 699)])
def test_protocols_of_part_a_agree_with_its_sheet(name, clips):
    rules, emotions = PROTOCOLS.get(name), Casme3A.info.counts["emotion"]
    assert sum(rules.counts["casme3a"].values()) == clips
    words = rules.label_map.get("casme3a", {emotion: emotion for emotion in emotions})
    counts = Counter[str]()
    for emotion, word in words.items():
        counts[word] += emotions[emotion]
    assert counts == rules.counts["casme3a"]


# ---------------------------------------------------------------------------------------------------------------------
# Parts A and C, long videos, and blinks


LONG = ("casme3a_long", "casme3a_blinks", "casme3c_long")
LABELED = ("casme3a_long", "casme3c_long")


def write_annotated_frames(video, folder, pattern, scale, gray=False):
    """Write only the frames that the sheets name, black: no time is spent on rendering."""
    numbers = {n + 1 for e in long_videos.video_events(video) for n in (e.onset, e.apex, e.offset)}
    for number in numbers.union({1}, *blinks_of(video)):
        write_image(folder / pattern.format(number), np.zeros((8, 8), np.uint8))


@pytest.fixture
def quick_videos(monkeypatch):
    """Long videos of equal numbers of expressions are one video, of which only annotated frames are written."""
    make_video = functools.cache(long_videos.make_video)

    def same(spec, dataset, fps, seed, seconds):
        return make_video(dataclasses.replace(spec, subject="p", name="v"), dataset, fps, seed, seconds)

    monkeypatch.setattr(long_videos, "make_video", same)
    monkeypatch.setattr(long_videos, "write_frames", write_annotated_frames)


@pytest.mark.parametrize("names", [("casme3a_long", "casme3a_blinks"), ("casme3c_long",)])
def test_a_whole_copy_of_long_videos_has_the_published_counts(names, tmp_path, quick_videos):
    made = DATASETS.get(names[0]).make_synthetic(tmp_path / names[0])
    for name in names:
        dataset = DATASETS.get(name)(made.root)
        assert [issue.reason for issue in dataset.check()] == ["is synthetic (SYNTHETIC.json)"]
        clips = dataset.clips()
        assert Counter(e.kind for clip in clips for e in clip.intervals) == dataset.info.events["kind"]
        assert len(clips) == dataset.info.clips and len({clip.subject for clip in clips}) == dataset.info.subjects
    if names[0] == "casme3a_long":
        labeled = [clip for clip in made.clips() if clip.intervals]
        assert len(labeled) == 956 and len({clip.subject for clip in labeled}) == 98


@pytest.mark.parametrize("name", LONG)
def test_a_video_without_a_row_has_no_intervals(copy, name):
    made = copy(name)
    video = made.clips()[0].source.parent
    subject = video.parent.name.replace("1", "9", 1)
    shutil.copytree(video, video.parent.with_name(subject) / video.name)
    write_image(video / "depth" / "1.png", np.zeros((8, 8), np.uint8))
    [added] = [clip for clip in made.clips() if clip.subject == f"{name}/{subject}"]
    assert added.intervals == () and not [issue for issue in made.check() if issue.note]


@pytest.mark.parametrize(
    ("name", "cells", "text"),
    [
        ("casme3a_long", {"Filename": "A"}, ""),
        ("casme3a_long", {"Expression type": "Neutral"}, "a_5.kind = Neutral: is none of micro-expression, macro-"),
        ("casme3a_long", {"Offset": "x"}, "a_5.offset = x: is not a frame number"),
        ("casme3a_long", {"Apex": "2"}, "a_5.apex = 2: lies before the onset, 5"),
        ("casme3a_long", {"Offset": None}, "a_5.offset = : is empty"),
        ("casme3a_long", {"Offset": "9000"}, "a_5.offset = 9000: no such frame"),
        ("casme3c_long", {"Exp_type": "2"}, "5.kind = 2: is neither 1 (micro) nor 0 (macro)"),
        ("casme3c_long", {"Offset": "3"}, "5.offset = 3: lies before the onset, 5"),
        ("casme3c_long", {"Subject": "x"}, "Subject = x: is not the number of a subject"),
    ],
)
def test_a_wrong_row_of_long_videos_is_named(copy, name, cells, text):
    made = copy(name)
    edit(made, 0, **{"Onset": "5", **cells})
    assert any(text in line for line in found(made)), found(made)
    if text:
        with pytest.raises(AnnotationError):
            made.clips()
    else:  # a capital letter is the same video
        assert [clip.id for clip in made.clips()][:2] == ["casme3a_long/spNO.1/a", "casme3a_long/spNO.1/b"]


def test_a_long_micro_expression_stays_one(copy):
    made = copy("casme3a_long")
    [row] = [i for i, row in enumerate(rows_of(made)) if row["Expression type"] == "Micro-expression"][:1]
    edit(made, row, Offset=str(int(rows_of(made)[row]["Onset"]) + 40))
    clips, _ = made.read()
    assert [e.kind for e in clips[0].intervals if e.offset - e.onset == 40] == ["micro"]


def rows_of(made: Dataset) -> list[dict[str, Any]]:
    """Column -> value of each row of the first sheet."""
    header, *rows = openpyxl.load_workbook(made.root / SHEET[made.name]).worksheets[0].values
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_blinks_are_in_a_sheet_of_their_own(copy):
    made = copy("casme3a_blinks")
    events = [event for clip in made.clips() for event in clip.intervals]
    assert {event.kind for event in events} == {"blink"} and all(event.apex is None for event in events)
    book = openpyxl.load_workbook(made.root / SHEET["casme3a_blinks"])
    assert book.sheetnames == ["AU+Emotion", "eye blink"] and book["eye blink"].max_row == len(events) + 1
    book.remove(book["eye blink"])
    book.save(made.root / SHEET["casme3a_blinks"])
    with pytest.raises(DataError, match=r"has no sheet 'eye blink'; it has AU\+Emotion"):
        made.clips()


@pytest.mark.parametrize("name", LABELED)
def test_a_sheet_of_long_videos_is_read_as_csv_and_not_as_xls(copy, name):
    made = copy(name)
    clips, path = made.clips(), made.root / SHEET[name]
    with path.with_suffix(".csv").open("w", newline="") as file:
        csv.writer(file).writerows(openpyxl.load_workbook(path).worksheets[0].values)
    path.unlink()
    assert made.clips() == clips
    path.with_suffix(".csv").unlink()
    path.with_suffix(".xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(DataError, match=r"\.xls' is in the format of Excel before 2007"):
        made.clips()


# ---------------------------------------------------------------------------------------------------------------------
# Part B


def test_videos_of_part_b_have_the_reports_of_their_people(copy):
    made = copy("casme3b")
    clips = made.clips()
    assert len(clips) == 3 * 13 and all(clip.onset is None and len(clip.labels) == 7 for clip in clips)
    first = rows_of(made)[0]
    assert clips[0].labels == {key: str(value) for key, value in list(first.items())[2:]}
    edit(made, 0, Subject=99)
    assert [issue.clip for issue in made.missing()] == ["casme3b/spNO.99/a"] and clips[0].id == "casme3b/spNO.1/a"
    assert {len(clip.labels) for clip in made.clips(allow_missing=True)} == {0, 7}
    edit(made, 0, Subject=1, Filename="b")
    with pytest.raises(AnnotationError, match=r"row 3: Filename = b: spNO\.1 has a report of it above"):
        made.clips()
    (made.root / SHEET["casme3b"]).unlink()
    assert {len(clip.labels) for clip in made.clips()} == {0}


def test_reports_in_another_form_are_an_error_that_lists_their_columns(copy):
    made = copy("casme3b")
    book = openpyxl.load_workbook(made.root / SHEET["casme3b"])
    book.worksheets[0].cell(1, 2).value = "clip of film"
    book.save(made.root / SHEET["casme3b"])
    with pytest.raises(DataError, match=r"lacks the column 'Filename' \(or video\).* has Subject, clip of film, anger"):
        made.clips()


def test_a_whole_copy_of_part_b_has_the_published_counts(tmp_path, monkeypatch):
    def make_folder(self, spec, folder, pattern, timing=None):
        folder.mkdir(parents=True)

    monkeypatch.setattr(RecordingSpec, "write_frames", make_folder)
    made = DATASETS.get("casme3b").make_synthetic(tmp_path / "whole")
    assert made.compare_with_published(made.annotated_clips()) == []


# ---------------------------------------------------------------------------------------------------------------------
# Part C, micro-expressions


def test_a_row_of_part_c_is_a_clip_without_apex(copy):
    made = copy("casme3c")
    first = rows_of(made)[0]
    clip = next(clip for clip in made.clips() if clip.id == f"casme3c/01/{first['count']}")
    assert (clip.onset, clip.apex, clip.offset) == (first["onset"], None, first["offset"])
    assert clip.labels == {"emotion": first["emotion"], "action_units": first["au"]}
    assert clip.source == made.root / "part_C" / "01" / "a" / "color"


def test_micro_expressions_of_part_c_alone_are_read(copy):
    made = copy("casme3c")
    clips = made.clips()
    for clip in clips:
        folder = made.root / "ME_C" / "/".join(clip.id.split("/")[1:]) / "color"
        folder.mkdir(parents=True)
        for number in range(clip.onset, clip.offset + 1):
            shutil.copy(clip.source / f"{number}.jpg", folder)
    shutil.rmtree(made.root / "part_C")
    assert [(clip.id, clip.onset) for clip in made.clips()] == [(clip.id, clip.onset) for clip in clips]
    assert len({clip.source for clip in made.clips()}) == len(clips)


@pytest.mark.parametrize(
    ("units", "read", "text"),
    [
        ("4,7,", (4, 7), ""),
        ("4，7", None, "action_units = 4，7: cannot be read"),
        ("1,13?", (1, 13), r"action_units = 1,13\?: the sheet marks an action unit as uncertain"),
    ],
)
def test_action_units_of_part_c_with_commas_and_marks(copy, units, read, text):
    made = copy("casme3c")
    edit(made, 0, au=units)
    clip = made.clips()[0]
    assert clip.labels["action_units"] == units
    assert read is None or tuple(number for number, _ in parse_action_units(units)) == read
    lines = [line for line in found(made) if ": action_units = " in line]
    assert [bool(re.search(text, line)) for line in lines] == [True] * bool(text)


def test_a_chinese_comma_is_corrected_by_a_list(copy):
    made = copy("casme3c")
    edit(made, 0, au="4，7")
    clip = made.clips()[0]
    correct(made, f"{clip.id},action_units,4，7,4+7,a Chinese comma")
    assert made.clips()[0].labels["action_units"] == "4+7"
    assert not [line for line in found(made) if ": action_units = " in line]
