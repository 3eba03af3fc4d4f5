"""Nothing that a folder may hold crashes `analyze`, hangs it, or makes it write outside its own folder."""

import re
import signal
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from microexpr.analysis import AnalysisOptions, Components, analysis_files, analyze_videos, recordings
from microexpr.core.clip import Interval
from microexpr.core.track import MICRO_SECONDS, FaceTrack
from microexpr.imaging.timing import iter_frames
from tests.hostile import make

SECONDS = 30
"""Limit for one input; a whole recording takes a few hundredths."""


def everywhere(frames, options, progress, folder):
    """A face in the middle of every frame: the real reading, without the networks."""
    seen = [(n, t, p.shape[:2]) for n, t, p in iter_frames(frames, options.tracking.get("fps", 25.0))]
    count = len(seen)
    boxes = np.array([(0.2 * w, 0.2 * h, 0.6 * w, 0.6 * h) for _, _, (h, w) in seen], np.float32)
    return [
        FaceTrack(
            1,
            np.array([n for n, _, _ in seen]),
            np.array([t for _, t, _ in seen]),
            np.zeros((count, 32, 32), np.uint8),
            np.zeros((count, 68, 2), np.float32),
            np.ones(count, np.float32),
            np.zeros((count, 3), np.float32),
            np.ones((count, 2), np.float32),
            np.zeros(count, bool),
            boxes,
        )
    ]


def whole(track, options):
    """One movement from the first frame to the last."""
    last = len(track) - 1
    if not last:
        return []
    kind = "micro" if track.times[last] - track.times[0] < MICRO_SECONDS else "macro"
    onset, apex, offset = (int(track.numbers[i]) for i in (0, last // 2, last))
    return [Interval(onset, offset, apex, kind, score=1.0)]


STUB = Components(everywhere, whole, lambda track, options: np.zeros(len(track)))


@contextmanager
def limit(seconds):
    """A hang is an error."""

    def stop(number, frame):
        raise AssertionError(f"no answer after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return make(tmp_path_factory.mktemp("hostile"))


def listing(root: Path) -> set[tuple[str, int]]:
    return {(str(p), p.lstat().st_mtime_ns) for p in root.rglob("*") if not p.is_dir() or p.is_symlink()}


def error_lines(path: Path, out: Path) -> list[str]:
    """The line of each error; "" where there was none."""
    results = analyze_videos(recordings([path]), out, AnalysisOptions(model="none"), components=STUB)
    assert results, path
    for result in results:
        written = {p.name for p in result.folder.iterdir()} if result.folder.is_dir() else set()
        assert written == (set(analysis_files()) if result.analysis else set()) and result.folder.parent == out, path
        assert bool(result.error) != bool(result.analysis), path
    return [result.error for result in results]


def test_there_are_200_hostile_inputs(inputs):
    assert len(inputs) >= 200 and len({case.path for case in inputs}) == len(inputs)
    assert {case.expected for case in inputs} == {"done", "error", "any"}


def test_each_hostile_input_ends_in_events_or_one_clear_line(inputs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.fsync", lambda file: None)  # waits for the disk, hundreds of times
    root = Path(inputs[0].path).parents[1]
    before, wrong = listing(root), []
    for index, case in enumerate(inputs):
        with limit(SECONDS):
            for line in error_lines(case.path, tmp_path / "out" / str(index)):
                if case.expected != "any" and bool(line) != (case.expected == "error"):
                    wrong.append(f"{case.path!r}: expected {case.expected}, got {line or 'done'}")
                if not line.isprintable() or re.match(r"\w*(Error|Exception|Interrupt)\b", line) or len(line) > 700:
                    wrong.append(f"{case.path!r}: {line[:300]!r}")
    assert not wrong, "\n".join(wrong)
    assert listing(root) == before
    assert {p.name for p in tmp_path.iterdir()} == {"out"}
