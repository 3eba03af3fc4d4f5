"""Dense optical flow from the onset to the apex or to every frame, and its strain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ..clip import Sample
from ..errors import RecipeError
from .base import STEPS, Step

Estimator = Callable[[np.ndarray, np.ndarray], np.ndarray]


@STEPS.register("flow")
@dataclass(frozen=True)
class Flow(Step):
    """`image` of the motion from the first of `frames`, which it uses up: (height, width, 3) float32 to the last one.

    A sequence is (T, height, width, 3): the motion from the first frame to each of the T, itself included.

    Channels: u (right is positive) and v (down is positive) in pixels, and a third.

    Args:
        estimator: `tvl1` (Zach 2007; slow, the field's usual), `farneback` (2003), `dis` (Kroeger 2016; fast).
        third: `strain` (STSTNet), `magnitude` (Devanaboyina 2021) or `none` for two channels.
        of: `pair` or `sequence`.
    """

    estimator: Literal["tvl1", "farneback", "dis"] = "tvl1"
    third: Literal["strain", "magnitude", "none"] = "strain"
    of: Literal["pair", "sequence"] = "pair"

    def __call__(self, sample: Sample) -> Sample:
        """Replaces `frames` by `image`."""
        frames = sample.array("frames")
        if len(frames) < 2:
            raise RecipeError(f"step 'flow' needs two frames; clip '{sample.id}' has {len(frames)}")
        ends = frames[1:] if self.of == "sequence" else frames[-1:]
        motion = np.stack([self._channels(optical_flow(frames[0], end, self.estimator)) for end in ends])
        if self.of == "sequence":  # Farneback finds motion near the border of two equal pictures: none is none
            motion = np.concatenate([np.zeros_like(motion[:1]), motion])
        rest = {name: array for name, array in sample.arrays.items() if name != "frames"}
        image = motion if self.of == "sequence" else motion[0]
        return Sample(sample.clip, {**rest, "image": image}, {**sample.notes, "flow": self.estimator})

    def _channels(self, flow: np.ndarray) -> np.ndarray:
        channels = [flow[..., 0], flow[..., 1]]
        if self.third == "strain":
            channels.append(strain(flow))
        elif self.third == "magnitude":
            channels.append(np.hypot(flow[..., 0], flow[..., 1]))
        return np.stack(channels, axis=-1).astype(np.float32)


def optical_flow(first: np.ndarray, second: np.ndarray, estimator: str = "tvl1") -> np.ndarray:
    """Flow (height, width, 2) in pixels, u then v, between two (height, width, 3) uint8 RGB pictures."""
    before, after = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (first, second))
    return _ESTIMATORS[estimator](before, after)


def strain(flow: np.ndarray) -> np.ndarray:
    """Optical strain (height, width): the Frobenius norm of the symmetric gradient of a flow (height, width, 2).

    e_xx = du/dx, e_yy = dv/dy, e_xy = (du/dy + dv/dx) / 2, |e| = sqrt(e_xx^2 + e_yy^2 + 2 e_xy^2) (Liong et al. 2014).
    Zero for a shift and for a rotation; |a| for u = a x. numpy's axis 0 is y: taking it for x is a known bug.
    """
    du_dy, du_dx = np.gradient(flow[..., 0].astype(np.float64))
    dv_dy, dv_dx = np.gradient(flow[..., 1].astype(np.float64))
    shear = (du_dy + dv_dx) / 2
    return np.sqrt(du_dx**2 + dv_dy**2 + 2 * shear**2)


def _tvl1(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return cv2.optflow.DualTVL1OpticalFlow_create().calc(before, after, None)


def _farneback(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    # Not through the class: its defaults differ between OpenCV releases.
    return cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, 15, 3, 5, 1.2, 0)


def _dis(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(before, after, None)


_ESTIMATORS: dict[str, Estimator] = {"tvl1": _tvl1, "farneback": _farneback, "dis": _dis}
