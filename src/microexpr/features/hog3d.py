"""Histograms of 3-D gradients.

Klaeser, Marszalek, Schmid: A Spatio-Temporal Descriptor Based on 3D-Gradients, BMVC 2008: mean gradients of boxes from
integral volumes, projected on the 20 face normals of an icosahedron.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from ..core.errors import RecipeError
from .base import FEATURES, Change, Feature

CLIP_VALUE = 0.25
"""The normalized descriptor is clipped at this value and normalized again (Klaeser 2008, after Lowe 2004)."""


@FEATURES.register("hog3d")
@dataclass(frozen=True)
class HOG3D(Feature):
    """Histograms of the cells of a clip, each the sum of the quantized mean gradients of its boxes; L2-normalized.

    Args:
        cells: number of cells down, across and in time.
        boxes: number of boxes of a cell in each direction.
        opposite: whether opposite gradients fall into the same bin (10 bins instead of 20).
    """

    cells: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (4, 4, 3)
    boxes: Annotated[int, Field(ge=1)] = 3
    opposite: bool = False

    invariant_to: ClassVar[tuple[Change, ...]] = ("brightness", "contrast")

    @property
    def frames(self) -> int:
        """One frame for each box in time, and at least two."""
        return max(2, self.cells[2] * self.boxes)

    @property
    def length(self) -> int:
        """Number of cells x number of bins."""
        return math.prod(self.cells) * (10 if self.opposite else 20)

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Compute the histograms of the cells in the order down, across, in time.

        Raises:
            RecipeError: the clip is too small for its boxes.
        """
        down, across, along = self.cells
        counts = (along * self.boxes, down * self.boxes, across * self.boxes)
        if any(size < n for size, n in zip(array.shape, counts, strict=True)):
            raise RecipeError(f"hog3d: a clip of {array.shape} is too small for {counts} boxes")
        volume = array.astype(np.float32)
        gt, gy, gx = (box_means(np.asarray(g), counts) for g in np.gradient(volume))
        votes = quantized(np.stack([gx, gy, gt], axis=-1), self.opposite)
        b = self.boxes
        cells = votes.reshape(along, b, down, b, across, b, -1).sum(axis=(1, 3, 5))
        values = cells.transpose(1, 2, 0, 3).ravel()
        values = np.minimum(values / max(float(np.linalg.norm(values)), 1e-9), CLIP_VALUE)
        return values / max(float(np.linalg.norm(values)), 1e-9)


def box_means(volume: np.ndarray, counts: tuple[int, int, int]) -> np.ndarray:
    """Mean of each of `counts` boxes of a volume (T, H, W), from its integral volume."""
    total = np.pad(volume.astype(np.float64), ((1, 0), (1, 0), (1, 0))).cumsum(0).cumsum(1).cumsum(2)
    edges = [np.linspace(0, size, n + 1).round().astype(int) for size, n in zip(volume.shape, counts, strict=True)]
    corners = total[np.ix_(*edges)]
    sums = np.diff(np.diff(np.diff(corners, axis=0), axis=1), axis=2)
    sizes = np.einsum("i,j,k->ijk", *(np.diff(edge) for edge in edges))
    return sums / sizes


def quantized(gradients: np.ndarray, opposite: bool) -> np.ndarray:
    """Histogram votes (..., 20 or 10) of gradients (..., 3).

    Klaeser 2008, section 2.2: q = P g / |g|, less the threshold t = the projection of one face normal on its
    neighbor's; negative values are dropped, and the rest is scaled to the gradient's length.
    """
    axes = icosahedron_axes()
    if opposite:
        axes = axes[:10]
    length = np.linalg.norm(gradients, axis=-1, keepdims=True)
    projections = gradients / np.maximum(length, 1e-12) @ axes.T
    if opposite:
        projections = np.abs(projections)
    votes = np.maximum(projections - NEIGHBOR_COSINE, 0)
    return votes / np.maximum(np.linalg.norm(votes, axis=-1, keepdims=True), 1e-12) * length


NEIGHBOR_COSINE = math.sqrt(5) / 3
"""Cosine of the angle between two neighboring face normals of an icosahedron, 41.8 degrees."""


@cache
def icosahedron_axes() -> np.ndarray:
    """(20, 3) unit normals of the faces (the corners of a dodecahedron); the last ten are opposite to the first."""
    golden = (1 + math.sqrt(5)) / 2
    half: list[tuple[float, float, float]] = [(1, 1, 1), (1, 1, -1), (1, -1, 1), (1, -1, -1)]
    half += [(0, 1 / golden, golden), (0, -1 / golden, golden), (1 / golden, golden, 0), (-1 / golden, golden, 0)]
    half += [(golden, 0, 1 / golden), (golden, 0, -1 / golden)]
    axes = np.array([*half, *(tuple(-x for x in axis) for axis in half)], float)
    return axes / np.sqrt(3)
