"""Histograms of gradients in cubes of a face.

Polikovsky, Kameda, Ohta: Facial Micro-Expressions Recognition Using High Speed Camera and 3D-Gradient Descriptor,
ICDP 2009. A descriptor of regions of the face, unlike that of Klaeser et al. (`hog3d`), which covers a clip evenly. The
paper tells phases of a movement apart by k-means; here the histograms of a clip are joined, for any recognizer.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from ._gradients import AXES, Bins, differences, plane_histograms
from .base import FEATURES, Change, FaceFeature

RIGHT_EYE, LEFT_EYE = range(36, 42), range(42, 48)

REGIONS: dict[str, tuple[tuple[int, ...], float]] = {
    "forehead": (tuple(range(17, 27)), -0.4),
    "right brow": (tuple(range(17, 22)), 0.0),
    "left brow": (tuple(range(22, 27)), 0.0),
    "between the brows": ((21, 22), 0.0),
    "right eye": (tuple(RIGHT_EYE), 0.0),
    "left eye": (tuple(LEFT_EYE), 0.0),
    "right cheek": (tuple(RIGHT_EYE), 0.4),
    "left cheek": (tuple(LEFT_EYE), 0.4),
    "nose": (tuple(range(30, 36)), 0.0),
    "right corner": ((48,), 0.0),
    "left corner": ((54,), 0.0),
    "chin": ((8, 57), 0.0),
}
"""Cube -> landmarks whose mean is its center, and how far below them it is, in distances of the eyes."""


@FEATURES.register("face-cubes")
@dataclass(frozen=True)
class FaceCubes(FaceFeature):
    """In 12 cubes of the face, histograms of gradient directions on the planes XY, XT and YT; each sums to 1.

    The cubes lie at landmarks (of the first frame, or the mean of all), upright in the image. Their exact places and
    size, the parts in time and the weighting are ours. A cube outside of the image, or of one gray level, is 0.

    Args:
        bins: number of bins on XY, XT and YT.
        size: side of a cube, as a fraction of the distance between the centers of the eyes.
        parts: number of parts in time, each with its own histograms; three are the phases of the paper: a movement
            begins, holds and ends. In one, what moves up and later down again would be added.
        weighted: whether a gradient counts as much as it is long; otherwise each counts once.
        signed: whether the bins share a full turn; otherwise half a turn: light on dark is dark on light.
    """

    bins: tuple[Bins, Bins, Bins] = (8, 12, 12)
    size: Annotated[float, Field(gt=0, le=2)] = 0.4
    parts: Annotated[int, Field(ge=1)] = 3
    weighted: bool = True
    signed: bool = False

    invariant_to: ClassVar[tuple[Change, ...]] = ("brightness", "contrast")

    @property
    def frames(self) -> int:
        """One frame for each part, and two more."""
        return self.parts + 2

    @property
    def length(self) -> int:
        """12 cubes x number of parts x sum of the bins."""
        return len(REGIONS) * self.parts * sum(self.bins)

    def compute_at(self, array: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Compute the histograms cube by cube; in each, plane by plane, and part by part in time."""
        edges = np.linspace(0, len(array) - 2, self.parts + 1).round().astype(int)
        times = [slice(start, stop) for start, stop in itertools.pairwise(edges)]
        cubes = (self._cube(array, corner) for corner in self.corners(landmarks.mean(axis=0)))
        return np.concatenate([self._histograms(cube, times) for cube in cubes], axis=None)

    def corners(self, points: np.ndarray) -> np.ndarray:
        """(12, 2, 2) smallest and largest x and y of each cube, in pixels, from landmarks (68, 2)."""
        right, left = points[list(RIGHT_EYE)].mean(axis=0), points[list(LEFT_EYE)].mean(axis=0)
        across = left - right
        down = np.array([-across[1], across[0]])  # as long as the distance of the eyes
        centers = np.stack([points[list(own)].mean(axis=0) + below * down for own, below in REGIONS.values()])
        half = self.size * np.hypot(*across) / 2
        return np.stack([centers - half, centers + half], axis=1)

    def _cube(self, array: np.ndarray, corner: np.ndarray) -> np.ndarray:
        """The gray levels (T, H, W) of a cube and of one pixel around it, as far as they are in the image."""
        (x0, y0), (x1, y1) = np.rint(corner).astype(int)
        return array[:, max(y0 - 1, 0) : max(y1 + 1, 0), max(x0 - 1, 0) : max(x1 + 1, 0)]

    def _histograms(self, cube: np.ndarray, times: list[slice]) -> np.ndarray:
        if min(cube.shape[1:]) < 3:
            return np.zeros(self.parts * sum(self.bins))
        along = [differences(cube, axis) for axis in range(3)]
        regions = [(time, slice(None), slice(None)) for time in times]
        planes = [
            plane_histograms((along[one], along[two]), regions, bins, self.signed, self.weighted)
            for (one, two), bins in zip(AXES.values(), self.bins, strict=True)
        ]
        return np.concatenate(planes, axis=None)
