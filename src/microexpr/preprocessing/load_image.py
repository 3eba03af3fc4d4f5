"""Step `load-image`: the source of a clip as an image, for data sets with precomputed input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..core.clip import Sample
from ..core.errors import MediaError
from .base import STEPS, Step, frames_of


@STEPS.register("load-image")
@dataclass(frozen=True)
class LoadImage(Step):
    """The only image of the clip's source, as stored: `image` (height, width, 3) uint8.

    Args:
        channels: order of the channels; `bgr` for weights that were trained on images as OpenCV reads them.
    """

    channels: Literal["rgb", "bgr"] = "rgb"

    @property
    def channel_order(self) -> str:
        """As `channels` says."""
        return self.channels

    def __call__(self, sample: Sample) -> Sample:
        """Adds `image`."""
        frames = frames_of(sample)
        if len(frames.numbers) != 1:
            raise MediaError(
                f"'{sample.clip.source}' has {len(frames.numbers)} frames; step 'load-image' takes a clip of one image"
            )
        image = frames.read(frames.numbers[0])
        if self.channels == "bgr":
            image = np.ascontiguousarray(image[..., ::-1])
        return sample.with_array("image", image)
