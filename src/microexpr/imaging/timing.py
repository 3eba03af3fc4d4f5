"""Times of frames: seconds since the first frame, which rise even if the time stamps of a file do not."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence

import numpy as np

from ..core.clip import Frames
from ..core.errors import MediaError
from .video import VideoFrames

MAX_STEP_SECONDS = 86400.0
"""Largest time between two frames in seconds; a larger step is taken for a broken time stamp."""


class MonotonicClock:
    """Converts time stamps to seconds since the first frame that rise from frame to frame, also in a broken file.

    Args:
        step: assumed seconds between two frames until the first step is known.
    """

    def __init__(self, step: float) -> None:
        self.step = step
        self.first: float | None = None
        self.now = 0.0

    def next(self, timestamp: float) -> float:
        """Seconds since the first frame of the next frame, from its time stamp in seconds."""
        if self.first is None:
            self.first = timestamp
            return 0.0
        ahead = timestamp - self.first - self.now
        if 0 < ahead <= MAX_STEP_SECONDS:
            self.step = ahead
            self.now += ahead
        elif -1 <= ahead <= 0:
            self.now += self.step / 2  # a broken time stamp: the order of the frames is more reliable
        else:
            self.now += self.step  # the time stamps start again: later ones count from here
            self.first = timestamp - self.now
        return self.now


def iter_frames(frames: Frames, fps: float) -> Generator[tuple[int, float, np.ndarray], None, None]:
    """`(number, seconds since the first frame, image)` of every frame in order, read once.

    Seconds are the time stamps of the source where it has them; they rise even where those do not. Images that cannot
    be read are left out where the frames were opened as damaged.

    Args:
        frames: of a video, a folder or any other source; its attribute `times` is used where it has one.
        fps: frames per second of a source without time stamps, whose times are frame number / fps.
    """
    if isinstance(frames, VideoFrames):
        stamped: Iterable[tuple[int, float, np.ndarray]] = ((i, *frame) for i, frame in enumerate(frames))
    else:
        numbers = frames.numbers
        times = getattr(frames, "times", None) or [n / fps for n in numbers]
        stamped = _read_numbered(frames, zip(numbers, times, strict=True))
    clock = MonotonicClock(1 / fps)
    for number, seconds, image in stamped:
        yield number, clock.next(seconds), image


def _read_numbered(frames: Frames, stamps: Iterable[tuple[int, float]]) -> Iterator[tuple[int, float, np.ndarray]]:
    for number, seconds in stamps:
        try:
            image = frames.read(number)
        except MediaError:
            if not getattr(frames, "damaged", False):
                raise
            continue
        yield number, float(seconds), image


def frame_rate(times: Sequence[float] | np.ndarray) -> float:
    """Frames per second of rising times in seconds: one over the mean of the usual steps; 0 for less than two frames.

    Steps that differ from the median by more than half (missing frames) do not count. The mean is right also where a
    file counts whole milliseconds, as Matroska does: 0, 17, 33, 50 ... are 60 frames per second.
    """
    steps = np.diff(np.asarray(times, np.float64))
    if not len(steps):
        return 0.0
    median = max(float(np.median(steps)), 1e-6)
    usual = steps[np.abs(steps - median) <= median / 2]
    return float(1 / max(usual.mean() if len(usual) else median, 1e-6))
