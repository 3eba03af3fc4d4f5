"""CASME: its sheet, the names of its frames, and faults that are planted in a copy."""

import csv
import shutil
from collections import Counter

import openpyxl
import pytest

from microexpr.core.errors import AnnotationError, DataError, MissingDataError
from microexpr.datasets.casme import LABELS, SHEET, WRONG_TIMES, ZERO_PADDED_FROM, Casme, clip_specs
from microexpr.imaging.frames import frame_number
from microexpr.protocols import PROTOCOLS


@pytest.fixture
def made(synthetic_datasets, tmp_path) -> Casme:
    return Casme(shutil.copytree(synthetic_datasets["casme"].root, tmp_path / "casme"))


def edit(made: Casme, row: int, column: str, value: object) -> None:
    """Change a cell of the sheet; rows are counted from 0 below the header."""
    book = openpyxl.load_workbook(made.root / SHEET)
    header = [cell.value for cell in book.worksheets[0][1]]
    book.worksheets[0].cell(row + 2, header.index(column) + 1).value = value
    book.save(made.root / SHEET)


def test_a_copy_is_read_as_its_sheet_says(made):
    clip = made.clips()[0]
    sheet = openpyxl.load_workbook(made.root / SHEET).worksheets[0]
    header, first = ([cell.value for cell in row] for row in list(sheet.rows)[:2])
    assert header == ["Subject", "Filename", None, "Emotion", "OnsetF", "ApexF1", "ApexF2", "OffsetF", None, "AU"]
    assert (clip.id, clip.fps) == (f"casme/sub01/{first[1]}", 60)
    assert (clip.onset, clip.apex, clip.offset) == (first[4], first[5], first[7])
    assert clip.labels == {"emotion": first[3], "action_units": first[9]}


def test_emotions_and_people_of_a_whole_copy():
    specs = clip_specs(None, 0)
    assert len(specs) == len({(s.subject, s.name) for s in specs}) == 189 == sum(LABELS.values())
    assert set(Counter(s.subject for s in specs).values()) == {9, 10} and len({s.subject for s in specs}) == 19
    assert len({s.emotion for s in clip_specs(2, 0)}) == 8


def test_numbers_of_frames_have_three_digits_from_some_row_on(synthetic_datasets):
    assert ZERO_PADDED_FROM == 92
    clip = synthetic_datasets["casme"].clips()[0]
    assert sorted(path.name for path in clip.source.iterdir())[0] == f"reg_{clip.source.name}-1.jpg"
    assert frame_number("reg_EP01_3-001.jpg") == frame_number("reg_EP01_3-1.jpg") == 1


@pytest.mark.parametrize("layout", ["casme1_cropped", "CASME_raw_selected", "."])
def test_other_layouts_are_read(made, layout):
    clips = made.clips()
    (made.root / "Cropped").rename(made.root / "moved")
    if layout == ".":
        for folder in (made.root / "moved").iterdir():
            folder.rename(made.root / folder.name)
    else:
        (made.root / "moved").rename(made.root / layout)
    assert [clip.id for clip in made.clips()] == [clip.id for clip in clips]


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("OnsetF", 900, "onset"),
        ("ApexF1", 900, "apex"),
        ("OffsetF", 1, "offset"),
        ("OffsetF", None, r"is empty \(column 'OffsetF'\)"),
        ("OnsetF", "x", "is not a frame number"),
        ("Subject", "nobody", "is not the number of a subject"),
    ],
)
def test_planted_faults_are_found(made, column, value, text):
    edit(made, 0, column, value)
    with pytest.raises(AnnotationError, match=text):
        made.clips()
    assert any(column in ("Subject",) or "casme/sub01/" in issue.clip for issue in made.check())


def test_faults_are_corrected_by_a_list(made):
    clip = made.clips()[0]
    edit(made, 0, "OnsetF", 900)
    with (made.root / "corrections.csv").open("w", newline="") as file:
        rows = [["clip", "field", "expected", "value", "reason"], [clip.id, "onset", "900", str(clip.onset), "planted"]]
        csv.writer(file).writerows(rows)
    assert made.clips()[0] == clip


def test_known_rows_of_a_whole_copy_that_are_wrong_are_named_with_the_line_that_corrects_them(tmp_path):
    whole = Casme.make_synthetic(tmp_path / "whole", image_scale=0)
    assert whole.compare_with_published(clips := whole.annotated_clips()) == []
    with (tmp_path / "whole" / "corrections.csv").open("w") as file:
        file.write("clip,field,expected,value,reason\n")
        for row, times in WRONG_TIMES.items():
            clip = whole.read()[0][row]
            assert {name: getattr(clip, name) for name in times} == times
            edit(whole, row, "OffsetF", times["offset"] + 1)
            line = f"{clip.id},offset,{times['offset'] + 1},{times['offset']},meb (Varanka et al. 2022)"
            file.write(f"{line}\n")
            assert f"row {row} is known to be wrong" in (text := str(whole.compare_with_published(whole.read()[0])))
            assert line in text
    assert whole.annotated_clips() == clips


def test_an_unknown_apex_is_none(made):
    edit(made, 0, "ApexF1", "/")
    assert made.clips()[0].apex is None


def test_there_is_one_sheet(made):
    shutil.copy(made.root / SHEET, made.root / "other.xlsx")
    with pytest.raises(DataError, match=r"has 2 sheets \(CASME-coding.xlsx, other.xlsx\)"):
        made.clips()
    (made.root / "other.xlsx").unlink()
    (made.root / SHEET).rename((made.root / SHEET).with_suffix(".xls"))
    with pytest.raises(
        DataError, match=r"coding\.xls' is in the format of Excel before 2007.* save it as 'CASME-coding"
    ):
        made.clips()
    (made.root / SHEET).with_suffix(".xls").unlink()
    with pytest.raises(MissingDataError, match="has no coding sheet"):
        made.clips()


def test_four_classes_of_casme_and_casme2_together(synthetic_datasets):
    rules = PROTOCOLS.get("peng2017-casme")
    clips = [clip for name in ("casme", "casme2") for clip in synthetic_datasets[name].clips()]
    examples = rules.select(clips)
    assert len(examples) == len(clips)  # no emotion of either is left out
    assert {e.label for e in examples if e.clip.labels["emotion"] in ("tense", "repression", "others")} == {"others"}
    assert {fold.name for fold in rules.folds(examples)} == {clip.subject for clip in clips}
