"""Step `sequence`: all frames of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from ..core.clip import Sample
from ..core.errors import MediaError
from .base import STEPS, Step, frames_of, require_motion


@STEPS.register("sequence")
@dataclass(frozen=True)
class Sequence(Step):
    """`frames` (T, height, width, 3) uint8 RGB from the onset to the offset.

    If onset and offset are hidden, these are all frames of the recording.

    Args:
        min_frames: smallest number of frames; a shorter clip is extended by the neighboring frames on both sides, and
            by its last frame if the recording is too short.
    """

    min_frames: Annotated[int, Field(ge=1)] = 1

    reads: ClassVar[tuple[str, ...]] = ("onset", "offset")

    def __call__(self, sample: Sample) -> Sample:
        """Adds `frames`.

        Raises:
            MediaError: the frames differ in size, or several are wanted of a single picture.
        """
        clip, frames = sample.clip, frames_of(sample)
        if self.min_frames > 1:
            require_motion(sample, frames)
        numbers = list(frames.numbers)
        first = 0 if clip.onset is None else numbers.index(clip.onset)
        last = len(numbers) - 1 if clip.offset is None else numbers.index(clip.offset)
        while last - first + 1 < min(self.min_frames, len(numbers)):
            first, last = max(0, first - 1), min(len(numbers) - 1, last + 1)
        chosen = numbers[first : last + 1]
        chosen += [chosen[-1]] * (self.min_frames - len(chosen))
        images = [frames.read(number) for number in chosen]
        if len({image.shape for image in images}) > 1:
            raise MediaError(f"the frames of '{clip.source}' differ in size")
        return sample.with_frames(np.stack(images), chosen)
