"""Images turned, shifted and scaled as a whole. Whole numbers are the middles of pixels, as OpenCV has it."""

from __future__ import annotations

import math

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


def transform_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(n, 2) points mapped by a (2, 3) matrix."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def averaging_block(matrix: np.ndarray) -> int:
    """Side in pixels of the squares to average before an image is mapped: so many that two or less make one pixel."""
    (a, b), (c, d) = matrix[:, :2].tolist()
    return max(1, math.ceil(0.5 / math.sqrt(abs(a * d - b * c)) - 1e-6))


def warp_image(
    image: np.ndarray, matrix: np.ndarray, side: int, *, interpolation: int, border: int, block: int | None = None
) -> np.ndarray:
    """(side, side[, 3]) uint8: an image mapped by `matrix`, averaged first where it gets less than half as large.

    Args:
        image: (height, width[, 3]) uint8.
        matrix: (2, 3) map from pixels of the image to pixels of the result.
        side: of the result in pixels.
        interpolation: e.g. `cv2.INTER_LINEAR`.
        border: what lies outside the image, e.g. `cv2.BORDER_REPLICATE`.
        block: side of the squares that are averaged; `averaging_block(matrix)` when None. One for all frames
            of a face keeps
            them equally sharp.
    """
    block = averaging_block(matrix) if block is None else block
    if block >= 2:  # warpAffine does not average
        left, top, right, bottom = source_region(matrix, side, block, *image.shape[:2])
        part = image[top:bottom, left:right]
        small = (max(1, part.shape[1] // block), max(1, part.shape[0] // block))
        part = part[: small[1] * block, : small[0] * block]  # whole blocks: their average is fast and shifts nothing
        image = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
        shift = np.array([left, top]) + (block - 1) / 2
        matrix = np.column_stack([matrix[:, :2] * block, matrix[:, 2] + matrix[:, :2] @ shift])
    return cv2.warpAffine(image, matrix, (side, side), flags=interpolation, borderMode=border)


def source_region(matrix: np.ndarray, side: int, block: int, height: int, width: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part of an image that `warp_image` shows, in whole blocks where it can be."""
    corners = np.array([[0, 0], [0, side], [side, 0], [side, side]]) - 0.5
    there = transform_points(corners, cv2.invertAffineTransform(matrix))
    low = np.floor(there.min(axis=0) / block).astype(int) - 3  # what cubic interpolation looks at, and a little more
    high = np.ceil(there.max(axis=0) / block).astype(int) + 3
    most = np.array([width, height])
    low = np.clip(low * block, 0, (most - 1) // block * block)
    high = np.clip(high * block, low + 1, most)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
