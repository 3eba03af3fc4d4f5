"""Magnitude-modulated combined optical flow (MM-COF).

Nguyen, Khuong, Man, Ngo, Le: FMANet: A Novel Dual-Phase Optical Flow Approach with Fusion Motion Attention Network for
Robust Micro-expression Recognition, arXiv 2510.07810, 2025.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from .base import FEATURES, Change, Feature, blocks


@FEATURES.register("mm-cof")
@dataclass(frozen=True)
class MMCOF(Feature):
    """Block means of one flow that is combined from two: from the onset to the apex, and from the apex to the offset.

    1. The length of the motion of each flow is brought to 0..1 by its smallest and largest value, and both are added
       with weights. The combined lengths divided by their largest value lie in 0..1.
    2. Modulation: a length above the threshold is multiplied by `gain`, one below it by `damping`, so that clear
       motion stands out and noise recedes.
    3. Each pixel gets that length along a direction, and the vectors are averaged in blocks.

    The paper gives the result to a network. The numbers of the weights and of the modulation were not at hand, and the
    direction and the blocks are a choice made here: all are settings.

    Args:
        weights: of the flow to the apex and of the flow from the apex.
        threshold: of the modulation, as a multiple of the mean combined length.
        gain: factor of lengths above the threshold.
        damping: factor of the other lengths.
        direction: `to-apex`, that of the first flow, or `both`, that of the first flow minus the second, each with its
            weight and divided by its greatest length, because a face moves back after the apex.
        grid: number of blocks down and across.
    """

    weights: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]] = (0.5, 0.5)
    threshold: Annotated[float, Field(ge=0)] = 1.0
    gain: Annotated[float, Field(ge=1)] = 1.5
    damping: Annotated[float, Field(ge=0, le=1)] = 0.5
    direction: Literal["to-apex", "both"] = "to-apex"
    grid: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (14, 14)

    reads: ClassVar[str] = "image"
    flows: ClassVar[bool] = True
    exactly: ClassVar[bool] = True
    invariant_to: ClassVar[tuple[Change, ...]] = ("length of motion",)

    @property
    def frames(self) -> int:
        """Two flows: to the apex and from the apex."""
        return 2

    @property
    def length(self) -> int:
        """Two values for each block."""
        return 2 * math.prod(self.grid)

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Compute x and y of each block, row by row."""
        flow = self.combined(array)
        means = [flow[region].mean(axis=(0, 1)) for region in blocks(flow.shape[0], flow.shape[1], self.grid)]
        return np.concatenate(means)

    def combined(self, array: np.ndarray) -> np.ndarray:
        """The combined flow (H, W, 2) of two flows (2, H, W, 2 or more)."""
        flows = array[..., :2].astype(np.float64)
        lengths = np.linalg.norm(flows, axis=-1)
        sizes = sum(weight * _to_one(length) for weight, length in zip(self.weights, lengths, strict=True))
        sizes = np.asarray(sizes) / max(float(np.max(sizes)), 1e-12)
        sizes *= np.where(sizes > self.threshold * sizes.mean(), self.gain, self.damping)
        along = flows[0]
        if self.direction == "both":
            ahead, back = (
                weight * flow / max(float(length.max()), 1e-12)
                for weight, flow, length in zip(self.weights, flows, lengths, strict=True)
            )
            along = ahead - back
        return sizes[..., None] * along / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-12)


def _to_one(lengths: np.ndarray) -> np.ndarray:
    """The lengths from 0 to 1, by their smallest and largest value; 0 where all are equal."""
    low, high = float(lengths.min()), float(lengths.max())
    return (lengths - low) / (high - low) if high > low else np.zeros_like(lengths)
