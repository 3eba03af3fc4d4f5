"""Step `onset-apex`: the frames at the onset, at the apex, half way and at the offset of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ..core.clip import Clip, Frames, Sample
from ..core.errors import MediaError
from .apex_finding import FinderName, apex_number
from .base import STEPS, Step, frames_of, require_motion


@STEPS.register("onset-apex")
@dataclass(frozen=True)
class OnsetApex(Step):
    """`frames` (2, height, width, 3) uint8 RGB: the onset frame and the apex frame, or those that `which` names.

    If the protocol hides a time or the data set does not have it, the first visible frame stands for the onset, the
    last one for the offset, and `without_apex` decides on the apex.

    Args:
        which: `onset`, `apex`, `middle` (half way from onset to offset), `offset` or several of them, in the order of
            the result.
        without_apex: how a missing apex is found: `middle`, half way from onset to offset, or another of
            [these](#finding-the-apex).
    """

    which: Annotated[tuple[Literal["onset", "apex", "middle", "offset"], ...], Field(min_length=1)] = ("onset", "apex")
    without_apex: FinderName = "middle"

    reads: ClassVar[tuple[str, ...]] = ("onset", "apex", "offset")

    @property
    def key_frames_only(self) -> bool:
        """Whether the frame half way, which is none of these, is not asked for."""
        return "middle" not in self.which

    def __call__(self, sample: Sample) -> Sample:
        """Adds `frames`, and the note `apex` if the apex is not the annotated one.

        Raises:
            MediaError: there is no such frame, the frames differ in size, or several are wanted of a single picture.
        """
        clip, frames = sample.clip, frames_of(sample)
        if len(self.which) > 1:
            require_motion(sample, frames)
        numbers = visible_numbers(frames, clip)
        times = {
            "onset": numbers[0] if clip.onset is None else clip.onset,
            "middle": numbers[len(numbers) // 2],
            "offset": numbers[-1] if clip.offset is None else clip.offset,
        }
        if "apex" in self.which:
            times["apex"] = apex_number(frames, clip, numbers, self.without_apex)
            sample = sample if clip.apex is not None else sample.with_note("apex", self.without_apex)
        chosen = [frames.read(times[which]) for which in self.which]
        if any(frame.shape != chosen[0].shape for frame in chosen):
            names = " and ".join(str(times[which]) for which in self.which)
            sizes = " and ".join(str(frame.shape) for frame in chosen)
            raise MediaError(f"frames {names} of '{clip.source}' differ in size: {sizes}")
        return sample.with_frames(np.stack(chosen), [times[which] for which in self.which])


def visible_numbers(frames: Frames, clip: Clip) -> list[int]:
    """The frame numbers of a clip from onset to offset; a hidden onset or offset does not limit them.

    Raises:
        MediaError: there is no such frame.
    """
    numbers = [number for number in frames.numbers if _within(number, clip)]
    if not numbers:
        raise MediaError(f"'{clip.source}' has no frame between onset {clip.onset} and offset {clip.offset}")
    return numbers


def _within(number: int, clip: Clip) -> bool:
    return (clip.onset is None or number >= clip.onset) and (clip.offset is None or number <= clip.offset)
