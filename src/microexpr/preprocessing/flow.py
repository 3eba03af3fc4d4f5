"""Step `flow`: dense optical flow from the onset to the apex, to every frame or from frame to frame, and its strain."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..core.clip import Sample
from ..imaging.optical_flow import optical_flow, strain
from .base import STEPS, Step, several_frames


@STEPS.register("flow")
@dataclass(frozen=True)
class Flow(Step):
    """`image` (height, width, 3) float32: the motion from the first of `frames` to the last; `frames` are removed.

    A sequence is (T, height, width, 3): the motion from the first frame to each of the T frames, itself included. Steps
    are (T - 1, height, width, 3): the motion from each frame to the next.

    Channels: u (right is positive) and v (down is positive) in pixels, and a third one.

    Args:
        estimator: `tvl1` (Zach 2007; slow, the most common one), `farneback` (2003), `dis` (Kroeger 2016; fast).
        extra_channel: third channel, `strain` (STSTNet), `magnitude` (Devanaboyina 2021) or `none` for two channels.
        mode: `pair`, from the first frame to the last, `sequence`, from the first frame to every frame, or `steps`,
            from every frame to the next.
    """

    estimator: Literal["tvl1", "farneback", "dis"] = "tvl1"
    extra_channel: Literal["strain", "magnitude", "none"] = "strain"
    mode: Literal["pair", "sequence", "steps"] = "pair"

    makes = "flow"

    def __call__(self, sample: Sample) -> Sample:
        """Replaces `frames` by `image`.

        Raises:
            RecipeError: there is one frame only.
        """
        frames = several_frames(self, sample)
        starts = frames[:-1] if self.mode == "steps" else [frames[0]] * (len(frames) - 1)
        pairs = list(zip(starts, frames[1:], strict=True))[-1 if self.mode == "pair" else 0 :]
        motion = np.stack([self._channels(optical_flow(start, end, self.estimator)) for start, end in pairs])
        if self.mode == "sequence":  # Farneback finds motion near the border of two equal images
            motion = np.concatenate([np.zeros_like(motion[:1]), motion])
        rest = {name: array for name, array in sample.arrays.items() if name != "frames"}
        image = motion[0] if self.mode == "pair" else motion
        return dataclasses.replace(sample, arrays={**rest, "image": image}).with_note("flow", self.estimator)

    def _channels(self, flow: np.ndarray) -> np.ndarray:
        channels = [flow[..., 0], flow[..., 1]]
        if self.extra_channel == "strain":
            channels.append(strain(flow))
        elif self.extra_channel == "magnitude":
            channels.append(np.hypot(flow[..., 0], flow[..., 1]))
        return np.stack(channels, axis=-1).astype(np.float32)
