"""What spreadsheets do to a list: one person in two spellings, a clip's name as a date; and a frame rate that is not
the film's."""

import unicodedata
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from microexpr.core.errors import AnnotationError
from microexpr.datasets import DATASETS
from microexpr.datasets._dates import is_date
from microexpr.datasets._sheets import subject_number
from microexpr.imaging.images import write_image
from microexpr.imaging.video import write_video

HEADER = "clip,subject,source,fps,onset,apex,offset,emotion\n"
JOSE = "José"


def folder(root: Path, *lines: str):
    (root / "clips.csv").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    return DATASETS.get("folder")(root)


@pytest.fixture
def frames(tmp_path):
    for number in (1, 2, 3):
        write_image(tmp_path / "frames" / f"{number}.png", np.zeros((4, 4), np.uint8))
    return tmp_path


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1", "1.0"),
        ("7", "07"),
        ("S01", "s01"),
        ("s1", "S001"),
        (unicodedata.normalize("NFC", JOSE), unicodedata.normalize("NFD", JOSE)),
        ("Straße", "STRASSE"),
        ("a  b", "a b"),
        ("p１", "p1"),
    ],
)
def test_one_person_in_two_spellings_is_one_subject_and_check_names_both(frames, first, second):
    data = folder(frames, f"a,{first},frames,25,1,2,3,joy", f"b,{second},frames,25,1,2,3,joy")
    assert {clip.subject for clip in data.clips()} == {f"folder/{first}"}
    assert {clip.id for clip in data.clips()} == {f"folder/{first}/a", f"folder/{first}/b"}
    (issue,) = data.check()
    assert issue.value == second and f"taken for the person '{first}'" in issue.reason


@pytest.mark.parametrize(("first", "second"), [("1", "10"), ("1.0", "10"), ("s1", "s11"), ("p1", "q1"), ("1.5", "15")])
def test_different_people_stay_different(frames, first, second):
    data = folder(frames, f"a,{first},frames,25,1,2,3,joy", f"b,{second},frames,25,1,2,3,joy")
    assert {clip.subject for clip in data.clips()} == {f"folder/{first}", f"folder/{second}"}
    assert data.check() == []


def test_two_clips_of_one_name_of_a_person_in_two_spellings_are_an_issue(frames):
    data = folder(frames, "a,1,frames,25,1,2,3,joy", "a,1.0,frames,25,1,2,3,joy")
    with pytest.raises(AnnotationError, match="stands 2 times in the sheet"):
        data.clips()


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("01", 1), ("sub01", 1), ("1.0", 1), ("12.00", 12), ("3,0", 3), ("s10_hs", 10)]
)
def test_the_number_of_a_subject(text, number):
    assert subject_number(text) == number


def test_persons_who_are_texts_with_decimals_keep_their_clips(synthetic_datasets, tmp_path):
    """In CASME II, `1.0` is person 1 and not person 10."""
    data = DATASETS.get("casme2").make_synthetic(tmp_path / "casme2", subjects=2, image_scale=0.12)
    before = {(clip.id, clip.subject) for clip in data.clips()}
    sheet = data.root / "CASME2-coding-20140508.xlsx"
    book = openpyxl.load_workbook(sheet)
    for row in list(book.worksheets[0].rows)[1:]:
        row[0].value = f"{int(row[0].value)}.0"
    book.save(sheet)
    assert {(clip.id, clip.subject) for clip in DATASETS.get("casme2")(data.root).clips()} == before


@pytest.mark.parametrize(
    "name", ["2014-03-05 00:00:00", "2014-03-05", "05.03.2014", "5-Mar", "05. Mrz", "Mar-05", "5-mars"]
)
def test_a_clip_whose_name_became_a_date_is_named_as_such(frames, name):
    data = folder(frames, f"c1,p1,{name},25,1,2,3,joy", f"{name},p1,nowhere,25,1,2,3,joy")
    issues = [str(issue) for issue in data.check()]
    assert sum("a spreadsheet turns names like 3-5" in issue for issue in issues) == 2
    with pytest.raises(AnnotationError):
        data.clips(allow_missing=True)


def test_a_name_that_looks_like_a_date_and_is_there_is_no_issue(frames):
    (frames / "frames").rename(frames / "5-Mar")
    assert folder(frames, "5-Mar,p1,5-Mar,25,1,2,3,joy").check() == []
    assert not any(map(is_date, ("EP02_01f", "006_1_2", "3-5", "mar1", "s1_po_01", "20140305", "disgust1_1")))


@pytest.mark.parametrize(("fps", "wrong"), [("25", True), ("29.97", False), ("30", False), ("", False), ("100", True)])
def test_a_frame_rate_that_is_not_that_of_the_film_is_named(tmp_path, fps, wrong):
    write_video(tmp_path / "film.mp4", np.zeros((9, 48, 64, 3), np.uint8), 30)
    data = folder(tmp_path, f"a,p1,film.mp4,{fps},1,2,3,joy")
    issues = [str(issue) for issue in data.check()]
    assert bool(issues) == wrong
    if wrong:
        assert f"fps = {fps}: the time stamps of 'film.mp4' say 30 frames per second" in issues[0]
