"""Step `crop-face`: crop the face that OpenCV's frontal-face cascade finds (Viola and Jones 2001)."""

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
    """`frames`, each cropped to the square around the face of the first frame, and resized.

    All frames are cropped alike: a separate crop for each frame would add the noise of the detector to the motion. If
    no face is found, `Sample.face_found` is False and the central square is used. Where landmarks are known, they are
    used instead of the detector.

    Args:
        size: side of the result in pixels.
        margin: added on every side, as a fraction of the side of the detected square.
    """

    size: Annotated[int, Field(ge=8)] = 224
    margin: Annotated[float, Field(gt=-0.5, allow_inf_nan=False)] = 0.1

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
        squares = (square(frame, *box) for frame in frames)
        cropped = [cv2.resize(square, (self.size, self.size), interpolation=cv2.INTER_AREA) for square in squares]
        return dataclasses.replace(sample.with_array("frames", np.stack(cropped)), landmarks=None)


def square(frame: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """A square of the image; its border is repeated where the square reaches beyond the image."""
    height, width = frame.shape[:2]
    pad = max(0, -left, -top, left + side - width, top + side - height)
    padded = cv2.copyMakeBorder(frame, pad, pad, pad, pad, cv2.BORDER_REPLICATE) if pad else frame
    return padded[top + pad : top + pad + side, left + pad : left + pad + side]
