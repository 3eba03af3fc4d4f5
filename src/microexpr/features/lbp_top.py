"""Local binary patterns on three orthogonal planes.

Zhao, Pietikainen: Dynamic Texture Recognition Using Local Binary Patterns with an Application to Facial Expressions,
IEEE TPAMI 29(6), 2007. The baseline of CASME II uses 5x5 blocks, 4 neighbors, radii 1, 1 and 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from ._neighbors import Offset, block_histograms, inner_size, neighbor_codes
from .base import FEATURES, Change, Feature, blocks

PLANES = ("XY", "XT", "YT")


@FEATURES.register("lbp-top")
@dataclass(frozen=True)
class LBPTOP(Feature):
    """Histograms of LBP codes on the XY, XT and YT planes of each block; each histogram sums to 1.

    Args:
        grid: number of blocks down and across; a block lasts the whole clip.
        neighbors: number of neighbors P, 2 to 8, on a circle in each plane (on an ellipse where the radii differ).
        radii: (R_X, R_Y, R_T), in pixels, pixels and frames.
        uniform: whether only patterns with at most two changes have their own bins; all others fall into a single one.
        rounded: whether neighbors are read at the nearest pixel instead of interpolated bilinearly.
        overlap: fraction of a block that the next one covers again, 0 to less than 1.
    """

    grid: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (5, 5)
    neighbors: Annotated[int, Field(ge=2, le=8)] = 4
    radii: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (1, 1, 4)
    uniform: bool = False
    rounded: bool = False
    overlap: Annotated[float, Field(ge=0, lt=1)] = 0.0

    invariant_to: ClassVar[tuple[Change, ...]] = ("brightness", "contrast")

    @property
    def frames(self) -> int:
        """Twice the radius in time, plus one."""
        return 2 * self.radii[2] + 1

    @property
    def length(self) -> int:
        """Number of blocks x 3 planes x number of bins."""
        return math.prod(self.grid) * len(PLANES) * len(np.unique(bins_of(self.neighbors, self.uniform)))

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Compute the histograms block by block, and plane by plane in each.

        Raises:
            RecipeError: the images are too small for the radii.
        """
        across, down, along = self.radii
        height, width = inner_size(self.name, array, self.radii)
        regions = list(blocks(height, width, self.grid, self.overlap))
        codes = neighbor_codes(array, (along, down, across), [self.offsets(plane) for plane in range(len(PLANES))])
        counts = np.stack([block_histograms(own, regions, 2**self.neighbors) for own in codes], axis=1)
        bins = bins_of(self.neighbors, self.uniform)
        merged = counts @ np.eye(bins.max() + 1)[bins]
        return (merged / merged.sum(axis=2, keepdims=True)).ravel()

    def offsets(self, plane: int) -> list[Offset]:
        """Places (dt, dy, dx) of the neighbors in the plane 0 (XY), 1 (XT) or 2 (YT); whole numbers if `rounded`."""
        found = [self.offset(plane, p) for p in range(self.neighbors)]
        return [tuple(round(o, 0 if self.rounded else 9) for o in offset) for offset in found]  # type: ignore[misc]

    def offset(self, plane: int, p: int) -> Offset:
        """(dt, dy, dx) of neighbor p: (R_X cos, -R_Y sin) on XY, (R_X cos, -R_T sin) on XT, (R_Y .., R_T ..) on YT."""
        across, down, along = self.radii
        c, s = math.cos(2 * math.pi * p / self.neighbors), math.sin(2 * math.pi * p / self.neighbors)
        return ((0.0, -down * s, across * c), (-along * s, 0.0, across * c), (-along * s, down * c, 0.0))[plane]


@cache
def bins_of(neighbors: int, uniform: bool) -> np.ndarray:
    """(2^P,) index of the bin of each code.

    With `uniform`, there are P (P - 1) + 3 bins (59 for P = 8, 15 for P = 4); the last one has all other patterns.
    """
    codes = np.arange(2**neighbors)
    if not uniform:
        return codes
    turned = (codes >> 1) | ((codes & 1) << (neighbors - 1))
    changes = np.array([int(code).bit_count() for code in codes ^ turned])
    uniform_codes = np.flatnonzero(changes <= 2)
    bins = np.full(len(codes), len(uniform_codes))
    bins[uniform_codes] = np.arange(len(uniform_codes))
    return bins
