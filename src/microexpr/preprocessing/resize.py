"""Another size of picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from ..clip import Sample
from ..errors import RecipeError
from .base import STEPS, Step


@STEPS.register("resize")
@dataclass(frozen=True)
class Resize(Step):
    """`image` resized to a square by area averaging; values (a flow's pixels too) keep their unit.

    Args:
        size: in pixels; 28 is what STSTNet takes.
    """

    size: int = 28

    def __post_init__(self) -> None:
        if self.size < 1:
            raise RecipeError(f"step 'resize': size = {self.size}; use 1 pixel or more")

    def __call__(self, sample: Sample) -> Sample:
        """Replaces `image`."""
        image = sample.array("image")
        return sample.with_array("image", cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_AREA))
