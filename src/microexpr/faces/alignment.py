"""Positions of the eyes in an aligned face; every aligned crop has the same."""

from __future__ import annotations

import numpy as np

RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)
"""Indices of the landmarks around the person's right and left eye, of 68."""

RIGID = [36, 39, 42, 45, 27, 28]
"""Landmarks that move with the head and not with the expression: corners of the eyes and root of the nose."""

RIGID_POSITIONS = np.array([[-0.70, 0], [-0.27, 0.02], [0.27, 0.02], [0.70, 0], [0, -0.08], [0, 0.17]])
"""Positions of the rigid landmarks where the centers of the eyes are at -0.5 and 0.5: means over real faces."""

MARGIN, EYE_X, EYE_Y = 0.05, 0.29, 0.31
"""Default margin around the square of the face, and position of the right eye in it, as fractions of its side."""


def eye_positions(size: int, margin: float = MARGIN, eye_x: float = EYE_X, eye_y: float = EYE_Y) -> np.ndarray:
    """Positions of the centers of both eyes in an aligned crop.

    Args:
        size: side of the crop in pixels.
        margin: around the square of the face on each side, as a fraction of its side.
        eye_x, eye_y: position of the person's right eye in the square, 0 to 1 from its upper left corner; the left eye
            mirrors it.

    Returns:
        (2, 2) x and y of the right and the left eye, in pixels of the crop.
    """
    positions = np.array([[eye_x, eye_y], [1 - eye_x, eye_y]])
    return (0.5 + (positions - 0.5) / (1 + 2 * margin)) * size - 0.5


def eye_centers(points: np.ndarray) -> np.ndarray:
    """(2, 2) x and y of the centers of the person's right and left eye, from (68, 2) landmarks."""
    return np.stack([points[RIGHT_EYE].mean(axis=0), points[LEFT_EYE].mean(axis=0)])


def rigid_positions(size: int) -> np.ndarray:
    """(6, 2) positions of the rigid landmarks in an aligned crop whose side is `size` pixels."""
    eyes = eye_positions(size)
    return RIGID_POSITIONS * np.ptp(eyes[:, 0]) + eyes.mean(axis=0)
