"""Step `difference`: the change since the first frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.clip import Sample
from .base import STEPS, Step, several_frames


@STEPS.register("difference")
@dataclass(frozen=True)
class Difference(Step):
    """`frames` (T, height, width, C) uint8 as float32 differences to the first frame, -255 to 255.

    The appearance of the person cancels out and the motion remains; the first entry is zero.
    """

    makes = "difference"

    def __call__(self, sample: Sample) -> Sample:
        """Replaces `frames`.

        Raises:
            RecipeError: there is one frame only, whose difference to itself is nothing.
        """
        frames = several_frames(self, sample).astype(np.float32)
        return sample.with_array("frames", frames - frames[:1])
