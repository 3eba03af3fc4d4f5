"""The base class of spotters: a frozen dataclass of settings that finds the movements in the track of a face.

A spotter receives a `FaceTrack` and nothing else, no label and no ground truth. Durations are settings in seconds; a
track is examined at even steps of time, so that a method need not know of frame rates, gaps and variable frame rates.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field

from ..core.clip import Interval
from ..core.errors import UsageError
from ..core.registry import Registry
from ..core.track import MICRO_SECONDS, FaceTrack

Fraction = Annotated[float, Field(ge=0, le=1)]
"""Type of a setting from 0 to 1."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""Type of a setting above 0."""

NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""Type of a setting of 0 or more."""

Rate = Annotated[float, Field(ge=10)]
"""Type of a setting in steps per second."""

USUAL_SENSITIVITY = 0.5
"""The sensitivity at which a spotter has its own threshold."""

GAP_STEPS = 1.75
"""Between two frames that are this many median steps apart, or more, a frame is missing."""


@dataclass(frozen=True, eq=False)
class TimeGrid:
    """Even steps of time over a track.

    Attributes:
        rate: steps per second.
        times: (N,) float64 time of each step in seconds, rising.
        frames: (N,) int64 index into the track of the frame that is nearest to each step.
        visible: (N,) bool: whether that frame is near enough; False in a gap.
    """

    rate: float
    times: np.ndarray
    frames: np.ndarray
    visible: np.ndarray

    def __len__(self) -> int:
        return len(self.frames)

    def steps(self, seconds: float) -> int:
        """Convert seconds to a number of steps, at least 1."""
        return max(1, round(seconds * self.rate))


@dataclass(frozen=True)
class Span:
    """A movement in steps of a `TimeGrid`.

    Attributes:
        onset: first step.
        apex: step at which it is strongest.
        offset: last step, included.
        score: confidence on the scale of the spotter; larger is surer.
        kind: `micro` or `macro` where the method says it; "" where it follows from the duration.
    """

    onset: int
    apex: int
    offset: int
    score: float
    kind: str = ""


@dataclass(frozen=True, eq=False)
class Detection:
    """What a spotter found in a track.

    Attributes:
        curve: (N,) float, 0 or more: amount of movement at each step, on the scale of the spotter.
        spans: the movements.
    """

    curve: np.ndarray
    spans: tuple[Span, ...]


@dataclass(frozen=True, eq=False)
class Spotted:
    """The movements in a track, in frame numbers of the track.

    Attributes:
        intervals: the movements that are reported, ordered by time.
        weaker: movements whose score is below `Spotter.min_score`, ordered by time.
        curve: (T,) float32, 0 or more: amount of movement at each frame, on the scale of the spotter.
    """

    intervals: tuple[Interval, ...]
    weaker: tuple[Interval, ...]
    curve: np.ndarray


@dataclass(frozen=True)
class Spotter(ABC):
    """A spotting method with its settings.

    Args:
        max_fps: steps per second at which a track is examined; a slower recording is examined frame by frame. 10 or
            more.
        min_score: smallest score of a movement that is reported, on the scale of the spotter.
    """

    name: ClassVar[str]
    trainable: ClassVar[bool] = False
    """Whether `fit` changes anything."""
    threshold_setting: ClassVar[str] = ""
    """The setting, 0 to 1, above which a movement is reported: less of it means more movements; "" if there is none."""
    curve_is_score: ClassVar[bool] = False
    """Whether `curve` has the scores of the movements as its height, so that `min_score` can be drawn into it."""
    learned_from: ClassVar[str] = ""
    """What the weights and thresholds that ship were learned or chosen from, as the end of `the spotter ...`."""

    max_fps: Rate = 60.0
    min_score: float = 0.0

    @abstractmethod
    def detect(self, track: FaceTrack, grid: TimeGrid) -> Detection:
        """Find the movements in a track.

        Args:
            track: the track of a face.
            grid: the steps at which to examine it; three or more.
        """

    def fit(self, tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]], seed: int) -> Self:
        """Return a copy that is trained on these tracks; a spotter that is not trainable returns itself.

        Args:
            tracks: tracks of subjects who are not in the test set.
            labels: the labeled intervals of each track, with `kind`, in frame numbers of the track.
            seed: seed of all random choices.

        Raises:
            UsageError: there is not one list of intervals per track, or nothing to train on.
        """
        return self

    def save(self, path: Path) -> None:
        """Write the trained weights as safetensors; the setting `weights` of the same spotter reads them.

        Raises:
            UsageError: the spotter is not trainable.
        """
        raise UsageError(f"spotter '{self.name}' is not trainable: it has no weights that could be saved")

    def spot(self, track: FaceTrack) -> list[Interval]:
        """Return the movements in a track in frame numbers of the track, ordered by time.

        A track of fewer than three steps has none. `kind` is what the method says; where it does not say,
        it follows from the duration: `micro` below 0.5 s, else `macro`.
        """
        return list(self.search(track).intervals)

    def curve(self, track: FaceTrack) -> np.ndarray:
        """Return (T,) float32, 0 or more: amount of movement at each frame, on the scale of the spotter."""
        return self.search(track).curve

    def search(self, track: FaceTrack) -> Spotted:
        """Return what `spot` and `curve` return, and the movements that are too weak, computed in one pass."""
        grid = time_grid(track, self.max_fps)
        if len(grid) < 3:
            return Spotted((), (), np.zeros(len(track), np.float32))
        detection = self.detect(track, grid)
        curve = np.interp(track.times, grid.times, detection.curve).astype(np.float32)
        found = spans_to_intervals(track, grid, detection.spans)
        strong = tuple(interval for interval in found if _score(interval) >= self.min_score)
        return Spotted(strong, tuple(interval for interval in found if _score(interval) < self.min_score), curve)

    def with_sensitivity(self, sensitivity: float) -> Self:
        """Return a copy that reports more or fewer movements: its threshold is moved.

        Args:
            sensitivity: 0 to 1. At 0.5 the threshold stays; at 1 it is 0 and everything that was found is reported; at
                0 it is 1. In between it changes in proportion.

        Raises:
            UsageError: the spotter has no threshold from 0 to 1.
        """
        if sensitivity == USUAL_SENSITIVITY:
            return self
        if not self.threshold_setting:
            raise UsageError(
                f"spotter '{self.name}' has no threshold that a sensitivity moves; change its own settings"
            )
        usual = float(getattr(self, self.threshold_setting))
        threshold = 2 * usual * (1 - sensitivity) if sensitivity > 0.5 else 1 - 2 * sensitivity * (1 - usual)
        moved = copy.copy(self)  # not `replace`, which would lose trained weights
        object.__setattr__(moved, self.threshold_setting, round(threshold, 6))
        return moved


def _score(interval: Interval) -> float:
    return 0.0 if interval.score is None else interval.score


SPOTTERS: Registry[Spotter] = Registry("spotter", "microexpr.spotting")
"""All spotters. One more: a subclass of `Spotter` with `@SPOTTERS.register("name")`."""


def time_grid(track: FaceTrack, rate: float) -> TimeGrid:
    """Return even steps over a track: `rate` per second or one per frame, whichever are fewer.

    Where no frame is missing, each frame is a step even if its time stamp is not even: the time stamps of a camera
    jitter more than its shutter. What was computed for a second of frames then holds for the next search of it.
    """
    if len(track) < 2:
        return TimeGrid(rate, track.times, np.zeros(len(track), np.int64), np.ones(len(track), bool))
    steps = np.diff(track.times)
    if track.fps <= rate and steps.max() < GAP_STEPS / track.fps:
        return TimeGrid(float(1 / steps.mean()), track.times, np.arange(len(track)), np.ones(len(track), bool))
    rate = min(rate, track.fps)
    times = track.times[0] + np.arange(int((track.times[-1] - track.times[0]) * rate + 1e-6) + 1) / rate
    after = np.clip(np.searchsorted(track.times, times), 1, len(track) - 1)
    nearest = after - (times - track.times[after - 1] <= track.times[after] - times)
    return TimeGrid(rate, times, nearest, np.abs(track.times[nearest] - times) <= 1.5 / rate)


def spans_to_intervals(track: FaceTrack, grid: TimeGrid, spans: Iterable[Span]) -> list[Interval]:
    """Convert spans to intervals of frame numbers, ordered by time; spans that reach into a gap are left out."""
    found = []
    for span in sorted(spans, key=lambda s: (s.onset, s.offset)):
        onset, apex, offset = (int(grid.frames[i]) for i in (span.onset, span.apex, span.offset))
        if offset <= onset or not grid.visible[span.onset : span.offset + 1].all():
            continue
        by_duration = "micro" if track.times[offset] - track.times[onset] < MICRO_SECONDS else "macro"
        first, peak, last = (int(track.numbers[i]) for i in (onset, apex, offset))
        found.append(Interval(first, last, peak, span.kind or by_duration, score=float(span.score)))
    return found
