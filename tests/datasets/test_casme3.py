"""CAS(ME)^3: its parts, their layouts, and the known faults of their sheets, planted in copies."""

import csv
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from microexpr.core.errors import AnnotationError, DataError
from microexpr.datasets import DATASETS, Dataset
from microexpr.datasets.casme3a import PLANTED, SHEETS, WRONG_ROWS, Casme3A, clip_specs
from microexpr.datasets.synthetic.clips import RecordingSpec
from microexpr.imaging.images import write_image
from microexpr.protocols import PROTOCOLS
from tests.datasets.planted import write_no_frames

SHEET = {"casme3a": f"annotation/{SHEETS[0]}.xlsx"}


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
def whole(tmp_path, monkeypatch) -> Casme3A:
    """A copy of part A with all people, without frames but for empty folders."""
    monkeypatch.setattr(RecordingSpec, "write_frames", write_no_frames)
    made = Casme3A.make_synthetic(tmp_path / "whole")
    (made.root / "part_A").mkdir()
    return made


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
    (clip.source / f"{clip.offset - 1}.jpg").unlink()
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
