"""SMG and iMiGUE: tables of gestures beside films, lines that are no gesture, and who a person is."""

import shutil
from pathlib import Path

import pytest

from microexpr.core.clip import Clip
from microexpr.core.errors import AnnotationError, MissingDataError
from microexpr.datasets import DATASETS, Dataset
from microexpr.datasets.imigue import GESTURES, VIDEOS
from microexpr.datasets.synthetic import gestures

NAMES = ("smg", "imigue")
TABLES = {
    "smg": "smg_skeleton/Sample0001/Sample0001_finelabels.csv",
    "imigue": "imigue_skeleton_train/0001/0001_label.csv",
}


@pytest.fixture
def copy(synthetic_datasets, tmp_path):
    def made(name: str) -> Dataset:
        return type(synthetic_datasets[name])(shutil.copytree(synthetic_datasets[name].root, tmp_path / name))

    return made


def table(made: Dataset) -> Path:
    """The table of the first video."""
    return made.root / TABLES[made.name]


def first(made: Dataset) -> Clip:
    return next(clip for clip in made.clips() if clip.id.endswith("0001"))


@pytest.mark.parametrize("name", NAMES)
def test_a_table_is_read_as_it_is_written(copy, name):
    made = copy(name)
    table(made).write_text("3,1,9\n11,12,20\n")
    clip = first(made)
    assert [(i.onset, i.offset, i.apex) for i in clip.intervals] == [(1, 9, None), (12, 20, None)]
    assert [i.labels for i in clip.intervals] == [{"name": "1", "gesture": "3"}, {"name": "2", "gesture": "11"}]
    assert {i.kind for i in clip.intervals} == {"gesture"} and "skipped" not in clip.labels
    assert clip.source.suffix == ".mp4" and clip.source.is_file()


@pytest.mark.parametrize(
    ("name", "line", "text"),
    [
        ("smg", "18,1,9", "1.gesture = 18: is not a gesture of Sample0001_finelabels.csv's release"),
        ("smg", "0,1,9", "1.gesture = 0: is not a gesture"),
        ("imigue", "33,1,9", "1.gesture = 33: is not a gesture of 0001_label.csv's release"),
        ("imigue", "3,9,1", "1.offset = 1: lies before the onset, 9"),
        ("imigue", "3,1,9000", "1.offset = 9000: no such frame"),
        ("smg", "3,x,9", "1.onset = x: is not a frame number"),
        ("smg", "3,1,", "1.offset = : is empty"),
    ],
)
def test_a_wrong_line_is_named(copy, name, line, text):
    made = copy(name)
    table(made).write_text(f"{line}\n3,1,9\n")
    assert any(text in str(issue) for issue in made.check()), "\n".join(map(str, made.check()))
    with pytest.raises(AnnotationError):
        made.clips()


def test_lines_of_99_are_no_gestures_and_are_counted(copy):
    made = copy("imigue")
    assert first(made).labels == {"skipped": "1"} and len(first(made).intervals) == 3
    table(made).write_text("99,0,5\n4,1,9\n99,12,20\n")
    [gesture] = first(made).intervals
    assert first(made).labels == {"skipped": "2"} and gesture.labels == {"name": "2", "gesture": "4"}


@pytest.mark.parametrize("name", NAMES)
def test_a_table_may_be_empty_or_have_a_header(copy, name):
    made = copy(name)
    table(made).write_text("\n")
    assert first(made).intervals == ()
    table(made).write_text("gesture,start,end\n3,1,9\n")
    assert [i.onset for i in first(made).intervals] == [1]
    assert not any(issue.note for issue in made.check())


def test_the_frame_rate_of_smg_is_that_of_its_table_or_of_the_film(copy):
    made = copy("smg")
    data = table(made).with_name("Sample0001_data.csv")
    data.write_text("48,30,1200\n")
    assert first(made).fps == 30
    data.write_text("48,fast,1200\n")
    assert any("fps = fast: is not a number of frames (Sample0001_data.csv)" in str(i) for i in made.check())
    data.unlink()
    assert first(made).fps == 28


def test_people_of_imigue_are_its_parts_unless_a_table_names_them(copy):
    made = copy("imigue")
    assert {clip.subject for clip in made.clips()} == {"imigue/train", "imigue/test"}
    (made.root / "imigue_skeleton_train").rename(made.root / "imigue_skeleton_validate")
    assert {clip.subject for clip in made.clips()} == {"imigue/train", "imigue/test"}
    (made.root / "imigue_skeleton_validate").rename(made.root / "tables")
    assert any("its folder names no part" in issue.reason and issue.clip == "0001" for issue in made.check())
    (made.root / "people.csv").write_text("video,person\n0001,ann\n0002,bob\n")
    with pytest.raises(AnnotationError, match=r"0003: subject = .*people\.csv does not name its person"):
        made.clips()
    (made.root / "people.csv").write_text("video,person\n0001,ann\n0002,bob\n0003,ann\n")
    assert [clip.id for clip in made.clips()] == ["imigue/ann/0001", "imigue/ann/0003", "imigue/bob/0002"]


def test_a_video_of_imigue_may_be_a_folder_of_images(copy):
    made = copy("imigue")
    film = first(made).source
    film.unlink()
    for number in range(1, 40):
        (film.parent / f"{number:06d}.jpg").write_bytes(b"never decoded")
    table(made).write_text("3,1,39\n")
    clip = first(made)
    assert (clip.source, clip.fps) == (film.parent, 25)
    table(made).write_text("3,1,40\n")
    with pytest.raises(AnnotationError, match=r"1\.offset = 40: no such frame"):
        made.clips()


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_copy_has_the_published_counts(name, tmp_path, monkeypatch):
    monkeypatch.setattr(gestures, "write_film", lambda video, path, image_scale: None)
    made = DATASETS.get(name).make_synthetic(tmp_path / name)
    clips = made.annotated_clips()
    assert made.compare_with_published(clips) == [] and len(clips) == made.info.clips
    assert len(made.missing()) == len(clips)
    found = {part: sum(len(c.intervals) for c in clips if c.subject == f"imigue/{part}") for part in GESTURES}
    assert found == GESTURES or name == "smg"


def test_published_numbers():
    smg, imigue = (DATASETS.get(name).info for name in NAMES)
    assert (smg.clips, smg.subjects, smg.events) == (40, 40, {"kind": {"gesture": 3692}})
    assert (imigue.clips, VIDEOS, imigue.events) == (359, 359, {"kind": {"gesture": 18_499}})


@pytest.mark.parametrize("name", NAMES)
def test_without_a_table_it_is_not_the_release(tmp_path, name):
    (tmp_path / "file.txt").write_text("nothing")
    with pytest.raises(MissingDataError, match="has no table of gestures; looked for"):
        DATASETS.get(name)(tmp_path).clips()
