"""A descriptor in one file: how much each cell of the face moves.

microexpr run megc2019-hoof --plugin examples/my_descriptor.py \\
    --set 'chain.descriptor.feature={name = "flow-length", grid = [6, 6]}'
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from microexpr.features.base import FEATURES, Feature, blocks


@FEATURES.register("flow-length")
@dataclass(frozen=True)
class FlowLength(Feature):
    """The mean length of the optical flow in each cell of a grid.

    Args:
        grid: number of cells down and across.
    """

    grid: tuple[int, int] = (5, 5)

    reads: ClassVar[str] = "image"

    @property
    def length(self) -> int:
        """Number of cells."""
        return math.prod(self.grid)

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Average the length of the flow (H, W, 2 or more) over each cell."""
        lengths = np.hypot(array[..., 0], array[..., 1])
        return np.array([lengths[cell].mean() for cell in blocks(*lengths.shape, self.grid)], np.float32)
