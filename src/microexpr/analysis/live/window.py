"""The last seconds of every face and of the images; older ones are forgotten."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from ...core.errors import MediaError

JPEG_OPTIONS = [cv2.IMWRITE_JPEG_QUALITY, 95]


@dataclass(eq=False)
class TrackBuffer:
    """The last frames of a track.

    Attributes:
        rows: a record of `tracking.store.ROW` per frame.
        crops: (S, S) uint8 gray face crop per frame.
        cut: whether older frames of this track were forgotten.
    """

    rows: deque[np.ndarray] = field(default_factory=deque)
    crops: deque[np.ndarray] = field(default_factory=deque)
    cut: bool = False

    def copy(self) -> TrackBuffer:
        """Copy it for another thread."""
        return TrackBuffer(self.rows.copy(), self.crops.copy(), self.cut)


class TrackWindow:
    """Receives the frames of every track from the recorders, and holds the last seconds of each.

    Args:
        seconds: how many are held, and up to one more: whole seconds are forgotten at once, so that a spotter that
            works second by second meets the same seconds again and can reuse its flow cache.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.buffers: dict[int, TrackBuffer] = {}
        self.now = 0.0

    def add(self, track: int, row: np.ndarray, crop: np.ndarray) -> None:
        """Add a frame of a track; see `tracking.recorder.Sink`."""
        buffer = self.buffers.setdefault(track, TrackBuffer())
        buffer.rows.append(row)
        buffer.crops.append(crop)
        self.now = float(row["time"])
        if buffer.rows[0]["time"] < self.now - self.seconds - 1:
            seconds = float(buffer.rows[-1]["time"] - buffer.rows[0]["time"])
            second = max(1, round((len(buffer.rows) - 1) / seconds))  # in frames, as spotters count it
            for _ in range(second):
                buffer.rows.popleft()
                buffer.crops.popleft()
            buffer.cut = True

    def forget(self, now: float) -> None:
        """Forget the tracks that ended before the window begins; `now` in seconds."""
        for track in [t for t, buffer in self.buffers.items() if buffer.rows[-1]["time"] < now - self.seconds]:
            del self.buffers[track]


class FrameBuffer:
    """The images of the last seconds as JPEG files in memory; can be read like `Frames`.

    Args:
        seconds: how many are held.
        max_fps: frames per second that are held at most; for any other frame the nearest one is read.
    """

    def __init__(self, seconds: float, max_fps: float) -> None:
        self.seconds, self.step, self.last = seconds, 1 / max_fps, -1
        self._images: deque[tuple[int, float, np.ndarray]] = deque()

    def add(self, number: int, seconds: float, image: np.ndarray) -> None:
        """Add the next frame, (height, width, 3) uint8 RGB."""
        self.last = number
        if not self._images or seconds - self._images[-1][1] >= self.step - 2e-3:  # cameras are not on time to the ms
            _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), JPEG_OPTIONS)
            self._images.append((number, seconds, data))
        while self._images[0][1] < seconds - self.seconds:
            self._images.popleft()

    def copy(self) -> FrameBuffer:
        """Copy it for another thread."""
        other = FrameBuffer(self.seconds, 1 / self.step)
        other._images, other.last = self._images.copy(), self.last
        return other

    @property
    def numbers(self) -> Sequence[int]:
        """Numbers of all frames from the first one that is held to the last one that came."""
        return range(self._images[0][0], self.last + 1) if self._images else ()

    def read(self, number: int) -> np.ndarray:
        """Read that frame or the nearest one, (height, width, 3) uint8 RGB.

        Raises:
            MediaError: no frame is held.
        """
        if not self._images:
            raise MediaError("no frame is in memory any more")
        data = min(self._images, key=lambda held: abs(held[0] - number))[2]
        return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
