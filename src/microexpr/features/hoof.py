"""Histogram of oriented optical flow.

Chaudhry, Ravichandran, Hager, Vidal: Histograms of Oriented Optical Flow and Binet-Cauchy Kernels on Nonlinear
Dynamical Systems for the Recognition of Human Actions, CVPR 2009.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from .base import FEATURES, Change, Feature, blocks


@FEATURES.register("hoof")
@dataclass(frozen=True)
class HOOF(Feature):
    """Histograms of the directions of a flow in blocks, weighted by its length; each sums to 1, or is 0 without motion.

    Args:
        bins: number of bins of the angle.
        grid: number of blocks down and across.
        folded: whether a motion and its mirror image (left and right) fall into the same bin, as in the paper.
        normalize: `block` brings the sum of each block to 1, as in the paper; `image` that of all blocks together, so
            that blocks with more motion count for more.
        interpolate: share each motion between the two nearest bins, so that a small turn changes little.
        square_root: take the square root of each value, so that a Euclidean distance is that of Hellinger.
    """

    bins: Annotated[int, Field(ge=1)] = 8
    grid: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (5, 5)
    folded: bool = True
    normalize: Literal["block", "image"] = "block"
    interpolate: bool = False
    square_root: bool = False

    reads: ClassVar[str] = "image"
    invariant_to: ClassVar[tuple[Change, ...]] = ("length of motion",)

    @property
    def length(self) -> int:
        """Number of blocks x number of bins."""
        return math.prod(self.grid) * self.bins

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Compute the histograms of the blocks, row by row."""
        u, v = array[..., 0].astype(np.float64), array[..., 1].astype(np.float64)
        length = np.hypot(u, v)
        parts = self._bins(np.arctan2(v, np.abs(u) if self.folded else u))
        histograms = np.stack(
            [
                sum(self._histogram(index[region], (share * length)[region]) for index, share in parts)
                for region in blocks(length.shape[0], length.shape[1], self.grid)
            ]
        )
        total = histograms.sum(axis=1, keepdims=True) if self.normalize == "block" else histograms.sum()
        values = (histograms / np.maximum(total, 1e-12)).ravel()
        return np.sqrt(values) if self.square_root else values

    def _bins(self, angle: np.ndarray) -> list[tuple[np.ndarray, np.ndarray | float]]:
        """Bins of the angles (H, W), and the share of the length that each gets."""
        low, span = (-math.pi / 2, math.pi) if self.folded else (-math.pi, 2 * math.pi)
        position = (angle - low) / span * self.bins
        if not self.interpolate:
            index = np.minimum(position, self.bins - 1).astype(int)
            if not self.folded:
                index = np.where(angle >= math.pi, 0, index)  # pi and -pi are the same direction
            return [(index, 1.0)]
        lower = np.floor(position - 0.5)
        share = position - 0.5 - lower
        both = np.stack([lower, lower + 1]).astype(int)
        both = np.clip(both, 0, self.bins - 1) if self.folded else both % self.bins
        return [(both[0], 1 - share), (both[1], share)]

    def _histogram(self, index: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.bincount(index.ravel(), weights.ravel(), minlength=self.bins)
