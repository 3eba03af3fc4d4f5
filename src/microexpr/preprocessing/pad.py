"""Step `pad`: sequences of equal length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from ..core.clip import Sample
from ..core.errors import RecipeError
from .base import STEPS, Step


@STEPS.register("pad")
@dataclass(frozen=True)
class Pad(Step):
    """An array (T, ...) extended to (frames, ...) by repeating its last entry (Devanaboyina 2021, method 1).

    Args:
        frames: number of entries of the result; 141 is the longest clip of CASME II from onset to offset.
        array: name of the array, `frames` or `image`.
    """

    frames: Annotated[int, Field(ge=1)] = 141
    array: str = "frames"

    def __call__(self, sample: Sample) -> Sample:
        """Replaces the array.

        Raises:
            RecipeError: the array has more entries; nothing is ever cut off.
        """
        values = sample.array(self.array)
        missing = self.frames - len(values)
        if missing < 0:
            raise RecipeError(f"'{self.array}' has {len(values)} frames, more than {self.frames}; raise pad.frames")
        return sample.with_array(self.array, np.concatenate([values, np.repeat(values[-1:], missing, axis=0)]))
