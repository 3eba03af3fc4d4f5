"""Step `crop-face`: the face cut out of the image, by OpenCV's frontal-face cascade (Viola and Jones 2001)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from ..core.clip import Sample
from ..faces.alignment import eye_centers
from ..faces.cascade import find_face, square_of_eyes
from .base import STEPS, Step


@STEPS.register("crop-face")
@dataclass(frozen=True)
class CropFace(Step):
    """`frames`, each cut to the square around the face of the first one, and resized.

    All frames get the same cut: a cut of its own for each frame would add the noise of the detector to the motion.
    Where no face is found, `Sample.face_found` is False and the middle square is taken. Known landmarks replace the
    detector.

    Args:
        size: side of the result in pixels.
        margin: added on every side, as a fraction of the side of the detected square.
    """

    size: Annotated[int, Field(ge=8)] = 224
    margin: float = 0.1

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
    """The square, with the border repeated where it reaches beyond the image."""
    height, width = frame.shape[:2]
    pad = max(0, -left, -top, left + side - width, top + side - height)
    padded = cv2.copyMakeBorder(frame, pad, pad, pad, pad, cv2.BORDER_REPLICATE) if pad else frame
    return padded[top + pad : top + pad + side, left + pad : left + pad + side]
