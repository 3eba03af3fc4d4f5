"""MEVIEW: a sheet whose layout was not seen is read in several spellings, and what it lacks is said."""

import shutil

import openpyxl
import pytest

from microexpr.core.errors import AnnotationError, DataError, MissingDataError
from microexpr.datasets.meview import Meview
from tests.datasets.planted import cells, edit

SHEET = "MEVIEW.xlsx"


@pytest.fixture
def made(synthetic_datasets, tmp_path) -> Meview:
    return Meview(shutil.copytree(synthetic_datasets["meview"].root, tmp_path / "meview"))


def rename(made: Meview, names: dict[str, str]) -> None:
    """Give columns of the sheet other names."""
    book = openpyxl.load_workbook(made.root / SHEET)
    for cell in book.worksheets[0][1]:
        cell.value = names.get(cell.value, cell.value)
    book.save(made.root / SHEET)


def test_a_copy_is_read_as_its_sheet_says(made):
    first, clip = cells(made.root / SHEET, 0), made.clips()[0]
    assert (clip.id, clip.onset, clip.apex, clip.offset) == (
        "meview/sub01/sub01_01",
        first["Onset"],
        None,
        first["Offset"],
    )
    assert clip.labels == {"emotion": first["Emotion"], "action_units": first["Action Units"]} and clip.fps == 25


def test_films_and_folders_of_images_are_found_by_their_names(made):
    assert {clip.source.suffix for clip in made.clips()} == {".mp4", ""}
    clips = made.clips()
    for path in [*(made.root / "videos").iterdir(), *(made.root / "images").iterdir()]:
        path.rename(made.root / path.name)
    assert [clip.id for clip in made.clips()] == [clip.id for clip in clips]


@pytest.mark.parametrize(
    "names",
    [
        {"Filename": "Video", "Onset": "OnsetFrame", "Offset": "End frame", "Emotion": "Emotion type"},
        {"Filename": "Name", "Onset": "onset", "Action Units": "AUs"},
    ],
)
def test_other_spellings_of_columns_are_read(made, names):
    clips = made.clips()
    rename(made, names)
    assert made.clips() == clips


def test_labels_that_the_sheet_lacks_are_not_there(made):
    rename(made, {"Emotion": "x", "Action Units": "Apex"})
    for row in range(len(made.read()[0])):
        edit(made.root / SHEET, row, "Apex", cells(made.root / SHEET, row)["Onset"])
    clip = made.clips()[0]
    assert clip.labels == {} and clip.apex == clip.onset


def test_a_second_row_of_a_film_is_a_clip_of_its_own(made):
    edit(made.root / SHEET, 1, "Filename", "sub01_01.mp4")
    assert [clip.id for clip in made.clips()][:2] == ["meview/sub01/sub01_01", "meview/sub01/sub01_01#2"]


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("Filename", "film", r"MEVIEW\.xlsx, row 2: Filename = film: must begin with the person"),
        ("Onset", 900, "offset = .*: lies before the onset, 900"),
        ("Onset", None, r"onset = : is empty \(column 'onset'\)"),
        ("Offset", 900, "offset = 900: no such frame"),
        ("Filename", "sub01_07", "source = .*sub01_07.mp4: is not there"),
    ],
)
def test_planted_faults_are_named(made, column, value, text):
    edit(made.root / SHEET, 0, column, value)
    with pytest.raises(AnnotationError, match=text):
        made.clips()


def test_there_is_one_sheet_with_the_columns_that_are_needed(made):
    rename(made, {"Onset": "from"})
    with pytest.raises(DataError, match=r"lacks the column 'Onset' \(or OnsetFrame"):
        made.clips()
    shutil.copy(made.root / SHEET, made.root / "other.xlsx")
    with pytest.raises(DataError, match="has 2 sheets"):
        made.clips()
    for path in made.root.glob("*.xlsx"):
        path.unlink()
    with pytest.raises(MissingDataError, match="has no coding sheet; looked for"):
        made.clips()
