"""Random fields that vary smoothly, and other shapes of many small images at once."""

from __future__ import annotations

from functools import cache

import numpy as np


@cache
def _kernels(length: int, sigma: float) -> np.ndarray:
    """(length, k) float32: Gaussians at k evenly spaced points, so that their random sum has variance 1 everywhere."""
    step = sigma * 1.25
    count = int(np.ceil((length + 4 * sigma) / step)) + 1
    centers = (length - 1) / 2 + (np.arange(count) - (count - 1) / 2) * step
    weights = np.exp(-0.5 * ((np.arange(length)[:, None] - centers) / sigma) ** 2)
    return np.asarray(weights / np.sqrt((weights**2).sum(axis=1, keepdims=True)), np.float32)


def smooth_noise(
    rng: np.random.Generator, count: tuple[int, ...], size: tuple[int, int], sigma: tuple[float, float]
) -> np.ndarray:
    """Normal noise of mean 0 and variance 1 that varies over a distance of `sigma`.

    Args:
        rng: source of the random numbers.
        count: shape of the array of images.
        size: height and width of an image in pixels.
        sigma: standard deviation of the smoothing across and along an image, in pixels, above 0.

    Returns:
        (*count, height, width) float32.
    """
    across, along = _kernels(size[1], round(sigma[0], 3)), _kernels(size[0], round(sigma[1], 3))
    points = rng.standard_normal((*count, along.shape[1], across.shape[1]), np.float32)
    rows = points.reshape(-1, across.shape[1]) @ across.T
    return np.asarray(along @ rows.reshape(*count, along.shape[1], size[1]))


def gaussian_sum(centers: np.ndarray, sigma: np.ndarray, moves: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Sums of Gaussians of displacement on a grid.

    Args:
        centers: (n, k, 2) x and y of k Gaussians in each of n images.
        sigma: (n, k, 2) their standard deviations along x and y.
        moves: (n, k, 2) displacement in the middle of each.
        x: (width,) positions of the columns of the grid.
        y: (height,) positions of its rows.

    Returns:
        (n, 2, height, width) float32 displacement in x and y.
    """
    centers, sigma, moves, x, y = (np.asarray(values, np.float32) for values in (centers, sigma, moves, x, y))
    across = np.exp(np.float32(-0.5) * ((x - centers[..., 0, None]) / sigma[..., 0, None]) ** 2)
    along = np.exp(np.float32(-0.5) * ((y[:, None] - centers[:, None, :, 1]) / sigma[:, None, :, 1]) ** 2)
    weighted = along[:, None] * np.moveaxis(moves, -1, 1)[:, :, None, :]
    height, width = len(y), len(x)
    return np.asarray(weighted.reshape(len(centers), 2 * height, -1) @ across).reshape(-1, 2, height, width)


def strain_of(flow: np.ndarray, pixel: tuple[float, float]) -> np.ndarray:
    """Optical strain of many flow fields, as `imaging.optical_flow.strain` has it for one.

    Args:
        flow: (n, 2, height, width).
        pixel: width and height of a pixel in the unit of the flow.

    Returns:
        (n, height, width) float32.
    """
    dx, dy = np.empty_like(flow), np.empty_like(flow)
    for step, axis in ((dx, 3), (dy, 2)):
        a, d = np.moveaxis(flow, axis, 0), np.moveaxis(step, axis, 0)
        d[1:-1] = (a[2:] - a[:-2]) / 2
        d[0], d[-1] = a[1] - a[0], a[-1] - a[-2]
    dx /= np.float32(pixel[0])
    dy /= np.float32(pixel[1])
    shear = dy[:, 0] + dx[:, 1]
    return np.asarray(np.sqrt(dx[:, 0] ** 2 + dy[:, 1] ** 2 + shear**2 / 2))


def averaged(images: np.ndarray, block: int) -> np.ndarray:
    """Images (..., height, width) as means of squares of `block` pixels."""
    total = images[..., ::block, ::block].copy()
    for row, column in list(np.ndindex(block, block))[1:]:
        total += images[..., row::block, column::block]
    return np.asarray(total / np.float32(block**2))
