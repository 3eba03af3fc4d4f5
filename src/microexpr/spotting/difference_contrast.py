"""Feature difference contrast.

Moilanen, Zhao, Pietikainen: Spotting Rapid Facial Movements from Videos Using Appearance-Based Feature Difference
Analysis, ICPR 2014. Two windows, one for micro- and one for macro-expressions, as the MEGC baselines do.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..core.errors import RecipeError
from ..core.track import MICRO_SECONDS, FaceTrack
from ..features.lbp import LBP
from ._peak_picking import contrast, spans_above, threshold
from .base import SPOTTERS, Detection, Fraction, NotNegative, Positive, Rate, Spotter, TimeGrid


@SPOTTERS.register("difference-contrast")
@dataclass(frozen=True)
class DifferenceContrast(Spotter):
    """Compare LBP(8, 3, u2) histograms of 6 x 6 blocks with the mean of those half a window before and after.

    Args:
        max_fps: steps per second at which a track is examined, 10 or more.
        min_score: smallest score that is reported; the score is the peak of the contrast over the threshold.
        micro_window: length in seconds of the window for micro-expressions.
        macro_window: length in seconds of the window for macro-expressions.
        p: threshold, as its place between mean (0) and maximum (1) of the contrast.
        min_seconds: shortest movement that is reported, in seconds.
    """

    threshold_setting: ClassVar[str] = "p"

    max_fps: Rate = 30.0
    micro_window: Positive = 0.5
    macro_window: Positive = 2.0
    p: Fraction = 0.15
    min_seconds: NotNegative = 0.13

    def __post_init__(self) -> None:
        if not self.micro_window < self.macro_window:
            values = f"micro_window = {self.micro_window}, macro_window = {self.macro_window}"
            raise RecipeError(f"difference-contrast: {values}: the first must be smaller")

    def detect(self, track: FaceTrack, grid: TimeGrid) -> Detection:
        """Find runs of contrast above the threshold: short ones in the short window, long ones in the long window."""
        limit, spans = grid.rate * MICRO_SECONDS, []
        curve = np.zeros(len(grid))
        halves = [grid.steps(window / 2) for window in (self.micro_window, self.macro_window)]
        limits = ((self.min_seconds * grid.rate, limit), (limit, np.inf))
        for half, values, (low, high) in zip(halves, _differences(track, grid, halves), limits, strict=True):
            peaks = contrast(values, half)
            spans += spans_above(peaks, threshold(peaks, self.p), low, high)
            curve = np.maximum(curve, peaks)
        return Detection(curve, tuple(spans))


def _differences(track: FaceTrack, grid: TimeGrid, halves: list[int]) -> np.ndarray:
    """Return F_i, (windows, N): mean of the 12 largest block distances (chi2) to the mean of the window's ends."""
    descriptor, widest = LBP(grid=(6, 6), neighbors=8, radius=3), max(halves)
    found = np.zeros((len(halves), len(grid)))
    recent: deque[np.ndarray] = deque(maxlen=2 * widest + 1)
    for i, frame in enumerate(grid.frames):
        recent.append(descriptor(track.crops[frame][None]).reshape(36, -1))
        for row, half in zip(found, halves, strict=True):
            if i >= 2 * half:
                center, ends = recent[-1 - half], (recent[-1] + recent[-1 - 2 * half]) / 2
                total = center + ends
                chi2 = np.divide((center - ends) ** 2, total, out=np.zeros_like(total), where=total > 0).sum(axis=1)
                row[i - half] = np.sort(chi2)[-12:].mean()
    return found
