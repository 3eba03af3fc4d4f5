"""Local binary patterns of images.

Ojala, Pietikainen, Maenpaa: Multiresolution Gray-Scale and Rotation Invariant Texture Classification with Local Binary
Patterns, IEEE TPAMI 24(7), 2002. Block histograms as in Ahonen, Hadid, Pietikainen (face description, 2006).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from skimage.feature import local_binary_pattern

from ..core.errors import RecipeError
from .base import FEATURES, Change, Feature, blocks


@FEATURES.register("lbp")
@dataclass(frozen=True)
class LBP(Feature):
    """Histograms of LBP codes of each block, over all frames; each sums to 1.

    Args:
        grid: number of blocks down and across.
        neighbors: number of neighbors P on a circle, 2 to 16, interpolated bilinearly.
        radius: radius R of the circle in pixels.
        uniform: whether only patterns with at most two changes have their own bins; all others fall into a single one.
    """

    grid: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (5, 5)
    neighbors: Annotated[int, Field(ge=2, le=16)] = 8
    radius: Annotated[int, Field(ge=1)] = 1
    uniform: bool = True

    invariant_to: ClassVar[tuple[Change, ...]] = ("brightness", "contrast")

    @property
    def bins(self) -> int:
        """Number of bins: P (P - 1) + 3 with uniform patterns, otherwise 2^P."""
        return self.neighbors * (self.neighbors - 1) + 3 if self.uniform else 2**self.neighbors

    @property
    def length(self) -> int:
        """Number of blocks x number of bins."""
        return math.prod(self.grid) * self.bins

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Compute the histograms of the blocks; pixels nearer to the border than the radius have no code.

        Raises:
            RecipeError: the images are too small for the radius.
        """
        edge, method = self.radius, "nri_uniform" if self.uniform else "default"
        if min(array.shape[1:]) <= 2 * edge:
            raise RecipeError(f"lbp: images of {array.shape[1:]} are too small for radius {edge}; use larger images")
        codes = np.stack([local_binary_pattern(frame, self.neighbors, edge, method) for frame in array])
        codes = codes[:, edge:-edge, edge:-edge].astype(np.int64)
        regions = blocks(codes.shape[1], codes.shape[2], self.grid)
        counts = [np.bincount(codes[:, rows, columns].ravel(), minlength=self.bins) for rows, columns in regions]
        return np.concatenate([count / count.sum() for count in counts])
