"""Peaks of optical strain.

After Shreve, Godavarthy, Goldgof, Sarkar: Macro- and Micro-Expression Spotting in Long Videos Using Spatio-Temporal
Strain, FG 2011. Own choice: a step counts as an apex when the face is strained against both half a window before and
half a window after, so that what moves once and stays (a head that turned) does not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..core.errors import RecipeError
from ..core.track import MICRO_SECONDS, FaceTrack
from ..imaging.optical_flow import strain
from ._peak_picking import runs, spans_above, suppress_overlaps, threshold
from ._regions import BROWS, MOUTH, Estimator, eye_distance, eye_mask, filled_hull, flow_estimator, head_motion
from .base import SPOTTERS, Detection, Spotter, TimeGrid


@SPOTTERS.register("strain-peaks")
@dataclass(frozen=True)
class StrainPeaks(Spotter):
    """Strain of brows and mouth without the eyes; blinks are left out.

    Args:
        micro_reach, macro_reach: seconds from a step to those it is compared with.
        p: where the threshold lies between mean and maximum, 0 to 1.
        blink_margin: seconds before and after a blink that are left out too.
        min_seconds: a movement below so many seconds is none.
    """

    max_fps: float = 30.0
    micro_reach: float = 0.2
    macro_reach: float = 0.8
    p: float = 0.2
    blink_margin: float = 0.1
    min_seconds: float = 0.13

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.p <= 1 or not 0 < self.micro_reach < self.macro_reach:
            raise RecipeError(f"strain-peaks: p = {self.p} (0 to 1); reaches must be 0 < micro < macro seconds")

    def detect(self, track: FaceTrack, grid: TimeGrid) -> Detection:
        """Runs above the threshold, short ones of the short reach, long ones of the long one."""
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
    """(N,) mean strain of brows and mouth: the smaller of that against `reach` steps before and after."""
    found, size = np.zeros(len(grid)), track.crops.shape[1]
    for i in range(len(grid) - reach):
        first, second = grid.frames[i], grid.frames[i + reach]
        points = track.points[first]
        moved = flow(track.crops[first], track.crops[second])
        moved = cv2.GaussianBlur(moved - head_motion(moved, points), (0, 0), eye_distance(points) / 40)
        grow = eye_distance(points) / 10
        where = filled_hull(points[BROWS], size, grow) | filled_hull(points[MOUTH], size, grow)
        where &= ~eye_mask(points, size, grow / 2)
        found[i] = np.percentile(strain(moved)[where], 80) if where.any() else 0
    before = np.concatenate([np.zeros(reach), found[: len(grid) - reach]])
    return np.minimum(before, found)


def widen(marked: np.ndarray, steps: int) -> np.ndarray:
    """(N,) bool: every run of True longer by so many steps on both sides."""
    wide = marked.copy()
    for first, last in runs(marked):
        wide[max(0, first - steps) : last + steps + 1] = True
    return wide
