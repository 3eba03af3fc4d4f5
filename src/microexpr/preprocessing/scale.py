"""Step `scale`: values on a fixed scale, which keeps the sign and the size of a flow, unlike a scale per image."""

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
        subtract: subtracted first, in the unit of the array; 127.5 for gray levels that become -1 to 1.
        divide: divided by afterwards, in the unit of the array; not 0. 127.5 for gray levels that become -1 to 1.
        array: name of the array, `image` or `frames`.
    """

    subtract: float = 0.0
    divide: float = 1.0
    array: str = "image"

    def __post_init__(self) -> None:
        if self.divide == 0:
            raise RecipeError("step 'scale': divide = 0; use a number that is not zero")

    def inverse_scale(self, array: str) -> tuple[float, float]:
        """`(divide, subtract)`; `(1, 0)` for another array."""
        return (self.divide, self.subtract) if array == self.array else (1.0, 0.0)

    def __call__(self, sample: Sample) -> Sample:
        """Replaces the array."""
        values = (sample.array(self.array).astype(np.float64) - self.subtract) / self.divide
        return sample.with_array(self.array, values.astype(np.float32))
