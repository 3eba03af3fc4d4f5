"""When a synthetic expression begins, peaks and ends."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Frame numbers, counted from 0.

    Attributes:
        onset, apex, offset: first frame, peak and last frame of the motion; onset < apex <= offset < frames.
        frames: how many there are.
        fps: frames per second.
    """

    onset: int
    apex: int
    offset: int
    frames: int
    fps: float

    def __post_init__(self) -> None:
        if not (0 <= self.onset < self.apex <= self.offset < self.frames and self.fps > 0):
            raise ValueError(f"{self}: must be 0 <= onset < apex <= offset < frames, fps more than 0")


def draw_timing(rng: np.random.Generator, fps: float, pad: int = 8) -> Timing:
    """A timing like those of CASME II (its sheet of 8 May 2014), between `pad` neutral frames on both sides.

    Onset to apex is Beta-shaped, .05 to .44 s with mean .165 s; onset to offset .115 to .70 s; the apex lies at a share
    N(.5, .165) of it.
    """
    rise = 0.05 + 0.39 * float(rng.beta(1.6, 3.82))
    share = float(np.clip(rng.normal(0.5, 0.165), 0.15, 0.9))
    whole = float(np.clip(rise / share, max(0.115, rise), 0.70))
    apex = max(1, round(rise * fps))
    offset = max(apex, round(whole * fps))
    return Timing(pad, pad + apex, pad + offset, 2 * pad + offset + 1, fps)


def intensity(timing: Timing, t: float) -> float:
    """0 to 1 at frame t: a raised cosine up to the apex, another one down to the offset, 0 outside."""
    if t <= timing.onset or (t >= timing.offset and t != timing.apex):
        return 0.0
    if t <= timing.apex:
        return (1 - math.cos(math.pi * (t - timing.onset) / (timing.apex - timing.onset))) / 2
    return (1 + math.cos(math.pi * (t - timing.apex) / (timing.offset - timing.apex))) / 2
