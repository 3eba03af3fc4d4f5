"""What every spotter shares: a frozen dataclass of settings that looks at a face's track and says where something is.

A spotter sees a `FaceTrack` and nothing else: no label, no true time. Windows are settings in seconds; a track is
looked at in even steps of time, so that 25 and 240 frames a second, gaps and variable frame rates are all the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ..core.clip import Interval
from ..core.errors import RecipeError, UsageError
from ..core.registry import Registry
from ..core.track import MICRO_SECONDS, FaceTrack

GAP_STEPS = 1.75
"""Two frames that are so many usual steps apart have a missing one between them."""


@dataclass(frozen=True, eq=False)
class TimeGrid:
    """A track at even steps of time, or frame by frame.

    Attributes:
        rate: steps a second.
        times: (N,) seconds, rising.
        frames: (N,) int64 index of the track's frame nearest to each moment.
        visible: (N,) bool: whether that frame is near enough; False in a gap.
    """

    rate: float
    times: np.ndarray
    frames: np.ndarray
    visible: np.ndarray

    def __len__(self) -> int:
        return len(self.frames)

    def steps(self, seconds: float) -> int:
        """So many seconds in steps, at least one."""
        return max(1, round(seconds * self.rate))


@dataclass(frozen=True)
class Span:
    """A found movement in steps of `TimeGrid`, both ends included; a larger score is surer."""

    onset: int
    apex: int
    offset: int
    score: float


@dataclass(frozen=True, eq=False)
class Detection:
    """What a spotter made of a track.

    Attributes:
        curve: (N,) float, 0 or more: how much seems to happen at each step, on the spotter's own scale.
        spans: what it takes for movements.
    """

    curve: np.ndarray
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Spotter(ABC):
    """A method with its settings.

    Args:
        max_fps: at most so many steps a second are looked at; a slower recording is looked at frame by frame.
        min_score: movements with a lower score are not told.
    """

    name: ClassVar[str]
    trainable: ClassVar[bool] = False
    """Whether `fit` changes anything."""

    max_fps: float = 60.0
    min_score: float = 0.0

    def __post_init__(self) -> None:
        if self.max_fps < 10:
            raise RecipeError(f"spotter: max_fps = {self.max_fps}; take 10 steps a second or more")

    @abstractmethod
    def detect(self, track: FaceTrack, grid: TimeGrid) -> Detection:
        """What there is in a track of three steps or more, seen at `grid`."""

    def fit(self, tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]], seed: int) -> Self:
        """A copy that has learned from people who will not be tested; the same one where there is nothing to learn.

        Args:
            tracks: of the people to learn from.
            labels: their intervals, with `kind`, in frame numbers of each track.
            seed: of everything that is drawn.

        Raises:
            UsageError: not one list of intervals a track, or nothing to learn from.
        """
        return self

    def save(self, path: Path) -> None:
        """Write what was learned as safetensors; setting `weights` of the same spotter reads it.

        Raises:
            UsageError: there is nothing to save.
        """
        raise UsageError(f"spotter '{self.name}' has learned nothing that could be saved")

    def spot(self, track: FaceTrack) -> list[Interval]:
        """The movements in a track, in frame numbers of the track, in the order of time; [] where there are none.

        An empty track, or one of fewer than three steps, has none. `kind` follows from the length: below .5 s `micro`.
        """
        return self.spot_with_curve(track)[0]

    def curve(self, track: FaceTrack) -> np.ndarray:
        """(T,) float32, 0 or more: how much seems to happen at each frame, on the spotter's own scale."""
        return self.spot_with_curve(track)[1]

    def spot_with_curve(self, track: FaceTrack) -> tuple[list[Interval], np.ndarray]:
        """What `spot` and `curve` say, at the cost of one look."""
        grid = time_grid(track, self.max_fps)
        if len(grid) < 3:
            return [], np.zeros(len(track), np.float32)
        seen = self.detect(track, grid)
        curve = np.interp(track.times, grid.times, seen.curve).astype(np.float32)
        return spans_to_intervals(track, grid, (s for s in seen.spans if s.score >= self.min_score)), curve


SPOTTERS: Registry[Spotter] = Registry("spotter", "microexpr.spotting")


def time_grid(track: FaceTrack, rate: float) -> TimeGrid:
    """Even steps over a track, `rate` a second or one a frame, whichever are fewer.

    Frames of which none is missing are a step each, on time or not: the stamps of a camera tremble more than its
    shutter, and what was worked out of a second of frames then holds for the next look at it.
    """
    if len(track) < 2:
        return TimeGrid(rate, track.times, np.zeros(len(track), np.int64), np.ones(len(track), bool))
    steps = np.diff(track.times)
    if track.fps <= rate and steps.max() < GAP_STEPS / track.fps:
        return TimeGrid(float(1 / steps.mean()), track.times, np.arange(len(track)), np.ones(len(track), bool))
    rate = min(rate, track.fps)
    moments = track.times[0] + np.arange(int((track.times[-1] - track.times[0]) * rate + 1e-6) + 1) / rate
    after = np.clip(np.searchsorted(track.times, moments), 1, len(track) - 1)
    nearer = after - (moments - track.times[after - 1] <= track.times[after] - moments)
    return TimeGrid(rate, moments, nearer, np.abs(track.times[nearer] - moments) <= 1.5 / rate)


def spans_to_intervals(track: FaceTrack, grid: TimeGrid, spans: Iterable[Span]) -> list[Interval]:
    """Spans as intervals of frame numbers, in the order of time; ones that lie in a gap are left out."""
    found = []
    for span in sorted(spans, key=lambda s: (s.onset, s.offset)):
        onset, apex, offset = (int(grid.frames[i]) for i in (span.onset, span.apex, span.offset))
        if offset <= onset or not grid.visible[span.onset : span.offset + 1].all():
            continue
        kind = "micro" if track.times[offset] - track.times[onset] < MICRO_SECONDS else "macro"
        first, peak, last = (int(track.numbers[i]) for i in (onset, apex, offset))
        found.append(Interval(first, last, peak, kind, score=float(span.score)))
    return found
