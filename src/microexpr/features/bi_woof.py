"""Bi-weighted oriented optical flow.

Liong, See, Wong, Phan: Less is More: Micro-expression Recognition from Video using Apex Frame, Signal Processing: Image
Communication 62, 2018.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from ..imaging.optical_flow import StrainNorm, strain
from .base import FEATURES, Change, Feature, blocks


@FEATURES.register("bi-woof")
@dataclass(frozen=True)
class BiWOOF(Feature):
    """Histograms of the directions of a flow in blocks, weighted by its length, and each block by its strain.

    The histogram of a block sums to 1, or is 0 without motion, and is multiplied by the sum of the optical strain in
    the block; all values together have the Euclidean length 1. Bin 0 begins at the direction to the left.

    Args:
        bins: number of bins of the full turn.
        grid: number of blocks down and across.
        strain_norm: how often the shear counts in the strain: twice, `frobenius`, as in the paper, or `shear-once`.
    """

    bins: Annotated[int, Field(ge=1)] = 8
    grid: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (5, 5)
    strain_norm: StrainNorm = "frobenius"

    reads: ClassVar[str] = "image"
    invariant_to: ClassVar[tuple[Change, ...]] = ("length of motion",)

    @property
    def length(self) -> int:
        """Number of blocks x number of bins."""
        return math.prod(self.grid) * self.bins

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Compute the weighted histograms of the blocks, row by row."""
        u, v = array[..., 0].astype(np.float64), array[..., 1].astype(np.float64)
        size, tension = np.hypot(u, v), strain(array, self.strain_norm)
        # A motion exactly to the left has the angle pi and belongs to bin 0, as one of -pi does.
        index = np.floor((np.arctan2(v, u) + math.pi) / (2 * math.pi) * self.bins).astype(int) % self.bins
        values = np.concatenate(
            [
                self._histogram(index[region], size[region]) * tension[region].sum()
                for region in blocks(size.shape[0], size.shape[1], self.grid)
            ]
        )
        return values / max(float(np.linalg.norm(values)), 1e-12)

    def _histogram(self, index: np.ndarray, weights: np.ndarray) -> np.ndarray:
        histogram = np.bincount(index.ravel(), weights.ravel(), minlength=self.bins)
        return histogram / max(float(histogram.sum()), 1e-12)
