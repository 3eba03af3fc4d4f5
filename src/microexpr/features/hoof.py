"""Histogram of oriented optical flow.

Chaudhry, Ravichandran, Hager, Vidal: Histograms of Oriented Optical Flow and Binet-Cauchy Kernels on Nonlinear
Dynamical Systems for the Recognition of Human Actions, CVPR 2009.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..core.errors import RecipeError
from .base import FEATURES, Feature, blocks


@FEATURES.register("hoof")
@dataclass(frozen=True)
class HOOF(Feature):
    """Directions of the flow, each pixel weighted by its length; every block's histogram sums to 1 (0 without motion).

    Args:
        bins: number of bins of the angle.
        grid: number of blocks down and across.
        folded: whether a motion and its mirror image (left and right) fall into one bin, as in the paper.
    """

    bins: int = 8
    grid: tuple[int, int] = (5, 5)
    folded: bool = True

    reads: ClassVar[str] = "image"

    def __post_init__(self) -> None:
        if self.bins < 1 or min(self.grid) < 1:
            raise RecipeError(f"hoof: bins = {self.bins}, grid = {self.grid}; use 1 or more")

    @property
    def length(self) -> int:
        """Blocks x bins."""
        return math.prod(self.grid) * self.bins

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Block by block."""
        u, v = array[..., 0].astype(np.float64), array[..., 1].astype(np.float64)
        length = np.hypot(u, v)
        low, span = (-math.pi / 2, math.pi) if self.folded else (-math.pi, 2 * math.pi)
        angle = np.arctan2(v, np.abs(u) if self.folded else u)
        which = np.minimum((angle - low) / span * self.bins, self.bins - 1).astype(int)
        if not self.folded:
            which = np.where(angle >= math.pi, 0, which)  # pi and -pi are one direction
        found = []
        for region in blocks(length.shape[0], length.shape[1], self.grid):
            counts = np.bincount(which[region].ravel(), length[region].ravel(), minlength=self.bins)
            found.append(counts / max(counts.sum(), 1e-12))
        return np.concatenate(found)
