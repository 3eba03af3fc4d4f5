"""Local binary patterns on three orthogonal planes.

Zhao, Pietikainen: Dynamic Texture Recognition Using Local Binary Patterns with an Application to Facial Expressions,
IEEE TPAMI 29(6), 2007. The baseline of CASME II uses 5x5 blocks, 4 neighbors, radii 1, 1 and 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar

import cv2
import numpy as np
from pydantic import Field

from ..core.errors import RecipeError
from .base import FEATURES, Change, Feature, blocks

PLANES = ("XY", "XT", "YT")
CHUNK = 4
"""Number of frames computed at once: few enough to stay in the processor's cache."""


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
        height, width = array.shape[1] - 2 * down, array.shape[2] - 2 * across
        if height < 1 or width < 1:
            raise RecipeError(f"lbp-top: images of {array.shape[1:]} are too small for radii {self.radii}")
        regions = list(blocks(height, width, self.grid, self.overlap))
        bins = bins_of(self.neighbors, self.uniform)
        size = 2**self.neighbors
        counts = np.zeros((len(regions), len(PLANES), size))
        for start in range(along, len(array) - along, CHUNK):
            stop = min(start + CHUNK, len(array) - along)
            for plane in range(len(PLANES)):
                codes = self._codes(array, plane, start, stop)
                for i, (rows, columns) in enumerate(regions):
                    block = np.ascontiguousarray(codes[:, rows, columns]).reshape(1, -1)
                    counts[i, plane] += cv2.calcHist([block], [0], None, [size], [0, size])[:, 0]
        merged = counts @ np.eye(bins.max() + 1)[bins]
        return (merged / merged.sum(axis=2, keepdims=True)).ravel()

    def _codes(self, array: np.ndarray, plane: int, start: int, stop: int) -> np.ndarray:
        """LBP codes (frames, H - 2 R_Y, W - 2 R_X) uint8 of frames start to stop in one plane."""
        center = self._shifted(array, (0, 0, 0), start, stop)
        codes = np.zeros(center.shape, np.uint8)
        for p in range(self.neighbors):
            offset = self.offset(plane, p)
            whole = tuple(round(o) for o in offset)
            if self.rounded or max(abs(o - w) for o, w in zip(offset, whole, strict=True)) < 1e-9:
                larger = self._shifted(array, whole, start, stop) >= center
            else:
                larger = self._interpolated(array, offset, start, stop) >= center - TOLERANCE
            codes |= larger.view(np.uint8) << np.uint8(p)
        return codes

    def offset(self, plane: int, p: int) -> tuple[float, float, float]:
        """(dt, dy, dx) of neighbor p: (R_X cos, -R_Y sin) on XY, (R_X cos, -R_T sin) on XT, (R_Y .., R_T ..) on YT."""
        across, down, along = self.radii
        c, s = math.cos(2 * math.pi * p / self.neighbors), math.sin(2 * math.pi * p / self.neighbors)
        return ((0.0, -down * s, across * c), (-along * s, 0.0, across * c), (-along * s, down * c, 0.0))[plane]

    def _shifted(self, array: np.ndarray, offset: tuple[int, ...], start: int, stop: int) -> np.ndarray:
        """The inner voxels of frames start to stop, shifted by integer steps (dt, dy, dx)."""
        (dt, dy, dx), (across, down, _) = offset, self.radii
        rows, columns = slice(down + dy, array.shape[1] - down + dy), slice(across + dx, array.shape[2] - across + dx)
        return array[start + dt : stop + dt, rows, columns]

    def _interpolated(self, array: np.ndarray, offset: tuple[float, ...], start: int, stop: int) -> np.ndarray:
        """The inner voxels shifted by fractions of voxels, interpolated linearly in each direction."""
        below = [math.floor(o + 1e-9) for o in offset]
        parts = [o - b for o, b in zip(offset, below, strict=True)]
        total: np.ndarray | float = 0.0
        for corner in np.ndindex(2, 2, 2):
            weight = math.prod(part if c else 1 - part for c, part in zip(corner, parts, strict=True))
            if weight > 1e-9:
                shift = tuple(b + c for b, c in zip(below, corner, strict=True))
                total = total + np.float32(weight) * self._shifted(array, shift, start, stop)
        return np.asarray(total)


TOLERANCE = np.float32(1e-3)
"""Neighbors that are smaller by rounding errors of the interpolation in float32 still count as equal."""


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
