"""Step `onset-apex`: the frames at the onset and at the apex of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np

from ..core.clip import Clip, Frames, Sample
from ..core.errors import MediaError, RecipeError
from .base import STEPS, Step, frames_of


@STEPS.register("onset-apex")
@dataclass(frozen=True)
class OnsetApex(Step):
    """`frames` (2, height, width, 3) uint8 RGB: the onset frame and the apex frame, or (1, ...) for one of them.

    Where the protocol hides a time, or the release does not give it, it is found from what may be seen: the onset is
    the first frame, and the apex is as `without_apex` says.

    Args:
        which: `onset`, `apex` or both, in the order in which they are wanted.
        without_apex: `middle` takes the frame half way from onset to offset (the usual surrogate on SMIC);
            `difference` the frame that differs most from the onset frame (standard deviation of the difference).
    """

    which: tuple[Literal["onset", "apex"], ...] = ("onset", "apex")
    without_apex: Literal["middle", "difference"] = "middle"

    reads: ClassVar[tuple[str, ...]] = ("onset", "apex", "offset")
    key_frames_only: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.which:
            raise RecipeError("step 'onset-apex': which = []; name onset, apex or both")

    def __call__(self, sample: Sample) -> Sample:
        """Adds `frames`; notes where the apex came from."""
        clip, frames = sample.clip, frames_of(sample)
        seen = visible_numbers(frames, clip)
        times = {"onset": seen[0] if clip.onset is None else clip.onset}
        if "apex" in self.which:
            times["apex"] = apex_number(frames, clip, seen, self.without_apex)
            sample = sample if clip.apex is not None else sample.with_note("apex", self.without_apex)
        chosen = [frames.read(times[which]) for which in self.which]
        if any(frame.shape != chosen[0].shape for frame in chosen):
            where, sizes = " and ".join(str(times[w]) for w in self.which), " and ".join(str(f.shape) for f in chosen)
            raise MediaError(f"frames {where} of '{clip.source}' differ in size: {sizes}")
        return sample.with_frames(np.stack(chosen), [times[which] for which in self.which])


def visible_numbers(frames: Frames, clip: Clip) -> list[int]:
    """The frames of a clip: those from onset to offset, as far as these may be seen.

    Raises:
        MediaError: there is none.
    """
    seen = [n for n in frames.numbers if _within(n, clip)]
    if not seen:
        raise MediaError(f"'{clip.source}' has no frame between onset {clip.onset} and offset {clip.offset}")
    return seen


def apex_number(frames: Frames, clip: Clip, seen: Sequence[int], without_apex: str) -> int:
    """The apex frame as the release gives it; where it is hidden or not given, as `without_apex` says."""
    if clip.apex is not None:
        return clip.apex
    return seen[len(seen) // 2] if without_apex == "middle" else most_different_number(frames, seen)


def most_different_number(frames: Frames, numbers: Sequence[int]) -> int:
    """The frame whose difference to the first one has the largest standard deviation."""
    first = _blurred_gray(frames.read(numbers[0]))
    spread = [float(np.std(_blurred_gray(frames.read(n)) - first)) for n in numbers]
    return numbers[int(np.argmax(spread))]


def _within(number: int, clip: Clip) -> bool:
    return (clip.onset is None or number >= clip.onset) and (clip.offset is None or number <= clip.offset)


def _blurred_gray(frame: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (5, 5), 0).astype(np.float32)
