"""Step `apex-window`: the frames around the apex of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from ..core.clip import Sample
from ..core.errors import MediaError
from .apex_finding import FinderName, apex_number
from .base import STEPS, Step, frames_of, require_motion
from .onset_apex import visible_numbers


@STEPS.register("apex-window")
@dataclass(frozen=True)
class ApexWindow(Step):
    """`frames` (n, height, width, 3) uint8 RGB: the apex frame and its neighbors (Devanaboyina 2021, method 2).

    If the window reaches beyond the onset or the offset, the first or the last frame is repeated.

    Args:
        offsets: positions of the frames relative to the apex, in frames. The paper uses six frames and does not name
            them; -3 to +2 is the choice made here.
        without_apex: how a missing apex is found: see step `onset-apex`.
    """

    offsets: Annotated[tuple[int, ...], Field(min_length=1)] = (-3, -2, -1, 0, 1, 2)
    without_apex: FinderName = "middle"

    reads: ClassVar[tuple[str, ...]] = ("onset", "apex", "offset")

    def __call__(self, sample: Sample) -> Sample:
        """Adds `frames`, and the note `apex` if the apex is not the annotated one.

        Raises:
            MediaError: no frame between onset and offset, no apex frame, frames that differ in size, or a window of a
                single picture.
        """
        clip, frames = sample.clip, frames_of(sample)
        if len(self.offsets) > 1:
            require_motion(sample, frames)
        numbers = visible_numbers(frames, clip)
        apex = apex_number(frames, clip, numbers, self.without_apex)
        if apex not in numbers:
            raise MediaError(f"'{clip.source}' has no frame {apex}, the apex, between its onset and its offset")
        if clip.apex is None:
            sample = sample.with_note("apex", self.without_apex)
        indices = [min(max(numbers.index(apex) + offset, 0), len(numbers) - 1) for offset in self.offsets]
        window = [numbers[index] for index in indices]
        images = {number: frames.read(number) for number in dict.fromkeys(window)}
        if len({image.shape for image in images.values()}) > 1:
            raise MediaError(f"the frames of '{clip.source}' differ in size")
        return sample.with_frames(np.stack([images[number] for number in window]), window)
