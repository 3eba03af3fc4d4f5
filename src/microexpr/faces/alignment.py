"""Where an aligned face lies in its image: the places of the eyes that every aligned crop shares."""

from __future__ import annotations

import numpy as np

RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)
"""Of the 68 points, those around the person's right and left eye."""

MARGIN, EYE_X, EYE_Y = 0.05, 0.29, 0.31
"""Usual room around the face, and the place of the person's right eye, as fractions of the face's square."""


def eye_positions(size: int, margin: float = MARGIN, eye_x: float = EYE_X, eye_y: float = EYE_Y) -> np.ndarray:
    """Where the middles of both eyes lie in an aligned crop.

    Args:
        size: side of the crop in pixels.
        margin: room around the face's square on each side, as a fraction of the square.
        eye_x, eye_y: place of the person's right eye in the square, 0 to 1 from its left upper corner; the left eye
            mirrors it.

    Returns:
        (2, 2) x and y of the right and the left eye, in pixels of the crop.
    """
    places = np.array([[eye_x, eye_y], [1 - eye_x, eye_y]])
    return (0.5 + (places - 0.5) / (1 + 2 * margin)) * size - 0.5


def eye_centers(points: np.ndarray) -> np.ndarray:
    """(2, 2) x and y of the middles of the person's right and left eye, of (68, 2) landmarks."""
    return np.stack([points[RIGHT_EYE].mean(axis=0), points[LEFT_EYE].mean(axis=0)])
