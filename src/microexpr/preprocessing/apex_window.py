"""Step `apex-window`: the frames around the apex of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ..core.clip import Sample
from ..core.errors import MediaError, RecipeError
from .base import STEPS, Step, frames_of
from .onset_apex import apex_number, visible_numbers


@STEPS.register("apex-window")
@dataclass(frozen=True)
class ApexWindow(Step):
    """`frames` (n, height, width, 3) uint8 RGB: the apex frame and its neighbors (Devanaboyina 2021, method 2).

    Where the window reaches beyond the onset or the offset, the first or the last frame is repeated.

    Args:
        offsets: which frames, counted from the apex. The paper has six frames and does not say which: -3 to +2 is our
            choice.
        without_apex: where the apex is hidden or not given: see step `onset-apex`.
    """

    offsets: tuple[int, ...] = (-3, -2, -1, 0, 1, 2)
    without_apex: Literal["middle", "difference"] = "middle"

    reads: ClassVar[tuple[str, ...]] = ("onset", "apex", "offset")

    def __post_init__(self) -> None:
        if not self.offsets:
            raise RecipeError("step 'apex-window': offsets = []; name one frame or more, 0 is the apex")

    def __call__(self, sample: Sample) -> Sample:
        """Adds `frames`; notes where the apex came from.

        Raises:
            MediaError: no frame between onset and offset, no apex frame, or frames that differ in size.
        """
        clip, frames = sample.clip, frames_of(sample)
        seen = visible_numbers(frames, clip)
        apex = apex_number(frames, clip, seen, self.without_apex)
        if apex not in seen:
            raise MediaError(f"'{clip.source}' has no frame {apex}, the apex, between its onset and its offset")
        if clip.apex is None:
            sample = sample.with_note("apex", self.without_apex)
        places = [min(max(seen.index(apex) + offset, 0), len(seen) - 1) for offset in self.offsets]
        read = {place: frames.read(seen[place]) for place in dict.fromkeys(places)}
        if len({picture.shape for picture in read.values()}) > 1:
            raise MediaError(f"the frames of '{clip.source}' differ in size")
        return sample.with_frames(np.stack([read[place] for place in places]), [seen[place] for place in places])
