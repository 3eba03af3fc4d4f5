"""Fewer frames a second."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.clip import Sample
from ..core.errors import RecipeError
from .base import STEPS, Step


@STEPS.register("subsample")
@dataclass(frozen=True)
class Subsample(Step):
    """Every so manieth of `frames`, the first one always among them; a clip stays as long in seconds.

    Args:
        every: 1 keeps all.
    """

    every: int = 1

    def __post_init__(self) -> None:
        if self.every < 1:
            raise RecipeError(f"step 'subsample': every = {self.every}; use 1 or more")

    def __call__(self, sample: Sample) -> Sample:
        """Replaces `frames`."""
        return sample.with_frames(sample.array("frames")[:: self.every].copy(), sample.numbers[:: self.every])
