"""Times of frames: seconds since the first frame that always rise, also where the time stamps of a file do not."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from ..core.clip import Frames
from .video import VideoFrames

MAX_STEP_SECONDS = 86400.0
"""Seconds that may lie between two frames; a larger step is a broken time stamp."""


class MonotonicClock:
    """Seconds since the first frame that rise from frame to frame, whatever the stamps of a broken file do.

    Args:
        step: seconds between two frames before any are known.
    """

    def __init__(self, step: float) -> None:
        self.step = step
        self.first: float | None = None
        self.now = 0.0

    def next(self, timestamp: float) -> float:
        """Of the next frame, by its time stamp in seconds."""
        if self.first is None:
            self.first = timestamp
            return 0.0
        ahead = timestamp - self.first - self.now
        if 0 < ahead <= MAX_STEP_SECONDS:
            self.step = ahead
            self.now += ahead
        elif -1 <= ahead <= 0:
            self.now += self.step / 2  # a broken stamp: the order of the frames is surer
        else:
            self.now += self.step  # stamps that begin anew: what follows goes on from here
            self.first = timestamp - self.now
        return self.now


def iter_frames(frames: Frames, fps: float) -> Generator[tuple[int, float, np.ndarray], None, None]:
    """`(number, seconds since the first frame, image)` of every frame in order, read once.

    Seconds are the file's own time stamps where it has them; they rise even where the file's do not.

    Args:
        frames: of a video, a folder, or anything else; `times` are used where it has them.
        fps: frames per second of a source without time stamps: the numbers are counted by it.
    """
    if isinstance(frames, VideoFrames):
        stamped = ((i, seconds, picture) for i, (seconds, picture) in enumerate(frames))
    else:
        numbers = frames.numbers
        times = getattr(frames, "times", None) or [n / fps for n in numbers]
        stamped = ((n, float(s), frames.read(n)) for n, s in zip(numbers, times, strict=True))
    clock = MonotonicClock(1 / fps)
    for number, seconds, picture in stamped:
        yield number, clock.next(seconds), picture
