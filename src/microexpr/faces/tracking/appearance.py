"""The appearance of a face: a small image without light, by which one person is distinguished from another."""

from __future__ import annotations

import cv2
import numpy as np

from ...imaging.geometry import similarity, warp_image
from ..alignment import RIGID, rigid_positions

SIDE = 32
"""Side in pixels of the aligned face that is compared; its center of 22 x 26 pixels counts."""


def appearance(crop: np.ndarray) -> np.ndarray:
    """(572,) float32: the center of a face, with the light removed and with mean 0 and length 1.

    The scalar product of two appearances is their correlation.

    Args:
        crop: (S, S) uint8, aligned as in a `FaceTrack`.
    """
    small = crop if len(crop) == SIDE else cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    center = small.astype(np.float32)[3:29, 5:27]
    fine = (center - cv2.GaussianBlur(center, (0, 0), 5)).ravel()
    fine -= fine.mean()
    return np.asarray(fine / max(float(np.linalg.norm(fine)), 1e-6))


def appearance_in(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The appearance of a face in a frame.

    Args:
        image: (height, width, 3) uint8 RGB.
        points: (68, 2) its landmarks in pixels.
    """
    matrix = similarity(points[RIGID], rigid_positions(SIDE))
    crop = warp_image(image, matrix, SIDE, interpolation=cv2.INTER_LINEAR, border=cv2.BORDER_REPLICATE)
    return appearance(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))


def likeness(own: np.ndarray, others: np.ndarray) -> float:
    """The highest correlation of appearances (n, 572) with others (m, 572), -1 to 1."""
    return float((own @ others.T).max())
