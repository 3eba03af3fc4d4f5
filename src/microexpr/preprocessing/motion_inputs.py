"""Step `motion-inputs`: flow and strain in the form in which networks learn from drawn motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..synthetic.motion.encoding import Encoding
from .base import STEPS, Step


@STEPS.register("motion-inputs")
@dataclass(frozen=True)
class MotionInputs(Step):
    """Flow and strain (H, W, 3) float32 as the recognizer `synthetic-motion` gives them to its networks.

    For a stage that goes on from such a network. The medians of u and v are taken for no motion, and flow and strain
    are divided by their size in the image, so that neither depends on how they were written down.

    Args:
        encoding: how they are written down: each channel `stretched` to 0..255, or in `pixels`.
        array: name of the array, (H, W, 3): u, v and strain.
    """

    encoding: Encoding = "stretched"
    array: str = "image"

    def __call__(self, sample: Sample) -> Sample:
        """Replaces the array.

        Raises:
            RecipeError: it is no image of flow and strain.
        """
        from ..networks.motion import motion_inputs

        values = sample.array(self.array)
        if values.ndim != 3 or values.shape[2] != 3:
            raise RecipeError(f"step 'motion-inputs' takes flow and strain (height, width, 3); got {values.shape}")
        inputs = motion_inputs(values[None], self.encoding)[0].numpy()
        return sample.with_array(self.array, np.ascontiguousarray(np.moveaxis(inputs, 0, -1)))
