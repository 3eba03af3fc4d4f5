"""Whether two estimates of one motion agree, and the frame in which they agree best.

Releases of precomputed flow cut faces out differently. The same movement then lies in other pixels, and a recognizer
that learned one release misreads the other. Scale and shift between two releases are found from the flow alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.optimize import minimize

START = ((1.0, 1.0, 0.0, 0.0), (1.15, 1.15, 0.0, 0.0), (0.87, 0.87, 0.0, 0.0))
"""Scales and shifts from which the search starts."""

SMALL = 0.6
"""Largest logarithm of a scale, and largest shift as a share of the side, that are searched."""


@dataclass(frozen=True)
class Registration:
    """A scale and a shift that map the pixels of one frame to those of another.

    Attributes:
        scale_x: scale across the image, about its middle column.
        scale_y: scale along the image, about its middle row.
        right: shift to the right in pixels.
        down: shift down in pixels.
    """

    scale_x: float = 1.0
    scale_y: float = 1.0
    right: float = 0.0
    down: float = 0.0

    def matrix(self, height: int, width: int) -> np.ndarray:
        """(2, 3) map of pixels for images of that size."""
        x, y = (width - 1) / 2, (height - 1) / 2
        return np.array(
            [
                [self.scale_x, 0, x * (1 - self.scale_x) + self.right],
                [0, self.scale_y, y * (1 - self.scale_y) + self.down],
            ]
        )

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Map an image (height, width, channels) into the other frame; its edge continues outside."""
        matrix = self.matrix(*image.shape[:2])
        size = (image.shape[1], image.shape[0])
        return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def flow_agreement(first: np.ndarray, second: np.ndarray) -> float:
    """How well two estimates of one motion agree: the mean correlation of u and of v over the pixels, -1 to 1.

    It does not depend on where zero is and how large the motion is, which stretched images do not hold.

    Args:
        first: (height, width, channels) whose first two are u and v.
        second: the same shape.
    """
    return float(np.mean([_correlation(first[..., i], second[..., i]) for i in (0, 1)]))


def find_registration(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> Registration:
    """Find the scale and shift of `second` with which it agrees best with `first`, over all pairs together.

    Args:
        first: images (height, width, channels) whose first two channels are u and v.
        second: other estimates of the same motions, in the same order.
    """
    height, width = first[0].shape[:2]
    ones = [np.ascontiguousarray(image[..., :2], np.float32) for image in first]
    others = [np.ascontiguousarray(image[..., :2], np.float32) for image in second]

    def disagreement(values: np.ndarray) -> float:
        if np.abs(values).max() > SMALL:
            return 1.0 + float(np.abs(values).max())
        moved = _registration(values, height, width)
        return -float(np.mean([flow_agreement(a, moved.apply(b)) for a, b in zip(ones, others, strict=True)]))

    starts = [np.array([np.log(sx), np.log(sy), right, down]) for sx, sy, right, down in START]
    starts += [np.array([0.14, 0.14, 0.0, down]) for down in (-0.15, 0.15)]
    best = min(starts, key=disagreement)
    simplex = np.vstack([best, best + np.eye(4) * 0.06])
    found = minimize(disagreement, best, method="Nelder-Mead", options={"maxiter": 120, "initial_simplex": simplex})
    return _registration(found.x, height, width)


def _registration(values: np.ndarray, height: int, width: int) -> Registration:
    """The registration of two logarithms of scales and two shifts as shares of the sides."""
    scale_x, scale_y = np.exp(values[:2]).tolist()
    return Registration(scale_x, scale_y, float(values[2]) * width, float(values[3]) * height)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(dtype=np.float64), b - b.mean(dtype=np.float64)
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum() / size) if size > 0 else 0.0
