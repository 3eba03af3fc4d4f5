"""Step `flow-strain-gray`: the inputs of the enriched network of Khor et al. 2018 as channels of one array."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ..core.clip import Sample
from ..imaging.optical_flow import optical_flow, strain
from .base import STEPS, Step, several_frames


@STEPS.register("flow-strain-gray")
@dataclass(frozen=True)
class FlowStrainGray(Step):
    """`image` (T - 1, height, width, 5) float32 from `frames` (T, ...), which are removed.

    Channels: u (right is positive), v (down is positive) and sqrt(u^2 + v^2) in pixels, optical strain, and the gray
    level of the later frame, 0 to 255. The paper names flow, strain and gray levels; that the flow's third channel is
    its magnitude, and from which frame it is computed, is not in the text at hand.

    Args:
        estimator: `tvl1` (Zach 2007; slow), `farneback` (2003), `dis` (Kroeger 2016; fast).
        mode: `sequence`, from the first frame to every other, or `steps`, from every frame to the next.
        gray: whether the gray level is a channel.
    """

    estimator: Literal["tvl1", "farneback", "dis"] = "tvl1"
    mode: Literal["sequence", "steps"] = "sequence"
    gray: bool = True

    makes = "flow"

    def __call__(self, sample: Sample) -> Sample:
        """Replaces `frames` by `image`.

        Raises:
            RecipeError: there is one frame only.
        """
        frames = several_frames(self, sample)
        starts = frames[:-1] if self.mode == "steps" else [frames[0]] * (len(frames) - 1)
        image = np.stack([self._channels(start, end) for start, end in zip(starts, frames[1:], strict=True)])
        rest = {name: array for name, array in sample.arrays.items() if name != "frames"}
        return dataclasses.replace(sample, arrays={**rest, "image": image}).with_note("flow", self.estimator)

    def _channels(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        flow = optical_flow(start, end, self.estimator)
        channels = [flow[..., 0], flow[..., 1], np.hypot(flow[..., 0], flow[..., 1]), strain(flow)]
        if self.gray:
            channels.append(cv2.cvtColor(end, cv2.COLOR_RGB2GRAY))
        return np.stack([channel.astype(np.float32) for channel in channels], axis=-1)
