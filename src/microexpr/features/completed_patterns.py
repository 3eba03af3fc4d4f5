"""Counts of local patterns of sign, magnitude and orientation on three orthogonal planes.

Huang, Zhao, Hong, Zheng, Pietikainen: Spontaneous Facial Micro-expression Analysis using Spatiotemporal Completed Local
Quantized Patterns, Neurocomputing 175, 2016. The code books, which quantize the patterns, are learned by the transform
`code-book`. Sign and magnitude are those of Guo, Zhang, Zhang: A Completed Modeling of Local Binary Pattern Operator
for Texture Classification, IEEE TIP 19(6), 2010.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from ._neighbors import block_histograms, inner_size
from .base import FEATURES, Change, Feature, blocks

COMPONENTS = ("sign", "magnitude", "orientation")
PLANES = (("x", "y"), ("x", "t"), ("y", "t"))
AXES = {"t": 0, "y": 1, "x": 2}


@FEATURES.register("completed-patterns")
@dataclass(frozen=True)
class CompletedPatterns(Feature):
    """How many voxels of each block have each pattern, for each plane (XY, XT, YT) and each of three components.

    A pattern has a bit for each neighbor. Sign: the neighbor is not darker than the voxel. Magnitude: the difference of
    their gray levels is at least its mean over clip, plane and neighbors. Orientation: the angle between their
    gradients in the plane is at least its mean.

    A code book that is learned later assigns each pattern to a word, so that counts of patterns hold all that
    histograms of words need. The paper was at hand as an abstract only: neighbors on a circle, read at the nearest
    voxel, and the definition of the orientation's bit are our choices.

    Args:
        grid: number of blocks down and across; a block lasts the whole clip.
        neighbors: number of neighbors, 2 to 8, on a circle in each plane (on an ellipse where the radii differ).
        radii: (R_X, R_Y, R_T), in pixels, pixels and frames.
    """

    grid: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (5, 5)
    neighbors: Annotated[int, Field(ge=2, le=8)] = 8
    radii: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (3, 3, 3)

    invariant_to: ClassVar[tuple[Change, ...]] = ("brightness", "contrast")

    @property
    def frames(self) -> int:
        """Twice the radius in time, plus one."""
        return 2 * self.radii[2] + 1

    @property
    def length(self) -> int:
        """Blocks x 3 planes x 3 components x number of patterns."""
        return math.prod(self.grid) * len(PLANES) * len(COMPONENTS) * 2**self.neighbors

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Count the patterns in the order block, plane, component, pattern.

        Raises:
            RecipeError: the images are too small for the radii.
        """
        height, width = inner_size(self.name, array, self.radii)
        regions = list(blocks(height, width, self.grid))
        counts = [block_histograms(codes, regions, 2**self.neighbors) for codes in self.codes(array)]
        return np.stack(counts, axis=1).ravel()

    def codes(self, array: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the patterns of each plane and component, (T - 2 R_T, H - 2 R_Y, W - 2 R_X) uint8, a bit a neighbor."""
        gray = array.astype(np.int16)
        center = self._shifted(gray, (0, 0, 0))
        for plane in range(len(PLANES)):
            offsets = [self.offset(plane, p) for p in range(self.neighbors)]
            differences = [self._shifted(gray, offset) - center for offset in offsets]
            yield _packed([difference >= 0 for difference in differences])
            sizes = [np.abs(difference) for difference in differences]
            yield _packed(_at_least_mean(sizes))
            angles = self._angles(gray, plane)
            own = self._shifted(angles, (0, 0, 0))
            yield _packed(_at_least_mean([_between(self._shifted(angles, offset), own) for offset in offsets]))

    def offset(self, plane: int, p: int) -> tuple[int, int, int]:
        """(dt, dy, dx) of neighbor p: the voxel nearest to its place on the circle of a plane."""
        reach = dict(zip("xyt", self.radii, strict=True))
        turn = 2 * math.pi * p / self.neighbors
        first, second = PLANES[plane]
        found = [0, 0, 0]
        found[AXES[first]] = round(reach[first] * math.cos(turn))
        found[AXES[second]] = round(-reach[second] * math.sin(turn))
        return found[0], found[1], found[2]

    def _angles(self, gray: np.ndarray, plane: int) -> np.ndarray:
        """(T, H, W) direction of the gradient in a plane, in 256ths of a turn, uint8; 0 where there is no gradient."""
        first, second = (_gradient(gray, AXES[axis]) for axis in PLANES[plane])
        turns = np.arctan2(second.astype(np.float32), first.astype(np.float32)) / (2 * np.pi)
        return np.round(turns * 256).astype(np.int16).astype(np.uint8)

    def _shifted(self, array: np.ndarray, offset: tuple[int, int, int]) -> np.ndarray:
        """The inner voxels, shifted by steps (dt, dy, dx)."""
        across, down, along = self.radii
        inner = (
            slice(r + o, size - r + o) for r, o, size in zip((along, down, across), offset, array.shape, strict=True)
        )
        return array[tuple(inner)]


def _gradient(gray: np.ndarray, axis: int) -> np.ndarray:
    """Twice the central difference along an axis, int16; one-sided at the border."""
    padded = np.concatenate([gray.take([0], axis), gray, gray.take([-1], axis)], axis=axis)
    size = gray.shape[axis]
    return padded.take(range(2, size + 2), axis) - padded.take(range(size), axis)


def _between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angle between directions in 256ths of a turn, 0 to 128, int16."""
    apart = np.abs(first.astype(np.int16) - second)
    return np.minimum(apart, 256 - apart)


def _at_least_mean(values: list[np.ndarray]) -> list[np.ndarray]:
    """Where whole numbers reach the mean of them all; exact, so that a change of contrast changes nothing."""
    total, count = sum(int(value.sum(dtype=np.int64)) for value in values), sum(value.size for value in values)
    least = -(-total // count)  # the smallest whole number that is not below the mean
    return [value >= least for value in values]


def _packed(bits: list[np.ndarray]) -> np.ndarray:
    codes = np.zeros(bits[0].shape, np.uint8)
    for p, bit in enumerate(bits):
        codes |= bit.view(np.uint8) << np.uint8(p)
    return codes
