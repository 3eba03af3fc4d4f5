"""Main directional mean optical flow (MDMO).

Liu, Zhang, Yan, Wang, Zhao, Fu: A Main Directional Mean Optical Flow Feature for Spontaneous Micro-Expression
Recognition, IEEE Transactions on Affective Computing 7(4), 2016.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ..core.errors import RecipeError
from ._face_regions import REGIONS, region_pixels
from ._main_direction import Components, arranged, main_vectors
from .base import FEATURES, Change, FaceFeature

RIGID = (*range(27, 36), 36, 39, 42, 45)
"""Thirteen landmarks that expressions move little: of the nose, and the corners of the eyes."""


@FEATURES.register("mdmo")
@dataclass(frozen=True)
class MDMO(FaceFeature):
    """The mean motion in the main direction of 36 regions of the face: 36 lengths and 36 angles.

    Of each region and each flow from the first frame, the vectors in the fullest of the bins of directions are
    averaged; these mean vectors are averaged over the flows, and the longest of the 36 gets the length 1. Before, the
    motion of the head is removed: an affine map that fits the motion of 13 landmarks which expressions move little.

    The regions and the 13 points of the paper are in a figure that was not at hand: the ones here are described in
    `_face_regions.py` and in `RIGID`. How lengths weigh against angles in the classifier is a setting; the default
    treats both alike.

    Args:
        bins: even number of bins of the full turn, centered on 0, 45, ... degrees for 8.
        alignment: `flow` takes the motion of the 13 points from the flow itself, `landmarks` from the landmarks of
            every frame (set `frames = "all"` in the step `landmarks`), which adds their noise; `none` leaves the head's
            motion in.
        components: `polar`, all lengths and then all angles in radians, as in the paper, which jump between -pi and
            pi, or `cartesian`, all x and then all y.
        weight: of the lengths, 0 to 1, for `polar`; the angles have the weight 1 - weight.
    """

    bins: Annotated[int, Field(ge=2, multiple_of=2)] = 8
    alignment: Literal["flow", "landmarks", "none"] = "flow"
    components: Components = "polar"
    weight: Annotated[float, Field(ge=0, le=1)] = 0.5

    reads: ClassVar[str] = "image"
    flows: ClassVar[bool] = True
    invariant_to: ClassVar[tuple[Change, ...]] = ("length of motion", "shift of motion", "turn of motion")
    length: ClassVar[int] = 2 * len(REGIONS)

    def compute_at(self, array: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Compute the values of the regions of the person's right half, then those of the left half.

        Raises:
            RecipeError: `alignment = "landmarks"` without the landmarks of every frame.
        """
        height, width = array.shape[1:3]
        rows, columns, numbers = region_pixels(landmarks[0], height, width)
        anchors = self._anchors(landmarks[0], height, width)
        fit = np.linalg.pinv(_design(anchors, anchors))
        places = _design(anchors, np.stack([columns, rows], axis=1)).astype(np.float32)
        pixels = rows * width + columns
        total = np.zeros((len(REGIONS), 2))
        for t, flow in enumerate(array):
            u, v = (np.ascontiguousarray(flow[..., i]).ravel().take(pixels) for i in (0, 1))
            if self.alignment != "none":
                head = (fit @ self._motion_of_anchors(flow, landmarks, t, anchors)).astype(np.float32)
                u -= places @ head[:, 0]
                v -= places @ head[:, 1]
            total += main_vectors(u, v, numbers, len(REGIONS), self.bins)
        return arranged(total / len(array), self.components, self.weight)

    def _anchors(self, landmarks: np.ndarray, height: int, width: int) -> np.ndarray:
        """(13, 2) x and y of the points whose motion is that of the head; whole pixels where the flow is read there."""
        points = landmarks[list(RIGID)]
        return np.clip(np.round(points), 0, (width - 1, height - 1)) if self.alignment == "flow" else points

    def _motion_of_anchors(self, flow: np.ndarray, landmarks: np.ndarray, t: int, anchors: np.ndarray) -> np.ndarray:
        if self.alignment == "flow":
            columns, rows = anchors.astype(int).T
            return flow[rows, columns, :2].astype(np.float64)
        if t >= len(landmarks):
            raise RecipeError(
                f"feature 'mdmo': alignment = 'landmarks' needs the landmarks of every frame, not of {len(landmarks)}; "
                "set frames = 'all' in the step 'landmarks' and mode = 'sequence' in the step 'flow'"
            )
        return landmarks[t, list(RIGID)] - landmarks[0, list(RIGID)]


def _design(points: np.ndarray, where: np.ndarray) -> np.ndarray:
    """(n, 3) x, y and 1 of places (n, 2), x and y from the center of the points, where the map is best known."""
    return np.column_stack([where - points.mean(axis=0), np.ones(len(where))])
