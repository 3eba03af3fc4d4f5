"""What a folder of recordings holds: films, photographs beside them, folders of people, what other programs leave."""

import csv
import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from microexpr.analysis import AnalysisOptions, analyze_video, analyze_videos, recordings
from microexpr.analysis.formats.csv_file import from_csv
from microexpr.analysis.formats.json_file import read_analysis
from microexpr.analysis.orientation import is_inverted
from microexpr.cli.main import main
from microexpr.core.errors import MediaError
from microexpr.faces.tracking import Tracking, track_faces
from microexpr.imaging.frames import ArrayFrames
from microexpr.imaging.video import write_video
from microexpr.synthetic import Camera, Timing, render_clip
from tests.analysis.test_analyze_hostile import STUB
from tests.hostile import film
from tests.marks import needs_mesh

NONE = AnalysisOptions(model="none")


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize(
    ("names", "found", "told"),
    [
        (["s01.mp4", "s02.mp4", "._s01.mp4"], ["s01.mp4", "s02.mp4"], []),
        (["s01.mp4", "._IMG_2041.jpg", ".DS_Store", "Thumbs.db"], ["s01.mp4"], []),
        (["s01.mp4", "IMG_2041.jpg"], ["s01.mp4"], ["IMG_2041.jpg"]),
        (["s01.mp4", "notes.txt", "codes.csv"], ["s01.mp4"], ["codes.csv, notes.txt"]),
        (["p1/talk.mp4", "p2/a/talk.mp4", "list.csv"], ["p1/talk.mp4", "p2/a/talk.mp4"], ["list.csv"]),
        (["sub01/EP01/img1.jpg", "sub01/EP02/img1.jpg"], ["sub01/EP01", "sub01/EP02"], []),
        (["a.mp4", "old/b.mov"], ["a.mp4", "old/b.mov"], []),
        (["00001.MTS", "b.m2ts", "c.WMV", "d.mpg", "e.3gp"], ["00001.MTS", "b.m2ts", "c.WMV", "d.mpg", "e.3gp"], []),
        (["1.webp", "2.webp"], [""], []),
        (["1.png", "2.png", "notes.md"], [""], ["notes.md"]),
        ([f"{n}.txt" for n in range(7)] + ["a.mp4"], ["a.mp4"], ["0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 2 more"]),
        (["readme.md"], [""], []),
        (["__MACOSX/._a.mp4", "a.mp4"], ["a.mp4"], []),
        (["a.mp4", "phone/1.heic"], ["a.mp4"], ["phone"]),
        (["1.png", "old/2.png"], [""], ["old"]),
    ],
)
def test_the_recordings_of_a_folder_and_what_is_passed_over(tmp_path, names, found, told):
    lines = []
    assert recordings([touch(tmp_path, *names)], lines.append) == [tmp_path / name for name in found]
    assert lines == [f"passed over in '{tmp_path}': {line}" for line in told]


def test_folders_that_lead_in_a_circle_are_read_once(tmp_path):
    touch(tmp_path, "a/b.mp4")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert recordings([tmp_path]) == [tmp_path / "a" / "b.mp4"]


def test_a_folder_without_a_recording_says_what_is_in_it(tmp_path):
    touch(tmp_path / "phone", "1.heic", "2.heic", "notes.txt")
    with pytest.raises(MediaError, match=r"phone' holds no frame: 2 \.heic, 1 \.txt$"):
        analyze_video(tmp_path / "phone", tmp_path / "out", NONE, components=STUB)
    touch(tmp_path / "faces", "anna.jpg")
    with pytest.raises(MediaError, match=r"holds no frame: 1 \.jpg \(images need a number in their names\)"):
        analyze_video(tmp_path / "faces", tmp_path / "out", NONE, components=STUB)


@pytest.fixture
def films(tmp_path):
    for person in ("p1", "p2"):
        write_video(tmp_path / "films" / person / "talk.mp4", film(20), 25)
    return tmp_path / "films"


