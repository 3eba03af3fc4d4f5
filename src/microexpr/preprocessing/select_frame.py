"""Step `select-frame`: one of the frames as an image, for recognizers of single images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..imaging.gray_levels import WEIGHTS
from .base import STEPS, Step


@STEPS.register("select-frame")
@dataclass(frozen=True)
class SelectFrame(Step):
    """`image` (height, width, 3) uint8 (float32 with `subtract`): one of `frames`.

    Args:
        frame: index among `frames`; 0 is the first, -1 the last.
        channels: order of the color channels; `bgr` for weights that were trained on images as Caffe and OpenCV read
            them, `gray` for one channel (height, width, 1).
        subtract: subtracted from each channel, in the order of `channels` and in gray levels, 0 to 255; Keras's
            ResNet50 takes `bgr` minus (103.939, 116.779, 123.68). Empty for nothing.
    """

    frame: int = 0
    channels: Literal["rgb", "bgr", "gray"] = "rgb"
    subtract: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        channels = 1 if self.channels == "gray" else 3
        if self.subtract and len(self.subtract) != channels:
            raise RecipeError(
                f"step 'select-frame': subtract = {list(self.subtract)}; give a number for each of {channels}"
            )

    @property
    def channel_order(self) -> str:
        """As `channels` says."""
        return self.channels

    def __call__(self, sample: Sample) -> Sample:
        """Adds `image`."""
        frames = sample.array("frames")
        if not -len(frames) <= self.frame < len(frames):
            raise RecipeError(f"step 'select-frame': frame = {self.frame}, but there are {len(frames)} frames")
        image = frames[self.frame]
        if self.channels == "bgr":
            image = image[..., ::-1]
        elif self.channels == "gray":
            image = np.round(image @ np.array(WEIGHTS)).astype(np.uint8)[..., None]
        if self.subtract:
            image = image.astype(np.float32) - np.array(self.subtract, np.float32)
        return sample.with_array("image", np.ascontiguousarray(image))
