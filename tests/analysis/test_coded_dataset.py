"""Films that a person coded become a data set `folder`, which the package reads like any other."""

from dataclasses import replace

import numpy as np
import pytest

from microexpr.analysis.coded_dataset import CodedFilm, collect_clips, find_coded_films, read_people
from microexpr.analysis.formats import EVENT_FORMATS
from microexpr.cli.main import main
from microexpr.core.errors import DataError, MissingDataError, UsageError
from microexpr.core.events import Analysis, Recording
from microexpr.datasets import open_dataset
from microexpr.imaging.frames import open_frames
from microexpr.imaging.video import VideoFrames
from tests.analysis.test_export_events import LONG, SMILE
from tests.web.serve_stub import FPS, FRAMES, film, number_of

GRID = (
    '"ooTextFile" "TextGrid" 0 2 <exists> 2 "IntervalTier" "micro" 0 2 3 0 0.4 "" 0.4 0.6 "disgust" 0.6 2 "" '
    '"IntervalTier" "AU" 0 2 2 0 0.4 "" 0.4 0.6 "4+L9"'
)
CODED = (
    replace(SMILE, onset=10, apex=14, offset=20, start=0.2, peak=0.28, end=0.4, status="confirmed", coder="Ada"),
    replace(LONG, onset=15, apex=40, offset=60, start=0.3, peak=0.8, end=1.2, status="added", coder="Ada"),
    replace(SMILE, onset=70, apex=75, offset=80, start=1.4, peak=1.5, end=1.6, status="rejected", coder="Ada"),
    replace(SMILE, onset=90, apex=91, offset=92, start=1.8, peak=1.82, end=1.84),
)


def write(name, path, events=CODED):
    whole = Analysis(Recording(path.name, "", FRAMES, 1.98, FPS, 96, 64), events=events, version="0")
    path.write_bytes(EVENT_FORMATS.get(name).write(whole, path.parent))


@pytest.fixture
def films(tmp_path):
    """Two people with a film each, coded in ELAN and in Praat, and a film that nobody coded."""
    for name in ("Jörg", "S02"):
        (tmp_path / "films" / name).mkdir(parents=True)
        film(tmp_path / "films" / name / "talk.mp4")
    film(tmp_path / "films" / "S02" / "walk.mp4", frames=5)
    write("elan", tmp_path / "films" / "Jörg" / "talk-Ada-events.eaf")
    (tmp_path / "films" / "S02" / "talk.TextGrid").write_text(GRID)
    return tmp_path / "films"


def test_coded_films_become_a_data_set(films, tmp_path):
    found, without = find_coded_films(films)
    assert without == ["'S02/walk.mp4' has no coded file and is left out"]
    made = collect_clips(found, tmp_path / "mine", margin=0.1, progress=False)
    assert (made.clips, made.subjects, made.rejected, made.unreviewed) == (3, ("Jörg", "S02"), 1, 1)
    dataset = open_dataset("folder", tmp_path / "mine")
    clips = dataset.clips()
    assert [clip.subject for clip in clips] == ["folder/Jörg", "folder/Jörg", "folder/S02"]
    assert [(clip.onset, clip.apex, clip.offset, clip.fps) for clip in clips] == [
        *((5, 9, 15, 50), (5, 30, 50, 50), (5, None, 15, 50))  # the grid has no apex
    ]
    labels = [dict(clip.labels) for clip in clips]
    assert [label.get("emotion") for label in labels] == ["positive", None, "disgust"]
    assert [label["kind"] for label in labels] == ["micro", "macro", "micro"]
    assert (labels[0]["action_units"], labels[2]["action_units"]) == ("1+L12", "4+L9")
    assert (labels[0]["coder"], labels[0]["film"], labels[1]["first_frame"]) == ("Ada", "talk.mp4", "10")


def test_clips_show_the_frames_of_the_film_without_loss(films, tmp_path):
    collect_clips(find_coded_films(films)[0], tmp_path / "mine", margin=0.1, progress=False)
    whole = open_frames(films / "Jörg" / "talk.mp4")
    for clip, first in zip(open_dataset("folder", tmp_path / "mine").clips()[:2], (5, 10), strict=True):
        frames = VideoFrames(clip.source)
        assert number_of(frames.read(clip.onset)) == first + clip.onset
        assert len(frames.numbers) == clip.offset + 6
        np.testing.assert_array_equal(frames.read(0), whole.read(first))
        assert frames.times[-1] - frames.times[0] == pytest.approx((len(frames.numbers) - 1) / FPS, abs=1e-3)


