"""Feature difference contrast.

Moilanen, Zhao, Pietikainen: Spotting Rapid Facial Movements from Videos Using Appearance-Based Feature Difference
Analysis, ICPR 2014. Two windows, one for micro- and one for macro-expressions, as the MEGC baselines do.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from ..core.errors import RecipeError
from ..core.track import MICRO_SECONDS, FaceTrack
from ..features.lbp import LBP
from ._peak_picking import contrast, spans_above, threshold
from .base import SPOTTERS, Detection, Spotter, TimeGrid


@SPOTTERS.register("difference-contrast")
@dataclass(frozen=True)
class DifferenceContrast(Spotter):
    """Histograms of LBP(8, 3, u2) in 6x6 blocks against the mean of those half a window before and after.

    Args:
        micro_window, macro_window: whole windows, in seconds.
        p: where the threshold lies between mean and maximum, 0 to 1.
        min_seconds: a movement below so many seconds is none.
    """

    max_fps: float = 30.0
    micro_window: float = 0.5
    macro_window: float = 2.0
    p: float = 0.15
    min_seconds: float = 0.13

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.p <= 1 or not 0 < self.micro_window < self.macro_window:
            raise RecipeError(f"difference-contrast: p = {self.p} (0 to 1); windows must be 0 < micro < macro seconds")

    def detect(self, track: FaceTrack, grid: TimeGrid) -> Detection:
        """Runs of contrast above the threshold, short ones of the short window, long ones of the long one."""
        limit, spans = grid.rate * MICRO_SECONDS, []
        curve = np.zeros(len(grid))
        halves = [grid.steps(window / 2) for window in (self.micro_window, self.macro_window)]
        limits = ((self.min_seconds * grid.rate, limit), (limit, np.inf))
        for half, values, (low, high) in zip(halves, _differences(track, grid, halves), limits, strict=True):
            stand_out = contrast(values, half)
            spans += spans_above(stand_out, threshold(stand_out, self.p), low, high)
            curve = np.maximum(curve, stand_out)
        return Detection(curve, tuple(spans))


def _differences(track: FaceTrack, grid: TimeGrid, halves: list[int]) -> np.ndarray:
    """(windows, N) F_i: mean of the 12 largest block distances (chi2) to the mean of both ends of the window."""
    descriptor, widest = LBP(grid=(6, 6), neighbors=8, radius=3), max(halves)
    found = np.zeros((len(halves), len(grid)))
    kept: deque[np.ndarray] = deque(maxlen=2 * widest + 1)
    for i, frame in enumerate(grid.frames):
        kept.append(descriptor(track.crops[frame][None]).reshape(36, -1))
        for row, half in zip(found, halves, strict=True):
            if i >= 2 * half:
                now, ends = kept[-1 - half], (kept[-1] + kept[-1 - 2 * half]) / 2
                whole = now + ends
                chi2 = np.divide((now - ends) ** 2, whole, out=np.zeros_like(whole), where=whole > 0).sum(axis=1)
                row[i - half] = np.sort(chi2)[-12:].mean()
    return found
