"""The face cut out of the picture, by OpenCV's frontal-face cascade (Viola and Jones 2001)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from ..clip import Sample
from ..errors import RecipeError
from .base import STEPS, Step


@STEPS.register("face")
@dataclass(frozen=True)
class Face(Step):
    """`frames`, each cut to the square around the face of the first one, and resized.

    All frames get the same cut: cutting each by its own would add the detector's tremble to the motion. A face that
    is not found is noted (`face: not found`) and the middle square is taken: the clip stays, and counts as wrong.

    Args:
        size: of the result, in pixels.
        margin: added on every side, as a share of the detected square.
    """

    size: int = 224
    margin: float = 0.1

    def __post_init__(self) -> None:
        if self.size < 8:
            raise RecipeError(f"step 'face': size = {self.size}; use 8 pixels or more")

    def __call__(self, sample: Sample) -> Sample:
        """Replaces `frames` by (T, size, size, 3) uint8."""
        frames = sample.array("frames")
        box = find_face(frames[0])
        if box is None:
            sample = sample.with_note("face", "not found")
            height, width = frames.shape[1:3]
            side = min(height, width)
            box = ((width - side) // 2, (height - side) // 2, side)
        else:
            grow = round(box[2] * self.margin)
            box = (box[0] - grow, box[1] - grow, box[2] + 2 * grow)
        cut = [cv2.resize(_square(f, *box), (self.size, self.size), interpolation=cv2.INTER_AREA) for f in frames]
        return sample.with_array("frames", np.stack(cut))


def find_face(picture: np.ndarray) -> tuple[int, int, int] | None:
    """(left, top, side) in pixels of the largest face in an RGB picture, or None."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    shrink = max(1.0, max(grey.shape) / 480)
    small = cv2.resize(grey, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA) if shrink > 1 else grey
    pad = min(small.shape) // 5  # a face that fills the picture, as in cropped releases, is found with a border only
    padded = cv2.copyMakeBorder(cv2.equalizeHist(small), pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    least = max(24, min(small.shape) // 6)
    found = _cascade().detectMultiScale(padded, 1.05, 4, minSize=(least, least))
    if len(found) == 0:
        return None
    left, top, side, _ = max(found, key=lambda box: int(box[2]))
    return round((left - pad) * shrink), round((top - pad) * shrink), round(side * shrink)


@cache
def _cascade() -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"))


def _square(frame: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """The square, with the border repeated where it reaches beyond the picture."""
    height, width = frame.shape[:2]
    pad = max(0, -left, -top, left + side - width, top + side - height)
    padded = cv2.copyMakeBorder(frame, pad, pad, pad, pad, cv2.BORDER_REPLICATE) if pad else frame
    return padded[top + pad : top + pad + side, left + pad : left + pad + side]
