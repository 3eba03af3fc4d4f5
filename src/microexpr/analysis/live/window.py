"""The last seconds of every face and of the pictures: what is older is forgotten."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from ...core.errors import MediaError

JPEG = [cv2.IMWRITE_JPEG_QUALITY, 95]


@dataclass(eq=False)
class TrackBuffer:
    """The last frames of a track: rows of `tracking.store.ROW` and crops; `cut` once older ones were forgotten."""

    rows: deque[np.ndarray] = field(default_factory=deque)
    crops: deque[np.ndarray] = field(default_factory=deque)
    cut: bool = False

    def copy(self) -> TrackBuffer:
        """As it is now, for another thread."""
        return TrackBuffer(self.rows.copy(), self.crops.copy(), self.cut)


class TrackWindow:
    """Where recorders write when nothing is kept: the last seconds of each track.

    Args:
        seconds: how many, and up to one more: whole seconds are forgotten at once, so that a spotter that works second
            by second sees the same seconds again.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.strips: dict[int, TrackBuffer] = {}
        self.now = 0.0

    def add(self, track: int, row: np.ndarray, crop: np.ndarray) -> None:
        """One frame of a track; see `tracking.record.Sink`."""
        strip = self.strips.setdefault(track, TrackBuffer())
        strip.rows.append(row)
        strip.crops.append(crop)
        self.now = float(row["time"])
        if strip.rows[0]["time"] < self.now - self.seconds - 1:
            seconds = float(strip.rows[-1]["time"] - strip.rows[0]["time"])
            second = max(1, round((len(strip.rows) - 1) / seconds))  # in frames, as spotters count it
            for _ in range(second):
                strip.rows.popleft()
                strip.crops.popleft()
            strip.cut = True

    def forget(self, now: float) -> None:
        """Tracks that ended before the window began."""
        for track in [t for t, strip in self.strips.items() if strip.rows[-1]["time"] < now - self.seconds]:
            del self.strips[track]


class FrameBuffer:
    """The pictures of the last seconds as JPEG files in memory; reads as `Frames`.

    Args:
        seconds: how many.
        rate: at most so many a second are kept; a frame that is not is the nearest one that is.
    """

    def __init__(self, seconds: float, rate: float) -> None:
        self.seconds, self.step, self.last = seconds, 1 / rate, -1
        self._kept: deque[tuple[int, float, np.ndarray]] = deque()

    def add(self, number: int, seconds: float, picture: np.ndarray) -> None:
        """The next frame, (height, width, 3) uint8 RGB."""
        self.last = number
        if not self._kept or seconds - self._kept[-1][1] >= self.step - 2e-3:  # cameras are not on time to the ms
            _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), JPEG)
            self._kept.append((number, seconds, data))
        while self._kept[0][1] < seconds - self.seconds:
            self._kept.popleft()

    def copy(self) -> FrameBuffer:
        """As it is now, for another thread."""
        other = FrameBuffer(self.seconds, 1 / self.step)
        other._kept, other.last = self._kept.copy(), self.last
        return other

    @property
    def numbers(self) -> Sequence[int]:
        """Of all frames from the first that is kept to the last that came."""
        return range(self._kept[0][0], self.last + 1) if self._kept else ()

    def read(self, number: int) -> np.ndarray:
        """That frame or the nearest one, (height, width, 3) uint8 RGB.

        Raises:
            MediaError: none is kept.
        """
        if not self._kept:
            raise MediaError("no picture is kept any more")
        data = min(self._kept, key=lambda one: abs(one[0] - number))[2]
        return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
