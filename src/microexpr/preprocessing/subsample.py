"""Step `subsample`: every n-th frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from ..core.clip import Sample
from .base import STEPS, Step


@STEPS.register("subsample")
@dataclass(frozen=True)
class Subsample(Step):
    """Keep every n-th frame of `frames`, beginning with the first; the clip stays as long in seconds.

    Of a clip with n frames or fewer the last one is kept, too: a single frame would show no motion.

    Args:
        every: n, the distance in frames between two frames of the result; 1 keeps all.
    """

    every: Annotated[int, Field(ge=1)] = 1

    version: ClassVar[int] = 2

    def __call__(self, sample: Sample) -> Sample:
        """Replaces `frames`."""
        frames = sample.array("frames")
        kept = list(range(0, len(frames), self.every))
        if len(kept) == 1 < len(frames):
            kept.append(len(frames) - 1)
        return sample.with_frames(frames[kept], [sample.numbers[i] for i in kept] if sample.numbers else ())
