"""Voxels of a clip compared with their neighbors: codes of local binary patterns, and their histograms in blocks.

A slab of rows is one contiguous array, in which a neighbor at (dt, dy, dx) lies at a constant distance. A comparison of
all voxels is then one operation on two parts of that array; codes of voxels at the border are computed too, and left
out. Descriptors whose patterns share neighbors compare each of them once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cached_property

import cv2
import numpy as np

from ..core.errors import RecipeError

Offset = tuple[float, float, float]
"""Place of a neighbor (dt, dy, dx) in frames and pixels; along two axes at most, fractions are interpolated."""

SLAB = 2**18
"""Number of voxels that are compared at once: enough that calls cost little, few enough for the processor's cache."""

TOLERANCE = np.float32(1e-3)
"""Neighbors that are smaller by rounding errors of the interpolation in float32 still count as equal."""

WHOLE = 1e-9
"""Distance to a whole number below which an offset is one."""


def inner_size(name: str, array: np.ndarray, radii: tuple[int, int, int]) -> tuple[int, int]:
    """Height and width of the voxels of a clip whose neighbors all lie in it.

    Args:
        name: of the descriptor, for the error.
        array: (T, H, W).
        radii: (R_X, R_Y, R_T), in pixels, pixels and frames.

    Raises:
        RecipeError: there is none, because the images are too small.
    """
    across, down, _ = radii
    height, width = array.shape[1] - 2 * down, array.shape[2] - 2 * across
    if height < 1 or width < 1:
        raise RecipeError(f"{name}: images of {array.shape[1:]} are too small for radii {radii}; use larger images")
    return height, width


class Slab:
    """Some rows of a clip.

    Args:
        gray: (T, H, W) uint8.
        reach: largest distance (dt, dy, dx) of a neighbor, in frames and pixels.
    """

    def __init__(self, gray: np.ndarray, reach: tuple[int, int, int]) -> None:
        self.shape, self.reach = gray.shape, reach
        self.steps = (gray.shape[1] * gray.shape[2], gray.shape[2], 1)
        self.values = np.ascontiguousarray(gray).ravel()
        self.margin = sum(r * step for r, step in zip(reach, self.steps, strict=True))
        self._known: dict[Offset, np.ndarray] = {}
        self._lines: dict[tuple[int, float], np.ndarray] = {}

    def codes(self, offsets: Sequence[Offset]) -> np.ndarray:
        """(T, H, W) uint8 less the reach on every side: bit p is 1 where neighbor p is not smaller; 8 at most."""
        codes = np.zeros(len(self.values), np.uint8)
        inner = self._shifted(codes, 0)
        for offset in reversed(offsets):
            np.add(inner, inner, out=inner)
            np.add(inner, self._not_smaller(offset), out=inner)
        inside = tuple(slice(r, size - r) for r, size in zip(self.reach, self.shape, strict=True))
        return codes.reshape(self.shape)[inside]

    def _not_smaller(self, offset: Offset) -> np.ndarray:
        if offset not in self._known:
            below = [math.floor(o + WHOLE) for o in offset]
            shift = sum(b * step for b, step in zip(below, self.steps, strict=True))
            parts = {axis: o - b for axis, (o, b) in enumerate(zip(offset, below, strict=True)) if o - b > WHOLE}
            if parts:
                larger = self._interpolated(shift, parts) >= self._shifted(self._lowered, 0)
            else:
                larger = self._shifted(self.values, shift) >= self._shifted(self.values, 0)
            self._known[offset] = larger.view(np.uint8)
        return self._known[offset]

    def _shifted(self, array: np.ndarray, shift: int) -> np.ndarray:
        return array[self.margin + shift : len(self.values) - self.margin + shift]

    @cached_property
    def _gray(self) -> np.ndarray:
        return self.values.astype(np.float32)

    @cached_property
    def _lowered(self) -> np.ndarray:
        return self._gray - TOLERANCE

    def _interpolated(self, shift: int, parts: dict[int, float]) -> np.ndarray:
        """Neighbors at a shift and at fractions of a step along one or two axes."""
        *other, axis = parts
        line = self._line(axis, parts[axis])
        if not other:
            return self._shifted(line, shift)
        part, step = parts[other[0]], self.steps[other[0]]
        return _mixed(self._shifted(line, shift), self._shifted(line, shift + step), part)

    def _line(self, axis: int, part: float) -> np.ndarray:
        """Gray levels between each voxel and the next one along an axis; the planes share them."""
        key = axis, round(part, 9)
        if key not in self._lines:
            step = self.steps[axis]
            self._lines[key] = _mixed(self._gray[:-step], self._gray[step:], part)
        return self._lines[key]


def _mixed(one: np.ndarray, two: np.ndarray, part: float) -> np.ndarray:
    return cv2.addWeighted(one, 1 - part, two, part, 0).ravel()


def neighbor_codes(gray: np.ndarray, reach: tuple[int, int, int], patterns: Sequence[Sequence[Offset]]) -> np.ndarray:
    """Compute the codes of several patterns of neighbors.

    Args:
        gray: (T, H, W) uint8.
        reach: largest distance (dt, dy, dx) of a neighbor; voxels nearer to the border have no code.
        patterns: for each, the places of its neighbors, 8 at most.

    Returns:
        (patterns, T - 2 dt, H - 2 dy, W - 2 dx) uint8; bit p is 1 where neighbor p is not smaller than the voxel.
    """
    frames, height, width = (size - 2 * r for size, r in zip(gray.shape, reach, strict=True))
    codes = np.empty((len(patterns), frames, height, width), np.uint8)
    rows = max(1, SLAB // (gray.shape[0] * gray.shape[2]))
    for start in range(0, height, rows):
        slab = Slab(gray[:, start : start + rows + 2 * reach[1]], reach)
        for own, offsets in zip(codes, patterns, strict=True):
            own[:, start : start + rows] = slab.codes(offsets)
    return codes


def block_histograms(codes: np.ndarray, regions: Iterable[tuple[slice, slice]], size: int) -> np.ndarray:
    """(regions, size) number of voxels of each code in regions of rows and columns, over all frames.

    Args:
        codes: (T, H, W) uint8.
        regions: rows and columns.
        size: number of codes.
    """
    counts = [
        cv2.calcHist([np.ascontiguousarray(codes[:, rows, columns]).reshape(1, -1)], [0], None, [size], [0, size])
        for rows, columns in regions
    ]
    return np.stack(counts)[..., 0].astype(np.float64)
