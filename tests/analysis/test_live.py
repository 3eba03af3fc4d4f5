"""The events of a camera: synthetic videos played like one."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from microexpr.analysis import AnalysisOptions, Components, analyze_video, event_files
from microexpr.analysis.formats.json_file import read_analysis
from microexpr.analysis.live import LiveOptions, VideoSource, analyze_camera
from microexpr.analysis.live.capture import Capture
from microexpr.analysis.live.detector import EventDetector
from microexpr.analysis.live.window import FrameBuffer, TrackBuffer, TrackWindow
from microexpr.cli.analyze import format_event
from microexpr.cli.live_display import live_display
from microexpr.cli.main import main
from microexpr.core.clip import Interval
from microexpr.core.errors import MediaError, RunError, UsageError
from microexpr.faces.tracking import Tracking
from microexpr.faces.tracking.follower import Follower
from microexpr.faces.tracking.store import ROW
from microexpr.imaging.video import write_video
from microexpr.spotting.base import Spotted
from microexpr.synthetic import Camera, Timing, render_clip
from tests.marks import needs_mesh

FPS = 30


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Three smiles, 2.5 s apart."""
    camera = Camera(fps=FPS, size=(240, 320), framing="wide", noise=1.0)
    timing = Timing(30, 36, 42, 75, FPS)
    shown = render_clip(1, units=((12, ""),), camera=camera, timing=timing, amplitude=6)
    path = tmp_path_factory.mktemp("film") / "smiles.mp4"
    write_video(path, np.stack(list(shown.frames()) * 3), FPS)
    return path


def wide(track, options):
    """A spotter that knows what a neutral mouth is: the same in every window."""
    mouth = np.linalg.norm(track.points[:, 54] - track.points[:, 48], axis=1)
    on = np.concatenate([[False], mouth > 47.0, [False]]).astype(int)
    runs = np.flatnonzero(np.diff(on)).reshape(-1, 2)
    return [Interval(int(track.numbers[a]), int(track.numbers[b - 1]), score=1.0) for a, b in runs if b - a > 3]


class Unplugged:
    """A camera that fails after some frames."""

    name, path, can_wait = "camera 7", "", True

    def __init__(self, frames):
        self.frames = frames

    def play(self, stopped):
        for i in range(self.frames):
            yield i / FPS, np.full((48, 64, 3), 90, np.uint8)
        raise MediaError("camera 7 gives no more frames")


@needs_mesh
def test_a_camera_gives_the_same_events_as_a_recording(film, tmp_path):
    options, components, reported = (
        AnalysisOptions(),
        Components(spot=wide, curve=lambda track, options: np.zeros(len(track))),
        [],
    )
    whole = analyze_video(film, tmp_path / "whole", options, components=components)
    now = analyze_camera(
        VideoSource(film, "fast"),
        tmp_path / "live",
        options,
        LiveOptions(window=6.0),
        reported.append,
        components=components,
    )
    assert len(now.events) == len(whole.events) == 3 and reported == list(now.events)
    for event, other in zip(now.events, whole.events, strict=True):
        assert (event.face, event.kind, event.label) == (other.face, other.kind, other.label)
        # Smoothed by the same frames and spotted by a rule that no window changes: the same to the frame.
        assert (event.onset, event.apex, event.offset) == (other.onset, other.apex, other.offset)
        assert event.probabilities == pytest.approx(other.probabilities, abs=0.1)  # from JPEG images
    (face,), (there,) = now.faces, whole.faces
    assert (face.frames, face.gaps, len(face.blinks)) == (there.frames, there.gaps, len(there.blinks))
    assert face.quality == pytest.approx(there.quality, abs=0.01) and now.recording == whole.recording
    lines = (tmp_path / "live" / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["onset"] for line in lines] == [event.onset for event in now.events]


