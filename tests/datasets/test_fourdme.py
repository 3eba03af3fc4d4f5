"""4DME: action units that are held, two emotions at once, swapped rows, and columns that contradict the texts."""

import re
import shutil
from collections import Counter

import openpyxl
import pytest

from microexpr.core.errors import AnnotationError, MissingDataError
from microexpr.datasets.fourdme import LABELS, POSITIVES, SHEETS, SWAPPED, FourDme, clip_specs, split_held
from microexpr.protocols import PROTOCOLS
from tests.datasets.planted import cells, edit


@pytest.fixture
def made(synthetic_datasets, tmp_path) -> FourDme:
    return FourDme(shutil.copytree(synthetic_datasets["fourdme"].root, tmp_path / "fourdme"))


@pytest.fixture
def whole(tmp_path) -> FourDme:
    """A copy of all people, without frames."""
    return FourDme.make_synthetic(tmp_path / "whole", image_scale=0)


def named(made: FourDme) -> list[str]:
    """What `check` says of the rows of the sheet, and not of published numbers."""
    return [str(issue) for issue in made.check() if issue.clip != "fourdme" and issue.field != "source"]


def clip_of_row(made: FourDme, row: int):
    sheet = cells(made.root / SHEETS[0], row)
    return next(c for c in made.annotated_clips() if c.id == f"fourdme/{sheet['sub_ID']}/{sheet['fold_name']}")


def test_a_copy_is_read_as_its_sheet_says(made):
    first = cells(made.root / SHEETS[0], 1)
    clip = clip_of_row(made, 1)
    assert (clip.onset, clip.apex, clip.offset) == (first["Onset"], first["Apex"], first["Offset"])
    assert clip.labels == {"emotion": first["Emotion"], "action_units": first["AUs"].removeprefix("AU")}
    assert clip.fps == 60 and clip.source.parent.name == first["sub_ID"] and named(made) == []


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_emotions_and_action_units_of_a_whole_copy(seed):
    specs = clip_specs(None, seed)
    assert len({spec.name for spec in specs}) == 267 == sum(LABELS.values())
    assert Counter(spec.emotion for spec in specs) == FourDme.info.counts["emotion"]
    shown = Counter(number for spec in specs for number, _ in spec.units)
    assert {number: shown[number] for number in POSITIVES} == POSITIVES


@pytest.mark.parametrize(
    ("text", "moving", "held"),
    [
        ("AU4(k)+L7", "L7", "4"),
        ("AUR2+12(k)+45", "R2+45", "12"),
        ("4", "4", ""),
        ("AU4(k)", "", "4"),
        ("AU1 + AU2", "1+2", ""),
        ("", "", ""),
    ],
)
def test_action_units_that_are_held_are_no_movement(text, moving, held):
    assert split_held(text) == (moving, held)


def test_a_clip_of_a_copy_holds_an_action_unit(made):
    clip = clip_of_row(made, 0)
    assert "(k)" in cells(made.root / SHEETS[0], 0)["AUs"] and "k" not in clip.labels["action_units"]
    held = clip.labels["held_action_units"]
    assert held not in clip.labels["action_units"] and cells(made.root / SHEETS[0], 0)[f"AU{held}"] == 1


def test_two_emotions_have_one_order_and_unknown_ones_are_named(made):
    edit(made.root / SHEETS[0], 1, "Emotion", "surprise + Positive")
    assert clip_of_row(made, 1).labels["emotion"] == "Positive+Surprise"
    edit(made.root / SHEETS[0], 1, "Emotion", "Joy")
    assert any("emotion = Joy: is not a label of this release" in text for text in named(made))


def test_swapped_rows_of_a_whole_copy_are_corrected_by_its_list(whole):
    assert named(whole) == []
    for row in SWAPPED:
        other = cells(whole.root / SHEETS[0], sum(SWAPPED) - row)["AUs"]
        assert clip_of_row(whole, row).labels["action_units"] == other.removeprefix("AU")


def test_swapped_rows_are_named_with_the_line_that_corrects_them(whole):
    right = (whole.root / "corrections.csv").read_text().splitlines()[1].rpartition(",row")[0]
    (whole.root / "corrections.csv").unlink()
    text = named(whole)
    assert len(text) == 2 and "row 144 has those of row 145 (meb" in text[0]
    assert f"a line of corrections.csv: {right},meb (Varanka et al. 2022)" in text[0]


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("AUs", "AU4(k", r"action_units = 4\(k: cannot be read: '4\(k' in '4\(k' is not an action unit"),
        ("AUs", "AU26", "action_units = AU26: the columns of action units say"),
        ("AU26", 1, "the columns of action units say .*26"),
        ("Emotion", "Repression", "emotion = Repression: the columns of emotions say"),
    ],
)
def test_texts_and_columns_that_contradict_each_other_are_named(made, column, value, text):
    edit(made.root / SHEETS[0], 1, column, value)
    [issue] = named(made)
    assert re.search(text, issue)
    clip = clip_of_row(made, 1)
    line = f"{clip.id},action_units,{clip.labels['action_units']},1+2,the coder agrees"
    (made.root / "corrections.csv").write_text(f"clip,field,expected,value,reason\n{line}\n")
    assert named(made) == []


def test_the_sheet_before_the_release_has_wrong_rows_of_its_own(whole):
    (whole.root / "corrections.csv").unlink()
    path = whole.root / SHEETS[0]
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    sheet["A1"], sheet["B1"] = "sub_ID'", "video_number'"
    sheet.cell(1, sheet.max_column + 1, "ME_number'")
    last = sheet.max_column + 1
    sheet.cell(1, last, "Length")
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, last, sheet.cell(row, 6).value - sheet.cell(row, 4).value + 1)
    sheet.cell(2 + 245, last, 24)
    book.save(whole.root / "4DME_Labelling_Micro-expression_final.xlsx")
    path.unlink()
    text = "\n".join(named(whole))
    assert "row 26 is known to be wrong, meb (Varanka et al. 2022) has 2490" in text
    assert "row 124 is known to be wrong" in text and "row 171 is known to be wrong" in text
    assert "Length = 24: onset and offset are" in text and "row 144 has those of row 145" in text


def test_rows_below_the_table_are_left_out_and_half_named_ones_are_not(made):
    book = openpyxl.load_workbook(made.root / SHEETS[0])
    book.worksheets[0].append([None, None, "sum", None, None, None, None, 46])
    book.save(made.root / SHEETS[0])
    assert len(made.clips()) == len(FourDme(made.root).read()[0])
    edit(made.root / SHEETS[0], 1, "fold_name", None)
    with pytest.raises(AnnotationError, match=r"v1.xlsx, row 3: fold_name = : is empty"):
        made.clips()
    (made.root / SHEETS[0]).unlink()
    with pytest.raises(MissingDataError, match="has no sheet; looked for 4DME_Labelling_Micro_release v1"):
        made.clips()


def test_clips_of_one_emotion_are_a_task(whole):
    rules = PROTOCOLS.get("fourdme-5")
    examples = rules.select(whole.annotated_clips())
    assert len(examples) == 228 and rules.count_mismatches(examples) == []
