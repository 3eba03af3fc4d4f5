"""When a synthetic expression begins, peaks and ends."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Timing:
    """When an expression begins, peaks and ends, in frame numbers from 0.

    Attributes:
        onset, apex, offset: first frame, peak and last frame of the motion; onset < apex <= offset < frames.
        frames: number of frames of the clip.
        fps: frames per second.

    Raises:
        ValueError: the numbers are not in this order, or fps is not above 0.
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
    """Draw a timing like those of CASME II (its sheet of 8 May 2014), with `pad` neutral frames on both sides.

    Onset to apex has a beta distribution from 0.05 to 0.44 s with mean 0.165 s. Onset to offset lasts 0.115 to 0.70 s;
    the apex lies at a fraction of it that is drawn from N(0.5, 0.165).
    """
    rise = 0.05 + 0.39 * float(rng.beta(1.6, 3.82))
    fraction = float(np.clip(rng.normal(0.5, 0.165), 0.15, 0.9))
    whole = float(np.clip(rise / fraction, max(0.115, rise), 0.70))
    apex = max(1, round(rise * fps))
    offset = max(apex, round(whole * fps))
    return Timing(pad, pad + apex, pad + offset, 2 * pad + offset + 1, fps)


def intensity(timing: Timing, t: float) -> float:
    """Intensity from 0 (neutral) to 1 (apex) at frame t: raised cosines up to the apex and down to the offset."""
    if t <= timing.onset or (t >= timing.offset and t != timing.apex):
        return 0.0
    if t <= timing.apex:
        return (1 - math.cos(math.pi * (t - timing.onset) / (timing.apex - timing.onset))) / 2
    return (1 + math.cos(math.pi * (t - timing.apex) / (timing.offset - timing.apex))) / 2
