"""The mean motion in the main direction of blocks: what MDMO measures (Liu et al. 2016), without landmarks.

Liu, Zhang, Yan, Wang, Zhao, Fu: A Main Directional Mean Optical Flow Feature for Spontaneous Micro-Expression
Recognition, IEEE Transactions on Affective Computing 7(4), 2016.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from ._main_direction import Components, arranged, main_vectors
from .base import FEATURES, Change, Feature, blocks


@FEATURES.register("main-direction")
@dataclass(frozen=True)
class MainDirection(Feature):
    """The mean vector of the fullest bin of directions of each block of a flow, scaled so that the longest one is 1.

    It is `mdmo` for a single flow, with the blocks of a grid for the regions of a face and without alignment.

    Args:
        grid: number of blocks down and across; 6 x 6 are as many as the regions of `mdmo`.
        bins: even number of bins of the full turn, centered on 0, 45, ... degrees for 8.
        components: `cartesian`, all x and then all y, or `polar`, all lengths and then all angles in radians, which
            jump between -pi and pi. The paper takes lengths and angles.
    """

    grid: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (6, 6)
    bins: Annotated[int, Field(ge=2, multiple_of=2)] = 8
    components: Components = "cartesian"

    reads: ClassVar[str] = "image"
    invariant_to: ClassVar[tuple[Change, ...]] = ("length of motion",)

    @property
    def length(self) -> int:
        """Two values for each block."""
        return 2 * math.prod(self.grid)

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Compute the values of the blocks, row by row."""
        height, width = array.shape[:2]
        region = np.zeros((height, width), np.int32)
        for number, block in enumerate(blocks(height, width, self.grid)):
            region[block] = number
        u, v = array[..., 0].ravel(), array[..., 1].ravel()
        return arranged(main_vectors(u, v, region.ravel(), math.prod(self.grid), self.bins), self.components)
