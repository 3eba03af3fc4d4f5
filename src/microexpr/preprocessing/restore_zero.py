"""Step `restore-zero`: the value of no motion and a common size, for flow that was stretched image by image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.clip import Sample
from ..core.errors import RecipeError
from .base import STEPS, Step


@STEPS.register("restore-zero")
@dataclass(frozen=True)
class RestoreZero(Step):
    """Flow (H, W, 2) float32 with its zero at the median, each of u and v scaled to a root mean square of 1.

    Releases that stretch u and v of each image to 0..255 lose which value is no motion and how large the motion was.
    Most of a face does not move: the median of a channel is taken for no motion. A channel without any difference
    becomes 0. Further channels, such as strain, are dropped.

    Args:
        array: name of the array, (H, W, 2 or more).
    """

    array: str = "image"

    def __call__(self, sample: Sample) -> Sample:
        """Replaces the array.

        Raises:
            RecipeError: it is no flow image.
        """
        values = sample.array(self.array)
        if values.ndim != 3 or values.shape[2] < 2:
            raise RecipeError(f"step 'restore-zero' takes a flow (height, width, 2 or more); got {values.shape}")
        flow = values[..., :2].astype(np.float64)
        flow -= np.median(flow, axis=(0, 1))
        size = np.sqrt(np.mean(flow**2, axis=(0, 1)))
        return sample.with_array(self.array, (flow / np.where(size > 0, size, 1)).astype(np.float32))
