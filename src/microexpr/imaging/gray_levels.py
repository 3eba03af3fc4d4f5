"""Gray levels of RGB images, by the weights of ITU-R BT.601, as in OpenCV and everywhere in the field."""

from __future__ import annotations

import numpy as np

WEIGHTS = (0.299, 0.587, 0.114)
"""Of red, green and blue."""


def gray_levels(images: np.ndarray) -> np.ndarray:
    """(..., height, width) float32 gray levels, not rounded, of RGB images (..., height, width, 3)."""
    return images.astype(np.float32) @ np.array(WEIGHTS, np.float32)
