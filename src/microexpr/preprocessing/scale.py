"""Values onto a fixed scale: never the picture's own, which would destroy sign and size of a flow (rule R16)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.clip import Sample
from ..core.errors import RecipeError
from .base import STEPS, Step


@STEPS.register("scale")
@dataclass(frozen=True)
class Scale(Step):
    """`(x - subtract) / divide` of one array, as float32.

    Args:
        subtract, divide: constants; 127.5 and 127.5 bring 0..255 to -1..1.
        array: which array.
    """

    subtract: float = 0.0
    divide: float = 1.0
    array: str = "image"

    def __post_init__(self) -> None:
        if self.divide == 0:
            raise RecipeError("step 'scale': divide = 0; use a number that is not zero")

    def inverse_scale(self, array: str) -> tuple[float, float]:
        """`(divide, subtract)`; nothing to undo for another array."""
        return (self.divide, self.subtract) if array == self.array else (1.0, 0.0)

    def __call__(self, sample: Sample) -> Sample:
        """Replaces the array."""
        values = (sample.array(self.array).astype(np.float64) - self.subtract) / self.divide
        return sample.with_array(self.array, values.astype(np.float32))
