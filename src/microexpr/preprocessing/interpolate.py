"""Step `interpolate`: clips of equal length by interpolation in time.

Zhou, Zhao, Pietikainen: Towards a Practical Lipreading System, CVPR 2011; on micro-expressions first by Pfister, Li,
Zhao, Pietikainen: Recognising Spontaneous Facial Micro-expressions, ICCV 2011.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from ..core.clip import Sample
from .base import STEPS, Step, several_frames

CHUNK = 2**16
"""Number of values of a frame that are interpolated at once, so that a long clip needs little memory."""


@STEPS.register("interpolate")
@dataclass(frozen=True)
class Interpolate(Step):
    """`frames` at n times that are evenly spaced from the first frame to the last, both included.

    The array stays uint8: values between gray levels are rounded, those beyond 0 to 255 are set to the limit. An array
    `landmarks` of all frames is interpolated in the same way. A frame between two recorded ones has the number of the
    nearer one; the clip stays as long in seconds, so steps that need the camera's frame rate come before.

    Args:
        frames: n, the number of frames of the result; 10 is the most common one in the literature.
        method: `tim`, the temporal interpolation model, a smooth curve through all frames, or `linear`, the mean of the
            two nearest frames, weighted by the distance in time.
    """

    frames: Annotated[int, Field(ge=2)] = 10
    method: Literal["tim", "linear"] = "tim"

    def __call__(self, sample: Sample) -> Sample:
        """Replaces `frames`.

        Raises:
            RecipeError: there is one frame only.
        """
        frames = several_frames(self, sample)
        count = len(frames)
        times = np.linspace(0, count - 1, self.frames)
        weights = _WEIGHTS[self.method](count, times)
        numbers = [sample.numbers[round(time)] for time in times] if sample.numbers else ()
        made = sample.with_frames(weighted_sums(frames, weights), numbers)
        landmarks = sample.arrays.get("landmarks")
        if landmarks is not None and len(landmarks) == count:
            made = made.with_array("landmarks", weighted_sums(landmarks, weights))
        return made


def tim_weights(count: int, times: np.ndarray) -> np.ndarray:
    """(len(times), count) weights of the frames in the temporal interpolation model.

    The model embeds the frames into the eigenvectors of the Laplacian of a path graph, and maps the curve through them,
    f_k(t) = sin(pi k t + pi (n - k) / (2 n)), back to images by a singular value decomposition. As those eigenvectors
    are an orthogonal basis of all courses in time without their mean, the decomposition cancels out: every pixel is a
    sum of cosines of its course, and each new frame is a weighted sum of the given ones.

    Args:
        count: n, the number of frames.
        times: times in frames, 0 to n - 1; time i of the frame i is t = (i + 1) / n of the paper.
    """
    orders = np.arange(1, count)[:, None]
    given, wanted = (np.cos(np.pi * orders * (when + 0.5) / count) for when in (np.arange(count), times))
    return (1 + 2 * wanted.T @ given) / count


def linear_weights(count: int, times: np.ndarray) -> np.ndarray:
    """(len(times), count) weights of the two nearest frames; arguments as in `tim_weights`."""
    return np.maximum(0, 1 - np.abs(times[:, None] - np.arange(count)))


def weighted_sums(array: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(m, ...) sums over the first axis of an array (n, ...), in its kind of numbers, with (m, n) weights."""
    flat = array.reshape(len(array), -1)
    result = np.empty((len(weights), flat.shape[1]), array.dtype)
    for start in range(0, flat.shape[1], CHUNK):
        part = weights.astype(np.float32) @ flat[:, start : start + CHUNK].astype(np.float32)
        if array.dtype == np.uint8:
            part = np.clip(np.rint(part), 0, 255)
        result[:, start : start + CHUNK] = part
    return result.reshape(len(weights), *array.shape[1:])


_WEIGHTS: dict[str, Callable[[int, np.ndarray], np.ndarray]] = {"tim": tim_weights, "linear": linear_weights}