def test_several_films_give_one_table_and_one_page(films, tmp_path):
    (films / "bad.mp4").write_text("no")
    results = analyze_videos(recordings([films]), tmp_path / "out", NONE, components=STUB)
    assert [result.analysis is None for result in results] == [True, False, False]
    text = (tmp_path / "out" / "events.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    folders = [result.folder.name for result in results[1:]]
    assert sorted(row["folder"] for row in rows) == sorted(folders) and len(set(folders)) == 2
    assert from_csv(text) == [event for result in results[1:] for event in result.analysis.events]
    page = (tmp_path / "out" / "index.html").read_text()
    assert re.findall(r'href="([^"]+)"', page) == ["events.csv", *(f"{name}/report.html" for name in sorted(folders))]
    assert all((tmp_path / "out" / name / "report.html").is_file() for name in folders)
    assert "bad.mp4" in page and "cannot be read" in page
    assert "http" not in page.replace("http-equiv", "") and "<script" not in page


def test_a_later_film_joins_the_table_and_a_single_one_has_none(films, tmp_path):
    analyze_videos([films / "p1" / "talk.mp4"], tmp_path / "out", NONE, components=STUB)
    assert not (tmp_path / "out" / "index.html").exists()
    write_video(tmp_path / "<i>.mp4", film(20), 25)
    analyze_videos([tmp_path / "<i>.mp4"], tmp_path / "out", NONE, components=STUB)
    assert len((tmp_path / "out" / "events.csv").read_text().splitlines()) == 3
    assert "<i>" not in (tmp_path / "out" / "index.html").read_text()


def test_debug_shows_the_traceback_of_a_film_that_cannot_be_analyzed(tmp_path, capsys):
    (tmp_path / "bad.mp4").write_text("no")
    for options, shown in ((["--debug"], True), ([], False)):
        with pytest.raises(SystemExit) as end:
            main([*options, "analyze", str(tmp_path / "bad.mp4"), "--out", str(tmp_path / "out"), "--model", "none"])
        err = capsys.readouterr().err
        assert end.value.code == 1 and "bad.mp4' cannot be read" in err
        assert ("Traceback (most recent call last)" in err and "pipeline.py" in err) == shown


PLUGIN = """
import time
from pathlib import Path
import microexpr.analysis.formats.json_file
from microexpr.core.events import EVENT_FORMATS, EventFormat

def write(analysis, folder):
    Path({begun!r}).touch()
    while not Path({go!r}).exists():
        time.sleep(0.02)
    return b"done"

EVENT_FORMATS.add("waiting", EventFormat("waiting", ".txt", "Waiting", write))
"""
"""A format whose file is written when a sign is there."""


def start(source: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "microexpr", "analyze", str(source), "--out", str(out), "--model", "none"]
    return subprocess.Popen(
        [*command, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)


def test_a_second_analysis_of_one_folder_says_so_and_the_first_stays_whole(tmp_path):
    """The first holds its folder while it waits in a plug-in for a sign."""
    write_video(tmp_path / "talk.mp4", film(20), 25)
    (tmp_path / "plugin.py").write_text(PLUGIN.format(begun=str(tmp_path / "begun"), go=str(tmp_path / "go")))
    plugin = ("--plugin", str(tmp_path / "plugin.py"))
    first = start(tmp_path / "talk.mp4", tmp_path / "out", *plugin)
    wait_for(tmp_path / "begun", first)
    second = start(tmp_path / "talk.mp4", tmp_path / "out")
    _, err = second.communicate(timeout=60)
    assert second.returncode == 1 and "is being written by another analysis; wait for it" in err
    (tmp_path / "go").touch()
    _, err = first.communicate(timeout=60)
    assert first.returncode == 0, err
    assert read_analysis(tmp_path / "out" / "talk.mp4" / "events.json").recording.frames == 20
    _, err = (third := start(tmp_path / "talk.mp4", tmp_path / "out", *plugin)).communicate(timeout=60)
    assert third.returncode == 0 and "done before" in err


def test_two_analyses_at_once_leave_whole_results(tmp_path):
    write_video(tmp_path / "talk.mp4", film(20), 25)
    both = [start(tmp_path / "talk.mp4", tmp_path / "out") for _ in range(2)]
    told = [process.communicate(timeout=60)[1] for process in both]
    codes = [process.returncode for process in both]
    assert 0 in codes
    assert all(
        code == 0 or "is being written by another analysis" in err for code, err in zip(codes, told, strict=True)
    )
    assert read_analysis(tmp_path / "out" / "talk.mp4" / "events.json").recording.frames == 20


@needs_mesh
def test_a_film_that_stands_on_its_head_is_told(tmp_path):
    """Both where no face is found and where an inverted one is taken for an upright one."""
    for person, framing in ((2, "wide"), (3, "face")):
        camera = Camera(fps=30, size=(300, 400), framing=framing)
        shown = render_clip(person, units=((12, ""),), camera=camera, timing=Timing(5, 10, 15, 20, 30))
        upright = np.stack(list(shown.frames()))
        write_video(tmp_path / f"{person}.mp4", upright[:, ::-1, ::-1], 30)
        found = analyze_video(tmp_path / f"{person}.mp4", model="none", spotter="strain-peaks")
        assert found.faces == () and found.events == ()
        assert found.warnings[0].startswith("no upright face was found, but an inverted one")
        frames = ArrayFrames(dict(enumerate(upright[::4])))
        assert not is_inverted(frames, track_faces(frames, Tracking())) and not is_inverted(frames, [])


@needs_mesh
def test_without_any_face_nothing_is_said_of_inverted_ones():
    frames = ArrayFrames({n: np.full((60, 80, 3), 90, np.uint8) for n in range(3)})
    assert not is_inverted(frames, []) and not is_inverted(ArrayFrames({}), [])
