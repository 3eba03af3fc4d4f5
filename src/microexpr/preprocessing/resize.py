"""Step `resize`: images of another size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from ..core.clip import Sample
from .base import STEPS, Step


@STEPS.register("resize")
@dataclass(frozen=True)
class Resize(Step):
    """An array resized to squares by area averaging; values keep their unit, also those of a flow.

    Args:
        size: side of the result in pixels; 28 is what STSTNet takes.
        array: name of the array, `image` (H, W, C) or `frames` (T, H, W, C).
    """

    size: Annotated[int, Field(ge=1)] = 28
    array: str = "image"

    def inverse_scale(self, array: str) -> tuple[float, float]:
        """`(1, 0)`: values keep their unit."""
        return 1.0, 0.0

    def __call__(self, sample: Sample) -> Sample:
        """Replaces the array."""
        values = sample.array(self.array)
        images = values if values.ndim == 4 else values[None]
        small = np.stack([cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_AREA) for image in images])
        return sample.with_array(self.array, small if values.ndim == 4 else small[0])
