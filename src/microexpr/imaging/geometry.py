"""Similarity maps of points and images. Integer coordinates are the centers of pixels, as in OpenCV."""

from __future__ import annotations

import math

import cv2
import numpy as np


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(2, 3) rotation, scale and shift that maps points to others with the least squared error.

    Args:
        source, target: (n, 2) x and y in pixels, n at least 2, not all equal.

    Source: Cootes et al., Active shape models (1995), appendix A.
    """
    source_center, target_center = source.mean(axis=0), target.mean(axis=0)
    before, after = source - source_center, target - target_center
    size = max(float((before**2).sum()), 1e-12)
    a = float((before * after).sum()) / size
    b = float((before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]).sum()) / size
    turn = np.array([[a, -b], [b, a]])
    return np.column_stack([turn, target_center - turn @ source_center])


def rigid_map(source: np.ndarray, target: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotation with scale, (d, d), and shift, (d,), that maps points to others with the least weighted squared error.

    Args:
        source, target: (n, d) points in two or three dimensions.
        weights: (n,) not negative, not all 0.

    Source: Umeyama, Least-squares estimation of transformation parameters between two point patterns (1991).
    """
    parts = weights[:, None] / weights.sum()
    source_center, target_center = (parts * source).sum(axis=0), (parts * target).sum(axis=0)
    before, after = source - source_center, target - target_center
    left, sizes, right = np.linalg.svd((parts * after).T @ before)
    signs = np.ones(len(sizes))
    signs[-1] = np.sign(np.linalg.det(left @ right))
    scale = float(sizes @ signs) / max(float((parts * before**2).sum()), 1e-12)
    turn = scale * (left * signs) @ right
    return turn, target_center - turn @ source_center


def transform_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(n, 2) points mapped by a (2, 3) matrix."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def averaging_block(matrix: np.ndarray) -> int:
    """Side in pixels of the squares that are averaged before an image is mapped.

    A pixel of the result then covers at most two averaged pixels in each direction.
    """
    (a, b), (c, d) = matrix[:, :2].tolist()
    return max(1, math.ceil(0.5 / math.sqrt(abs(a * d - b * c)) - 1e-6))


def warp_image(
    image: np.ndarray,
    matrix: np.ndarray,
    side: int,
    *,
    interpolation: int,
    border: int,
    block: int | None = None,
    gray: bool = False,
) -> np.ndarray:
    """(side, side[, 3]) uint8: an image mapped by `matrix`; it is averaged first if it gets less than half as large.

    Args:
        image: (height, width[, 3]) uint8.
        matrix: (2, 3) map from pixels of the image to pixels of the result.
        side: of the result in pixels.
        interpolation: e.g. `cv2.INTER_LINEAR`.
        border: how the image continues outside, e.g. `cv2.BORDER_REPLICATE`.
        block: side of the squares that are averaged; `averaging_block(matrix)` when None. The same block for all
            frames of a face keeps them equally sharp.
        gray: whether an RGB image is mapped to gray levels.
    """
    block = averaging_block(matrix) if block is None else block
    if block >= 2:  # warpAffine does not average
        left, top, right, bottom = source_region(matrix, side, block, *image.shape[:2])
        part = image[top:bottom, left:right]
        small = (max(1, part.shape[1] // block), max(1, part.shape[0] // block))
        part = part[: small[1] * block, : small[0] * block]  # whole blocks: averaging them is fast and shifts nothing
        part = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY) if gray else part
        image = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
        shift = np.array([left, top]) + (block - 1) / 2
        matrix = np.column_stack([matrix[:, :2] * block, matrix[:, 2] + matrix[:, :2] @ shift])
    elif gray:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.warpAffine(image, matrix, (side, side), flags=interpolation, borderMode=border)


def source_region(matrix: np.ndarray, side: int, block: int, height: int, width: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part of an image that `warp_image` reads, in whole blocks where possible."""
    (a, b, x0), (c, d, y0) = cv2.invertAffineTransform(matrix).tolist()
    ends = (-0.5, side - 0.5)
    across = [a * x + b * y + x0 for x in ends for y in ends]
    down = [c * x + d * y + y0 for x in ends for y in ends]
    left, right = _whole_blocks(min(across), max(across), block, width)
    top, bottom = _whole_blocks(min(down), max(down), block, height)
    return left, top, right, bottom


def _whole_blocks(low: float, high: float, block: int, size: int) -> tuple[int, int]:
    """First pixel, and the one after the last, of the blocks around a range of one axis."""
    first = (math.floor(low / block) - 3) * block  # cubic interpolation reads two pixels more
    first = min(max(first, 0), (size - 1) // block * block)
    return first, min(max((math.ceil(high / block) + 3) * block, first + 1), size)
