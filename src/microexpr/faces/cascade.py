"""Find faces with OpenCV's frontal-face cascade (Viola and Jones 2001), which needs no further files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np

EYES = np.array([[0.286, 0.386], [0.714, 0.386]])
"""Positions of the eyes in the square that the cascade finds, as fractions of its side: means of ten
synthetic faces."""


def find_face(image: np.ndarray) -> tuple[int, int, int] | None:
    """(left, top, side) in pixels of the largest face in an RGB image, or None."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    shrink = max(1.0, max(gray.shape) / 480)
    small = cv2.resize(gray, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA) if shrink > 1 else gray
    pad = min(small.shape) // 5  # a face that fills the image, as in cropped releases, is found with a border only
    padded = cv2.copyMakeBorder(cv2.equalizeHist(small), pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    min_side = max(24, min(small.shape) // 6)
    found = _cascade().detectMultiScale(padded, 1.05, 4, minSize=(min_side, min_side))
    if len(found) == 0:
        return None
    left, top, side, _ = max(found, key=lambda box: int(box[2]))
    return round((left - pad) * shrink), round((top - pad) * shrink), round(side * shrink)


def find_eyes(image: np.ndarray) -> np.ndarray | None:
    """(2, 2) expected x and y of the right and the left eye of the largest face in pixels, or None without a face."""
    box = find_face(image)
    return None if box is None else np.array(box[:2]) + EYES * box[2] - 0.5


def square_of_eyes(eyes: np.ndarray) -> tuple[int, int, int]:
    """(left, top, side) in pixels of the square that the cascade would find, from (2, 2) x and y of the eyes."""
    side = float(np.linalg.norm(eyes[1] - eyes[0])) / (EYES[1, 0] - EYES[0, 0])
    left, top = eyes.mean(axis=0) + 0.5 - EYES.mean(axis=0) * side
    return round(left), round(top), round(side)


@cache
def _cascade() -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"))
