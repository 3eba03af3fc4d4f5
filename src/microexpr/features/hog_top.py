"""Histograms of gradient directions on three orthogonal planes: HOG-TOP and HIGO-TOP.

Li, Hong, Moilanen, Huang, Pfister, Zhao, Pietikainen: Towards Reading Hidden Emotions: A Comparative Study of
Spontaneous Micro-Expression Spotting and Recognition Methods, IEEE Transactions on Affective Computing 9(4), 2018
(online 2017). HOG is of Dalal, Triggs: Histograms of Oriented Gradients for Human Detection, CVPR 2005.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from ..core.errors import RecipeError
from ._gradients import AXES, Bins, Plane, differences, plane_histograms
from .base import FEATURES, Change, Feature, blocks


@FEATURES.register("hog-top")
@dataclass(frozen=True)
class HOGTOP(Feature):
    """Histograms of the directions of gradients in blocks, on up to three planes; each sums to 1, or is 0 if flat.

    HOG weights a gradient by its length, HIGO (histogram of image gradient orientation) counts each once, so that
    illumination counts less. All three planes are HOG-TOP and HIGO-TOP, `["XT", "YT"]` are HOG-XYOT and HIGO-XYOT, and
    `["XY"]` are HOG and HIGO. A gradient is the difference of the two neighbors.

    Args:
        planes: planes whose histograms are joined, in this order.
        bins: number of bins of the direction, the first centered on the first axis of the plane.
        grid: number of blocks down, across and in time.
        weighted: whether a gradient counts as much as it is long (HOG); otherwise each counts once (HIGO).
        signed: whether the bins share a full turn; otherwise half a turn, as is usual for HOG: light on dark and dark
            on light are the same.
    """

    planes: Annotated[tuple[Plane, ...], Field(min_length=1)] = ("XY", "XT", "YT")
    bins: Bins = 8
    grid: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (8, 8, 2)
    weighted: bool = True
    signed: bool = False

    invariant_to: ClassVar[tuple[Change, ...]] = ("brightness", "contrast")

    @property
    def frames(self) -> int:
        """One frame for each block in time, and two more where a plane has time."""
        return self.grid[2] + (0 if self._still else 2)

    @property
    def length(self) -> int:
        """Number of planes x number of blocks x number of bins."""
        return len(self.planes) * math.prod(self.grid) * self.bins

    @property
    def _still(self) -> bool:
        return set(self.planes) == {"XY"}

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Compute the histograms plane by plane; in each, part by part in time, and row by row.

        Raises:
            RecipeError: the images are too small for the blocks.
        """
        height, width = array.shape[1] - 2, array.shape[2] - 2
        if min(height, width) < 1:
            raise RecipeError(f"hog-top: images of {array.shape[1:]} have no inner pixel; use larger ones")
        gray = np.pad(array, ((1, 1), (0, 0), (0, 0)), mode="edge") if self._still else array
        edges = np.linspace(0, len(gray) - 2, self.grid[2] + 1).round().astype(int)
        regions = [
            (slice(start, stop), *block)
            for start, stop in itertools.pairwise(edges)
            for block in blocks(height, width, self.grid[:2])
        ]
        along = {axis: differences(gray, axis) for axis in {axis for plane in self.planes for axis in AXES[plane]}}
        histograms = [
            plane_histograms((along[one], along[two]), regions, self.bins, self.signed, self.weighted)
            for one, two in (AXES[plane] for plane in self.planes)
        ]
        return np.concatenate(histograms, axis=None)
