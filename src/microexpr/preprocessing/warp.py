"""Pictures turned, shifted and scaled as a whole. Whole numbers are the middles of pixels, as OpenCV has it."""

from __future__ import annotations

import cv2
import numpy as np


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(2, 3) turn, scale and shift that takes points to others with the least squared error.

    Args:
        source, target: (n, 2) x and y in pixels, n at least 2, not all at one place.

    Source: Cootes et al., Active shape models (1995), appendix A.
    """
    middle, there = source.mean(axis=0), target.mean(axis=0)
    own, wanted = source - middle, target - there
    size = max(float((own**2).sum()), 1e-12)
    a = float((own * wanted).sum()) / size
    b = float((own[:, 0] * wanted[:, 1] - own[:, 1] * wanted[:, 0]).sum()) / size
    turn = np.array([[a, -b], [b, a]])
    return np.column_stack([turn, there - turn @ middle])


def moved(points: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(n, 2) points mapped by a (2, 3) matrix."""
    return points @ place[:, :2].T + place[:, 2]


def mapped(picture: np.ndarray, place: np.ndarray, side: int, *, how: int, border: int) -> np.ndarray:
    """(side, side[, 3]) uint8: a picture mapped by `place`, averaged first where it gets less than half as large.

    Args:
        picture: (height, width[, 3]) uint8.
        place: (2, 3) map from pixels of the picture to pixels of the result.
        side: of the result in pixels.
        how: interpolation, e.g. `cv2.INTER_LINEAR`.
        border: what lies outside the picture, e.g. `cv2.BORDER_REPLICATE`.
    """
    zoom = float(np.sqrt(abs(np.linalg.det(place[:, :2]))))
    if zoom < 0.5:  # warpAffine does not average
        height, width = (max(1, round(n * 2 * zoom)) for n in picture.shape[:2])
        back = np.array([picture.shape[1] / width, picture.shape[0] / height])
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        place = np.column_stack([place[:, :2] * back, place[:, 2] + place[:, :2] @ (back - 1) / 2])
    return cv2.warpAffine(picture, place, (side, side), flags=how, borderMode=border)