@needs_mesh
def test_dropped_frames_are_counted(film, tmp_path, monkeypatch):
    quick = Follower.step
    monkeypatch.setattr(Follower, "step", lambda *given: time.sleep(0.1) or quick(*given))
    states = []
    found = analyze_camera(
        VideoSource(film), tmp_path, AnalysisOptions(model="none"), LiveOptions(queue_size=2), on_status=states.append
    )
    counts = found.settings["live"]
    assert counts["dropped"] > 50 and counts["processed"] + counts["dropped"] == counts["received"] == 225
    assert "frames were dropped" in found.warnings[0] and states[-1].dropped == counts["dropped"]
    assert read_analysis(tmp_path / "events.json").settings["live"] == counts
    assert found.recording.seconds > 6 and abs(found.recording.fps - FPS) < 1


@needs_mesh
def test_ctrl_c_leaves_complete_files(film, tmp_path):
    command = [sys.executable, "-m", "microexpr", "live", str(film), "--out", str(tmp_path / "out"), "--model", "none"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert "Ctrl-C" in running.stderr.readline()
    started = time.monotonic()
    while not (tmp_path / "out" / "events.jsonl").exists() and time.monotonic() - started < 60:
        time.sleep(0.1)
    time.sleep(2)
    running.send_signal(signal.SIGINT)
    _, rest = running.communicate(timeout=60)
    assert running.returncode == 0 and "frames processed" in rest and "Traceback" not in rest
    found = read_analysis(tmp_path / "out" / "events.json")
    assert 0 < found.recording.frames < 225
    assert {file.name for file in (tmp_path / "out").iterdir()} == {*event_files(), "events.jsonl"}


@pytest.mark.parametrize("given", ["97", "nothing.mp4", "/dev/null"])
def test_a_missing_camera_is_an_error_of_one_line(given, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(["live", given])
    message = capfd.readouterr().err.strip()
    assert left.value.code == 1 and "\n" not in message and given in message and not list(tmp_path.iterdir())


@needs_mesh
def test_events_before_a_camera_fails_are_written(tmp_path):
    with pytest.raises(MediaError, match="no more"):
        analyze_camera(Unplugged(20), tmp_path / "some", AnalysisOptions(model="none"))
    found = read_analysis(tmp_path / "some" / "events.json")
    assert found.recording.frames == 20 and "no face" in found.warnings[0]
    with pytest.raises(MediaError, match="no more"):
        analyze_camera(Unplugged(0), tmp_path / "none", AnalysisOptions(model="none"))
    assert not (tmp_path / "none").exists()
    with pytest.raises(RunError, match="give another --out"):
        analyze_camera(Unplugged(20), tmp_path / "some", AnalysisOptions(model="none"))


def row(seconds):
    made = np.zeros((), ROW)
    made["number"], made["time"] = round(seconds * 100), seconds
    return made


def test_the_window_is_bounded():
    window, images = TrackWindow(3.0), FrameBuffer(3.0, 60)
    image = np.zeros((8, 8, 3), np.uint8)
    for i in range(5000):
        window.add(1 + i // 2500, row(i / 100), image[..., 0])
        window.forget(i / 100)
        images.add(i, i / 100, image)
        assert sum(len(buffer.rows) for buffer in window.buffers.values()) <= 300 + 100 + 300
        assert len(images._images) <= 3 * 60 + 1
    (buffer,) = window.buffers.values()
    assert buffer.cut and len(buffer.rows) == len(buffer.crops) >= 300 and buffer.rows[0]["number"] % 100 == 0
    assert images.numbers[0] >= 4699 and images.numbers[-1] == 4999 and images.copy().numbers == images.numbers
    assert images.read(4999).shape == (8, 8, 3)


def buffer_of(seconds, cut=False):
    rows = [row(i / 100) for i in range(round(100 * seconds))]
    return TrackBuffer(rows, [np.zeros((16, 16), np.uint8)] * len(rows), cut)


def finds(intervals, weaker=()):
    """A search that gives the intervals that these lists hold by then."""
    return lambda track: Spotted(tuple(intervals), tuple(weaker), np.zeros(len(track)))


def test_a_weaker_movement_is_given_once_and_hides_no_event():
    weak, strong = [Interval(100, 150, score=0.2)], []
    detector = EventDetector(Tracking(), finds(strong, weak), settle=1.0)
    assert detector.detect({1: buffer_of(2.6)}, 2.6, 0.01) == []
    assert [interval for _, interval in detector.weaker] == weak
    strong[:], weak[:] = [Interval(104, 152, score=0.9)], [Interval(104, 150, score=0.2)]
    assert [i for _, i in detector.detect({1: buffer_of(2.8)}, 2.8, 0.01)] == strong and detector.weaker == []


def test_an_event_is_reported_once_when_it_cannot_change():
    intervals = [Interval(100, 150, score=1.0)]
    detector = EventDetector(Tracking(), finds(intervals), settle=1.0)
    assert detector.detect({1: buffer_of(2.4)}, 2.4, 0.01) == []
    ((track, interval),) = detector.detect({1: buffer_of(2.6)}, 2.6, 0.01)
    assert track.face == 1 and interval == intervals[0]
    intervals[:] = [Interval(110, 155, score=2.0), Interval(300, 480, score=1.0)]
    assert detector.detect({1: buffer_of(6)}, 6.0, 0.01) == []  # the same one again; the other lasted 1.8 s, 1.2 s ago
    assert [interval.onset for _, interval in detector.detect({1: buffer_of(6)}, 6.0, 0.01, final=True)] == [300]


def test_an_event_cut_by_the_window_is_not_reported():
    detector = EventDetector(Tracking(), finds([Interval(50, 90, score=1.0)]), settle=1.0)
    assert detector.detect({1: buffer_of(4, cut=True)}, 4.0, 0.01) == []
    assert len(detector.detect({1: buffer_of(4)}, 4.0, 0.01)) == 1


def test_a_new_face_has_no_events_before_min_seconds():
    detector = EventDetector(Tracking(), finds([Interval(50, 90, score=1.0)]), settle=1.0, min_seconds=3.0)
    assert detector.detect({1: buffer_of(2.5)}, 2.5, 0.01) == []
    assert len(detector.detect({1: buffer_of(2.5)}, 4.0, 0.01)) == 1  # it has gone


def test_gaps_of_a_face():
    times = np.concatenate([np.arange(20, 100), np.arange(200, 300)]) / 100
    detector = EventDetector(Tracking(), finds([]), settle=1.0)
    for now in (1.5, 2.5, 4.5):
        rows = [row(t) for t in times if t <= now]
        detector.detect({1: TrackBuffer(rows, [np.zeros((16, 16), np.uint8)] * len(rows))}, now, 0.01)
    person = detector.histories[1].to_face(5.0, 0.01)
    assert person.frames == 180 and person.gaps == ((0.0, 0.2), (1.0, 2.0), (3.0, 5.0))


def test_a_capture_that_can_wait_drops_nothing():
    capture = Capture(Unplugged(50), 2)
    numbers = []
    with pytest.raises(MediaError):
        for number, _, _ in capture.frames():
            numbers.append(number)
            time.sleep(0.001)
    assert numbers == list(range(50)) and (capture.received, capture.dropped) == (50, 0)


def test_the_terminal_shows_a_line_per_event_and_a_status_line(capsys):
    from microexpr.analysis.live import Status
    from microexpr.core.action_units import ActionUnit
    from microexpr.core.events import Event

    event = Event("v", 2, 10, 15, 20, 1.0, 1.5, 1.2, "micro", 1.0, {"positive": 0.7}, "positive", 1.0, ("blink",))
    assert format_event(event).split() == ["1.00", "s", "face", "2", "micro", "200", "ms", "positive", "0.70;", "blink"]
    moved = replace(event, action_units=(ActionUnit(1, "L", 0.9, 1.4),), label="unknown", reason="too dark")
    assert format_event(moved).endswith("unknown: too dark; L1 left inner brow raised 1.4 px; blink")
    with live_display(Console(), Console(stderr=True, force_terminal=True)) as (on_event, on_status):
        on_status(Status(3.0, 30.0, 29.0, 90, 80, 4, 1, 2, 1))
        on_event(event)
    message = capsys.readouterr()
    assert "face 2" in message.out and "dropped 4" in message.err and "blinks 2" in message.err


@pytest.mark.parametrize("wrong", [{"window": 2.0}, {"interval": 0}, {"queue_size": 0}, {"settle": -1}])
def test_an_error_names_the_wrong_setting(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        LiveOptions(**wrong)
