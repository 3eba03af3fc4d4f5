"""Local binary patterns with six intersection points.

Wang, See, Phan, Oh: LBP with Six Intersection Points: Reducing Redundant Information in LBP-TOP for Micro-Expression
Recognition, ACCV 2014. The planes of LBP-TOP cut one another in three lines; on these lie six different neighbors,
of which LBP-TOP with four neighbors a plane reads each twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from ._neighbors import block_histograms, inner_size, neighbor_codes
from .base import FEATURES, Change, Feature, blocks

SPATIAL, TEMPORAL = 4, 2
"""Number of neighbors of a voxel in its own frame, and in other frames."""


@FEATURES.register("lbp-sip")
@dataclass(frozen=True)
class LBPSIP(Feature):
    """In each block, a histogram of 4 neighbors in the frame (16 bins) and one of 2 in time (4 bins); each sums to 1.

    Args:
        grid: number of blocks down and across; a block lasts the whole clip.
        radii: (R_X, R_Y, R_T), distances of the neighbors in pixels, pixels and frames.
        overlap: fraction of a block that the next one covers again, 0 to less than 1.
    """

    grid: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (5, 5)
    radii: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (1, 1, 4)
    overlap: Annotated[float, Field(ge=0, lt=1)] = 0.0

    invariant_to: ClassVar[tuple[Change, ...]] = ("brightness", "contrast")

    @property
    def frames(self) -> int:
        """Twice the radius in time, plus one."""
        return 2 * self.radii[2] + 1

    @property
    def length(self) -> int:
        """Number of blocks x 20."""
        return math.prod(self.grid) * (2**SPATIAL + 2**TEMPORAL)

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Compute the histograms block by block, that of the frame before that of time.

        Bits of the first code, from the lowest: right, up, left, down, as in LBP-TOP; of the second: before, after.

        Raises:
            RecipeError: the images are too small for the radii.
        """
        across, down, along = self.radii
        height, width = inner_size(self.name, array, self.radii)
        offsets = [(0, 0, across), (0, -down, 0), (0, 0, -across), (0, down, 0), (-along, 0, 0), (along, 0, 0)]
        (codes,) = neighbor_codes(array, (along, down, across), [offsets])
        counts = block_histograms(codes, blocks(height, width, self.grid, self.overlap), 2 ** (SPATIAL + TEMPORAL))
        both = counts.reshape(-1, 2**TEMPORAL, 2**SPATIAL)  # the bits of time are the upper ones
        histograms = np.concatenate([both.sum(axis=1), both.sum(axis=2)], axis=1)
        return (histograms / both.sum(axis=(1, 2))[:, None]).ravel()
