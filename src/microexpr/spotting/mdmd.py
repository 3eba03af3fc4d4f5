"""Main directional maximal difference.

Wang, Wu, Qian, Li, Fu: A Main Directional Maximal Difference Analysis for Spotting Facial Movements from Long-term
Videos, Neurocomputing 230, 2017; windows and lengths as in He et al. 2020 (arXiv 1912.11985): .4 and 1.3 s each way.
Angles come from arctan2: the public code's atan(u / v) can reach two of its four directions only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..core.errors import RecipeError
from ..core.track import MICRO_SECONDS, FaceTrack
from ._peak_picking import contrast, spans_above, threshold
from ._regions import Estimator, flow_estimator
from .base import SPOTTERS, Detection, Fraction, NotNegative, Positive, Rate, Spotter, TimeGrid

GRID, DIRECTIONS = 6, 4


@SPOTTERS.register("mdmd")
@dataclass(frozen=True)
class MDMD(Spotter):
    """Measure how much larger the flow head -> current is, in its main direction, than the flow head -> tail.

    Head and tail are frames before and after the current one.

    Args:
        max_fps: steps per second at which a track is examined, 10 or more.
        min_score: smallest score that is reported; the score is the peak of the contrast over the threshold.
        micro_reach: seconds from the current frame to head and tail, for micro-expressions.
        macro_reach: the same for macro-expressions.
        p: threshold, as its place between mean (0) and maximum (1) of the contrast.
        min_seconds: shortest movement that is reported, in seconds.
    """

    threshold_setting: ClassVar[str] = "p"

    max_fps: Rate = 30.0
    micro_reach: Positive = 0.4
    macro_reach: Positive = 1.3
    p: Fraction = 0.01
    min_seconds: NotNegative = 0.23

    def __post_init__(self) -> None:
        if not self.micro_reach < self.macro_reach:
            values = f"micro_reach = {self.micro_reach}, macro_reach = {self.macro_reach}"
            raise RecipeError(f"mdmd: {values}: the first must be smaller")

    def detect(self, track: FaceTrack, grid: TimeGrid) -> Detection:
        """Find runs above the threshold: short ones with the short reach, long ones with the long reach."""
        flow, limit = flow_estimator(), grid.rate * MICRO_SECONDS
        passes = ((self.micro_reach, self.min_seconds * grid.rate, limit), (self.macro_reach, limit, np.inf))
        curve, spans = np.zeros(len(grid)), []
        for seconds, low, high in passes:
            reach = grid.steps(seconds)
            values = np.zeros(len(grid))
            for i in range(reach, len(grid) - reach):
                head, now, tail = (track.crops[grid.frames[j]] for j in (i - reach, i, i + reach))
                values[i] = maximal_difference(flow, head, now, tail)
            peaks = contrast(values, max(1, reach - 1))
            spans += spans_above(peaks, threshold(peaks, self.p), low, high)
            curve = np.maximum(curve, peaks)
        return Detection(curve, tuple(spans))


def maximal_difference(flow: Estimator, head: np.ndarray, now: np.ndarray, tail: np.ndarray) -> float:
    """Return the mean over the third of the 36 blocks, and in a block of its pixels, that differ most.

    Args:
        flow: function for the flow between two crops.
        head, now, tail: (S, S) uint8 crops.
    """
    u, v = np.moveaxis(flow(head, now), -1, 0)
    lengths = np.hypot(u, v)
    differences = _blocks(lengths - np.linalg.norm(flow(head, tail), axis=-1))
    direction = _blocks(((np.arctan2(v, u) + np.pi) * DIRECTIONS / (2 * np.pi)).astype(np.int8) % DIRECTIONS)
    counts = np.stack([(direction == k).sum(axis=1) for k in range(DIRECTIONS)])
    in_main = direction == counts.argmax(axis=0)[:, None]
    ordered = -np.sort(-np.where(in_main, differences, -np.inf), axis=1)
    third = np.maximum(1, in_main.sum(axis=1) // 3)
    selected = np.arange(ordered.shape[1]) < third[:, None]
    means = np.where(selected, ordered, 0).sum(axis=1) / third
    return float(np.sort(means)[-GRID * GRID // 3 :].mean())


def _blocks(image: np.ndarray) -> np.ndarray:
    """Return (36, pixels of a block); pixels left over at the right and at the bottom are cut off."""
    height, width = image.shape[0] // GRID, image.shape[1] // GRID
    blocks = image[: height * GRID, : width * GRID].reshape(GRID, height, GRID, width)
    return blocks.transpose(0, 2, 1, 3).reshape(GRID * GRID, -1)
