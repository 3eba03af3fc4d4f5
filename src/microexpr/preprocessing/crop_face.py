"""The face cut out of the picture, by OpenCV's frontal-face cascade (Viola and Jones 2001)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import cv2
import numpy as np

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..faces.alignment import eye_centers
from ..faces.cascade import find_face, square_of_eyes
from .base import STEPS, Step


@STEPS.register("crop-face")
@dataclass(frozen=True)
class CropFace(Step):
    """`frames`, each cut to the square around the face of the first one, and resized.

    All frames get the same cut: cutting each by its own would add the detector's tremble to the motion. A face that
    is not found is marked (`Sample.face_found` is False) and the middle square is taken.

    Args:
        size: of the result, in pixels.
        margin: added on every side, as a share of the detected square.
    """

    size: int = 224
    margin: float = 0.1

    def __post_init__(self) -> None:
        if self.size < 8:
            raise RecipeError(f"step 'crop-face': size = {self.size}; use 8 pixels or more")

    def __call__(self, sample: Sample) -> Sample:
        """Replaces `frames` by (T, size, size, 3) uint8."""
        frames = sample.array("frames")
        known = sample.known_landmarks()
        box = find_face(frames[0]) if known is None else square_of_eyes(eye_centers(known))
        if box is None:
            sample = dataclasses.replace(sample, face_found=False)
            height, width = frames.shape[1:3]
            side = min(height, width)
            box = ((width - side) // 2, (height - side) // 2, side)
        else:
            grow = round(box[2] * self.margin)
            box = (box[0] - grow, box[1] - grow, box[2] + 2 * grow)
        cut = [cv2.resize(_square(f, *box), (self.size, self.size), interpolation=cv2.INTER_AREA) for f in frames]
        return dataclasses.replace(sample.with_array("frames", np.stack(cut)), landmarks=None)


def _square(frame: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """The square, with the border repeated where it reaches beyond the picture."""
    height, width = frame.shape[:2]
    pad = max(0, -left, -top, left + side - width, top + side - height)
    padded = cv2.copyMakeBorder(frame, pad, pad, pad, pad, cv2.BORDER_REPLICATE) if pad else frame
    return padded[top + pad : top + pad + side, left + pad : left + pad + side]