def test_several_people_in_one_film_are_named_in_a_table(tmp_path):
    film(tmp_path / "talk.mp4")
    write("boris", tmp_path / "talk.boris", (CODED[0], replace(CODED[1], face=2)))
    with pytest.raises(UsageError, match=r"who is in 'talk.mp4'\? Put the films of each person into a folder"):
        find_coded_films(tmp_path)
    (tmp_path / "people.csv").write_text("film,face,subject\ntalk,1,Anna\ntalk,2,Bo\n")
    found, _ = find_coded_films(tmp_path, people=read_people(tmp_path / "people.csv"))
    assert collect_clips(found, tmp_path / "mine", progress=False).subjects == ("Anna", "Bo")
    only = CodedFilm(found[0].film, found[0].coded, {1: "Anna"})
    with pytest.raises(UsageError, match="who is face 2 of"):
        collect_clips([only], tmp_path / "other", progress=False)
    assert not (tmp_path / "other").exists()


def test_a_folder_of_images_needs_its_rate(tmp_path):
    from microexpr.imaging.images import write_image

    (tmp_path / "frames").mkdir()
    for number in range(101, 131):
        write_image(tmp_path / "frames" / f"img{number}.png", np.full((64, 96, 3), number, np.uint8))
    event = replace(CODED[0], onset=111, apex=112, offset=116)
    write("csv", tmp_path / "frames.csv", (event,))
    coded = CodedFilm(tmp_path / "frames", tmp_path / "frames.csv", {1: "p"})
    with pytest.raises(UsageError, match="give its frames per second"):
        collect_clips([coded], tmp_path / "mine", progress=False)
    collect_clips([replace(coded, fps=50)], tmp_path / "mine", margin=0.04, progress=False)
    (clip,) = open_dataset("folder", tmp_path / "mine").clips()
    assert (clip.onset, clip.offset, clip.labels["first_frame"]) == (2, 7, "109")
    assert open_frames(clip.source).read(2)[0, 0, 0] == 111


def test_what_cannot_become_a_data_set_is_said(films, tmp_path):
    coded = find_coded_films(films)[0]
    film(films / "S02" / "talk-2.mp4")
    write("csv", films / "S02" / "talk-2.csv")
    assert [item.coded.name for item in find_coded_films(films)[0]] == [
        "talk-Ada-events.eaf",
        "talk-2.csv",
        "talk.TextGrid",
    ]
    write("csv", films / "S02" / "talk.csv")
    with pytest.raises(UsageError, match=r"'talk.mp4' has several coded files: talk.TextGrid, talk.csv; keep one"):
        find_coded_films(films)
    with pytest.raises(MissingDataError, match="is not a folder"):
        find_coded_films(films / "nobody")
    write("csv", films / "S02" / "talk.csv", CODED[2:])
    with pytest.raises(DataError, match="no coder accepted an event: 2 are rejected or not reviewed"):
        collect_clips([replace(coded[1], coded=films / "S02" / "talk.csv")], tmp_path / "mine", progress=False)
    write("csv", films / "S02" / "talk.csv", (replace(CODED[0], offset=200),))
    with pytest.raises(DataError, match="does not lie in"):
        collect_clips([replace(coded[1], coded=films / "S02" / "talk.csv")], tmp_path / "mine", progress=False)
    with pytest.raises(UsageError, match=r"two films of 'S02' are called 'talk.mp4'"):
        collect_clips([coded[1], coded[1]], tmp_path / "mine", progress=False)
    with pytest.raises(UsageError, match="not an empty folder"):
        collect_clips(coded, films, progress=False)


def test_the_command_says_what_it_made_and_left_out(films, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["collect", str(films), str(tmp_path / "mine")])
    said = " ".join(capsys.readouterr().err.split())
    assert end.value.code == 0 and "3 clips of 2 subjects" in said
    assert "left out: 1 rejected, 1 not reviewed" in said and "'S02/walk.mp4' has no coded file" in said
