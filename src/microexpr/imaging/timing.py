"""Times of frames: seconds since the first frame, which rise even if the time stamps of a file do not."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from ..core.clip import Frames
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

    Seconds are the time stamps of the source where it has them; they rise even where those do not.

    Args:
        frames: of a video, a folder or any other source; its attribute `times` is used where it has one.
        fps: frames per second of a source without time stamps, whose times are frame number / fps.
    """
    if isinstance(frames, VideoFrames):
        stamped = ((i, seconds, image) for i, (seconds, image) in enumerate(frames))
    else:
        numbers = frames.numbers
        times = getattr(frames, "times", None) or [n / fps for n in numbers]
        stamped = ((n, float(s), frames.read(n)) for n, s in zip(numbers, times, strict=True))
    clock = MonotonicClock(1 / fps)
    for number, seconds, image in stamped:
        yield number, clock.next(seconds), image
