"""Histogram of oriented optical flow.

Chaudhry, Ravichandran, Hager, Vidal: Histograms of Oriented Optical Flow and Binet-Cauchy Kernels on Nonlinear
Dynamical Systems for the Recognition of Human Actions, CVPR 2009.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from .base import FEATURES, Feature, blocks


@FEATURES.register("hoof")
@dataclass(frozen=True)
class HOOF(Feature):
    """Histograms of the directions of a flow in blocks, weighted by its length; each sums to 1, or is 0 without motion.

    Args:
        bins: number of bins of the angle.
        grid: number of blocks down and across.
        folded: whether a motion and its mirror image (left and right) fall into the same bin, as in the paper.
    """

    bins: Annotated[int, Field(ge=1)] = 8
    grid: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (5, 5)
    folded: bool = True

    reads: ClassVar[str] = "image"

    @property
    def length(self) -> int:
        """Number of blocks x number of bins."""
        return math.prod(self.grid) * self.bins

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Compute the histograms of the blocks, row by row."""
        u, v = array[..., 0].astype(np.float64), array[..., 1].astype(np.float64)
        length = np.hypot(u, v)
        low, span = (-math.pi / 2, math.pi) if self.folded else (-math.pi, 2 * math.pi)
        angle = np.arctan2(v, np.abs(u) if self.folded else u)
        bin_index = np.minimum((angle - low) / span * self.bins, self.bins - 1).astype(int)
        if not self.folded:
            bin_index = np.where(angle >= math.pi, 0, bin_index)  # pi and -pi are the same direction
        histograms = []
        for region in blocks(length.shape[0], length.shape[1], self.grid):
            counts = np.bincount(bin_index[region].ravel(), length[region].ravel(), minlength=self.bins)
            histograms.append(counts / max(counts.sum(), 1e-12))
        return np.concatenate(histograms)
