"""Semi-synthetic films: what is written, and what is refused."""

import csv

import numpy as np
import pytest

from microexpr.analysis.injection import inject_movements, make_movement
from microexpr.cli.main import main
from microexpr.core.errors import RunError, UsageError
from microexpr.faces.tracking import track_faces
from microexpr.imaging.frames import open_frames
from microexpr.imaging.video import VideoFrames, write_lossless_video
from microexpr.synthetic.long_video import random_video
from microexpr.synthetic.script import Distractors
from tests.marks import needs_mesh

pytestmark = needs_mesh
STILL = Distractors(blinks=0, speech=0, gaze=0, turns=0, drift=3, flicker=0)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Two seconds of a synthetic face at 30 frames per second, whose head drifts."""
    video = random_video(2, seconds=2, fps=30, micro=0, macro=0, distractors=STILL)
    path = tmp_path_factory.mktemp("films") / "face.mkv"
    write_lossless_video(path, ((i / 30, video.frame(i, (240, 320))) for i in range(len(video))), 30)
    return path


def changed(first, second) -> list[int]:
    pairs = zip(VideoFrames(first), VideoFrames(second), strict=True)
    return [i for i, ((_, a), (_, b)) in enumerate(pairs) if (a != b).any()]


def test_only_the_frames_of_the_movement_change(source, tmp_path):
    out = tmp_path / "out.mkv"
    inject_movements(source, out, [make_movement("1+2", 4, 200, 1.0)], progress=False)
    assert changed(source, out) == [28, 29, 30, 31, 32]
    assert np.allclose(VideoFrames(out).times, VideoFrames(source).times)
    (row,) = csv.DictReader((tmp_path / "out.mkv.truth.csv").read_text().splitlines())
    assert (row["action_units"], row["pixels"], row["apex"], row["apex_frame"]) == ("1+2", "4", "1", "30")


def test_the_face_tracker_sees_the_movement(source, tmp_path):
    inject_movements(source, tmp_path / "out.mkv", [make_movement("1+2", 8, 300, 1.0)], progress=False)
    before, after = (track_faces(open_frames(path))[0] for path in (source, tmp_path / "out.mkv"))
    moved = (after.landmarks(30) - before.landmarks(30))[17:27, 1].mean()
    width = np.ptp(before.landmarks(30)[:17, 0])
    assert -8 < moved * 224 / width < -2


def test_a_folder_of_frames_at_the_quietest_place(source, tmp_path, capsys):
    with pytest.raises(SystemExit) as code:
        main(["inject", str(source), str(tmp_path / "out"), "--unit", "12", "--milliseconds", "100"])
    assert code.value.code == 0 and "1 movement at" in capsys.readouterr().err
    assert len(open_frames(tmp_path / "out").numbers) == 60
    assert (tmp_path / "out.truth.csv").is_file()


def test_an_existing_file_is_not_replaced(source, tmp_path):
    (tmp_path / "out.mkv").write_bytes(b"mine")
    with pytest.raises(RunError, match="exists already"):
        inject_movements(source, tmp_path / "out.mkv", action_units="12", pixels=2, milliseconds=100)


@pytest.mark.parametrize("at", [2.5, 1.95])
def test_a_movement_without_a_face_is_refused(source, tmp_path, at):
    with pytest.raises(UsageError, match="not in sight"):
        inject_movements(source, tmp_path / "out.mkv", [make_movement("12", 2, 200, at)], progress=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("units", "pixels", "milliseconds", "message"),
    [("30", 2, 100, "30"), ("", 2, 100, "needs an action unit"), ("12", -1, 100, "-1 px"), ("12", 1, 0, "0 ms")],
)
def test_impossible_movements(units, pixels, milliseconds, message):
    with pytest.raises(UsageError, match=message):
        make_movement(units, pixels, milliseconds, 1.0)
