"""Which frame of a recording was taken when: files of other programs hold seconds, the package counts frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .errors import DataError


@dataclass(frozen=True, eq=False)
class FrameTimes:
    """The frames of a recording and their times.

    Attributes:
        video: name of the recording.
        times: (T,) float64 seconds of the frames since the first one, rising; empty where only the rate is known.
        numbers: (T,) frame numbers, rising; 0 to T - 1 where left out. Where only the rate is known, that of the frame
            at 0 s.
        fps: frames per second; follows from the times where they are known.
    """

    video: str = ""
    times: Sequence[float] | np.ndarray = ()
    numbers: Sequence[int] | np.ndarray = ()
    fps: float = 0.0

    def number(self, seconds: float) -> int:
        """Return the number of the frame that is nearest to a time.

        The last frame lasts as long as the others. A time before the first frame or after the end of the last one gets
        a number that no frame has.

        Raises:
            DataError: neither times nor a frame rate are known.
        """
        if len(self.times) == 0:
            if not self.fps > 0:
                raise DataError("the file holds seconds and no frames: name the film, or its frames per second")
            return int(next(iter(self.numbers), 0)) + round(seconds * self.fps)
        times, step = self._times, self._step
        first, last = self._number_at(0), self._number_at(len(times) - 1)
        if seconds > times[-1] + 1.5 * step:
            return last + max(1, round((seconds - float(times[-1])) / step) if step else 1)
        if seconds < times[0] - 1.5 * step:
            return first - max(1, round((float(times[0]) - seconds) / step) if step else 1)
        after = min(int(np.searchsorted(times, seconds)), len(times) - 1)
        before = max(after - 1, 0)
        nearest = before if seconds - times[before] <= times[after] - seconds else after
        return self._number_at(nearest)

    @cached_property
    def _times(self) -> np.ndarray:
        return np.asarray(self.times, np.float64)

    @cached_property
    def _step(self) -> float:
        """Usual seconds between two frames; 0 where there is one frame and no rate."""
        if len(self.times) > 1:
            return float(np.median(np.diff(self._times)))
        return 1 / self.fps if self.fps > 0 else 0.0

    @cached_property
    def _numbers(self) -> np.ndarray:
        return np.asarray(self.numbers, np.int64)

    def seconds(self, number: int) -> float:
        """Return the time of a frame.

        Raises:
            DataError: there is no such frame, or neither times nor a frame rate are known.
        """
        if len(self.times) == 0:
            if not self.fps > 0:
                raise DataError("the file holds frames and no seconds: name the film, or its frames per second")
            return (number - int(next(iter(self.numbers), 0))) / self.fps
        index = number if len(self.numbers) == 0 else int(np.searchsorted(self._numbers, number))
        if not 0 <= index < len(self.times) or self._number_at(index) != number:
            raise DataError(
                f"'{self.video}' has no frame {number} (it has {self._number_at(0)} to "
                f"{self._number_at(len(self.times) - 1)})"
            )
        return round(float(self._times[index]), 6)

    def _number_at(self, index: int) -> int:
        return int(self._numbers[index]) if len(self.numbers) else index
