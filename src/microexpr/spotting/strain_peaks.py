"""Peaks of optical strain.

After Shreve, Godavarthy, Goldgof, Sarkar: Macro- and Micro-Expression Spotting in Long Videos Using Spatio-Temporal
Strain, FG 2011. Other than the paper: a step counts as an apex only if the face is strained against both the step
before and the step after by the reach, so that a movement that stays (a head that turned) does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..core.errors import RecipeError
from ..core.track import MICRO_SECONDS, FaceTrack
from ..imaging.optical_flow import strain
from ._peak_picking import runs, spans_above, suppress_overlaps, threshold
from ._regions import BROWS, MOUTH, Estimator, eye_distance, eye_mask, filled_hull, flow_estimator, head_motion
from .base import SPOTTERS, Detection, Fraction, NotNegative, Positive, Rate, Spotter, TimeGrid


@SPOTTERS.register("strain-peaks")
@dataclass(frozen=True)
class StrainPeaks(Spotter):
    """Find peaks of the optical strain of brows and mouth, without the eyes and without blinks.

    Args:
        max_fps: steps per second at which a track is examined, 10 or more.
        min_score: smallest score that is reported; the score is the peak of the strain over the threshold.
        micro_reach: seconds from a step to the steps that it is compared with, for micro-expressions.
        macro_reach: the same for macro-expressions.
        p: threshold, as its place between mean (0) and maximum (1) of the strain.
        blink_margin: seconds before and after a blink that are ignored like the blink.
        min_seconds: shortest movement that is reported, in seconds.
    """

    threshold_setting: ClassVar[str] = "p"

    max_fps: Rate = 30.0
    micro_reach: Positive = 0.2
    macro_reach: Positive = 0.8
    p: Fraction = 0.2
    blink_margin: NotNegative = 0.1
    min_seconds: NotNegative = 0.13

    def __post_init__(self) -> None:
        if not self.micro_reach < self.macro_reach:
            values = f"micro_reach = {self.micro_reach}, macro_reach = {self.macro_reach}"
            raise RecipeError(f"strain-peaks: {values}: the first must be smaller")

    def detect(self, track: FaceTrack, grid: TimeGrid) -> Detection:
        """Find runs above the threshold: short ones with the short reach, long ones with the long reach."""
        flow, limit = flow_estimator(), grid.rate * MICRO_SECONDS
        blinks = widen(track.blink[grid.frames], grid.steps(self.blink_margin))
        curve, spans = np.zeros(len(grid)), []
        passes = ((self.micro_reach, self.min_seconds * grid.rate, limit), (self.macro_reach, limit, np.inf))
        for seconds, low, high in passes:
            values = face_strain(track, grid, grid.steps(seconds), flow)
            values = gaussian_filter1d(values, 0.02 * grid.rate)
            if low < limit:  # a blink lasts as long as a micro-expression; a macro-expression may have one in it
                values[blinks] = 0
            spans += spans_above(values, threshold(values, self.p), low, high)
            curve = np.maximum(curve, values)
        return Detection(curve, tuple(suppress_overlaps(spans)))


def face_strain(track: FaceTrack, grid: TimeGrid, reach: int, flow: Estimator) -> np.ndarray:
    """Return (N,): strain of brows and mouth against `reach` steps before or after, whichever is smaller.

    The strain of a region is its 80th percentile. It is 0 where there is no step so far before or after.
    """
    found, size = np.zeros(len(grid)), track.crops.shape[1]
    for i in range(len(grid) - reach):
        first, second = grid.frames[i], grid.frames[i + reach]
        points = track.points[first]
        moved = flow(track.crops[first], track.crops[second])
        moved = cv2.GaussianBlur(moved - head_motion(moved, points), (0, 0), eye_distance(points) / 40)
        grow = eye_distance(points) / 10
        region = filled_hull(points[BROWS], size, grow) | filled_hull(points[MOUTH], size, grow)
        region &= ~eye_mask(points, size, grow / 2)
        found[i] = np.percentile(strain(moved)[region], 80) if region.any() else 0
    before = np.zeros(len(grid))
    before[reach:] = found[: max(0, len(grid) - reach)]
    return np.minimum(before, found)


def widen(marked: np.ndarray, steps: int) -> np.ndarray:
    """Return (N,) bool with every run of True extended by so many steps on both sides."""
    extended = marked.copy()
    for first, last in runs(marked):
        extended[max(0, first - steps) : last + steps + 1] = True
    return extended
