"""Step `dynamic-image`: the order of the frames of a clip in one image.

Bilen, Fernando, Gavves, Vedaldi, Gould: Dynamic Image Networks for Action Recognition, CVPR 2016, and Action
Recognition with Dynamic Image Networks, IEEE TPAMI 40(12), 2018. On micro-expressions: Verma, Vipparthi, Singh, Murala:
LEARNet: Dynamic Imaging Network for Micro Expression Recognition, IEEE TIP 29, 2020.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..imaging.gray_levels import gray_levels
from .apex_finding import APEX_FINDERS, FinderName
from .base import STEPS, Step, several_frames

Part = Literal["whole", "before-apex", "after-apex"]


@STEPS.register("dynamic-image")
@dataclass(frozen=True)
class DynamicImage(Step):
    """`image` (height, width, parts [x 3]) float32 by approximate rank pooling; `frames` are removed.

    It is a weighted sum of the frames whose weights rise with time and sum to 0: what does not change is 0. They are
    scaled so that the later frames have a sum of 1 and the earlier ones of -1, so values are differences of gray
    levels, -255 to 255. A part of a single frame, as of a clip whose apex is its onset, is 0.

    Args:
        parts: sequences that are pooled, in the order of the channels: `whole`, from the first frame to the last, as
            Verma et al.; `before-apex`, from the first frame to the apex; `after-apex`, from there to the last frame.
        weights: `linear`, 2 t - T - 1 for frame t of T (2018), or `harmonic`, the sum of (2 i - T - 1) / i over i = t
            to T, which ranks the means of the frames so far (2016).
        gray: whether gray levels are pooled, one channel a part; else each color, three channels a part.
        stretch: whether each channel is scaled to 0 to 255 by its own smallest and largest value, as in the papers; the
            size of the motion is lost.
        without_apex: how a missing apex is found: see step `onset-apex`.
    """

    parts: Annotated[tuple[Part, ...], Field(min_length=1)] = ("whole",)
    weights: Literal["linear", "harmonic"] = "linear"
    gray: bool = True
    stretch: bool = False
    without_apex: FinderName = "middle"

    reads: ClassVar[tuple[str, ...]] = ("apex",)
    makes = "difference"

    def __call__(self, sample: Sample) -> Sample:
        """Replaces `frames` by `image`, and adds the note `apex` if an apex is needed and not annotated.

        Raises:
            RecipeError: there is one frame only, or the apex is not among the frames.
        """
        frames = several_frames(self, sample)
        apex = 0
        if set(self.parts) != {"whole"}:
            apex = self._apex(sample, frames)
            sample = sample if sample.clip.apex is not None else sample.with_note("apex", self.without_apex)
        spans = {"whole": slice(None), "before-apex": slice(apex + 1), "after-apex": slice(apex, None)}
        image = np.concatenate([self._pooled(frames[spans[part]]) for part in self.parts], axis=-1)
        rest = {name: array for name, array in sample.arrays.items() if name != "frames"}
        return dataclasses.replace(sample, arrays={**rest, "image": image}, numbers=())

    def _apex(self, sample: Sample, frames: np.ndarray) -> int:
        """Index of the apex, or of the frame that is nearest to it where frames were left out."""
        apex, numbers = sample.clip.apex, sample.numbers
        if apex is None:
            return APEX_FINDERS.get(self.without_apex)(frames)
        if not numbers or not numbers[0] <= apex <= numbers[-1]:
            raise RecipeError(
                f"step 'dynamic-image': the apex of clip '{sample.id}', {apex}, is not among the frames; put the step "
                "after 'sequence'"
            )
        return int(np.argmin(np.abs(np.array(numbers) - apex)))

    def _pooled(self, frames: np.ndarray) -> np.ndarray:
        """(H, W, 1 or 3) float32 of frames (T, H, W, 3) uint8."""
        weights = _WEIGHTS[self.weights](len(frames))
        pooled = np.zeros(frames.shape[1:], np.float32)
        for weight, frame in zip(weights / max(np.abs(weights).sum() / 2, 1e-12), frames, strict=True):
            pooled += np.float32(weight) * frame
        if self.gray:
            pooled = gray_levels(pooled)[..., None]
        if self.stretch:
            low, high = pooled.min(axis=(0, 1)), pooled.max(axis=(0, 1))
            pooled = (pooled - low) * (255 / np.maximum(high - low, 1e-3))
        return pooled.astype(np.float32)


def linear_weights(count: int) -> np.ndarray:
    """(T,) weights 2 t - T - 1, t = 1 to T: the sum of all differences of a later frame and an earlier one."""
    return 2.0 * np.arange(1, count + 1) - count - 1


def harmonic_weights(count: int) -> np.ndarray:
    """(T,) weights sum_{i = t}^{T} (2 i - T - 1) / i: the same for the means of the first frames of the clip."""
    parts = linear_weights(count) / np.arange(1, count + 1)
    return np.cumsum(parts[::-1])[::-1]


_WEIGHTS: dict[str, Callable[[int], np.ndarray]] = {"linear": linear_weights, "harmonic": harmonic_weights}
