"""Step `subsample`: every n-th frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ..core.clip import Sample
from .base import STEPS, Step


@STEPS.register("subsample")
@dataclass(frozen=True)
class Subsample(Step):
    """Keep every n-th frame of `frames`, beginning with the first; the clip stays as long in seconds.

    Args:
        every: n, the distance in frames between two frames of the result; 1 keeps all.
    """

    every: Annotated[int, Field(ge=1)] = 1

    def __call__(self, sample: Sample) -> Sample:
        """Replaces `frames`."""
        return sample.with_frames(sample.array("frames")[:: self.every].copy(), sample.numbers[:: self.every])
