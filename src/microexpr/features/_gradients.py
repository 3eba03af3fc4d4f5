"""Directions of gradients in the three orthogonal planes of a clip, and their histograms."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Literal

import cv2
import numpy as np
from pydantic import Field

Plane = Literal["XY", "XT", "YT"]

Bins = Annotated[int, Field(ge=2, le=120)]
"""Number of bins; the index of a bin of twice as many fits into 8 bits."""

AXES: dict[Plane, tuple[int, int]] = {"XY": (2, 1), "XT": (2, 0), "YT": (1, 0)}
"""Axes of a clip (T, H, W) along which the two components of a plane's gradient are differences."""

Region = tuple[slice, slice, slice]
"""Frames, rows and columns."""


def differences(gray: np.ndarray, axis: int) -> np.ndarray:
    """(T - 2, H - 2, W - 2) float32: next gray level less the one before, along an axis of a clip (T, H, W) uint8."""
    after, before = [slice(1, -1)] * 3, [slice(1, -1)] * 3
    after[axis], before[axis] = slice(2, None), slice(None, -2)
    return np.subtract(gray[tuple(after)], gray[tuple(before)], dtype=np.float32)


def direction_bins(u: np.ndarray, v: np.ndarray, bins: int, signed: bool) -> np.ndarray:
    """Bin of the direction of each gradient (u, v), uint8; `bins` where both are 0, since that has no direction.

    The first bin is centered on the direction of the first axis, so that noise does not move an upright or a level edge
    from one bin to another.

    Args:
        u, v: (T, H, W) float32 components.
        bins: number of bins.
        signed: whether bins share a full turn; otherwise half a turn, and opposite gradients have the same bin.
    """
    flat = (len(u), -1)
    angle = cv2.phase(u.reshape(flat), v.reshape(flat)).reshape(u.shape)
    index = np.rint(angle * np.float32(bins / (2 * math.pi if signed else math.pi))).astype(np.uint8) % np.uint8(bins)
    index[(u == 0) & (v == 0)] = bins
    return index


def plane_histograms(
    gradients: tuple[np.ndarray, np.ndarray], regions: Iterable[Region], bins: int, signed: bool, weighted: bool
) -> np.ndarray:
    """(regions, bins) histograms of the directions in a plane; each sums to 1, or is 0 where all gradients are.

    Args:
        gradients: (T, H, W) float32, the two components.
        regions: parts of these arrays.
        bins, signed: as in `direction_bins`.
        weighted: whether a gradient counts as much as it is long; otherwise each counts once.
    """
    index = direction_bins(*gradients, bins, signed)
    flat = (len(index), -1)
    length = cv2.magnitude(*(g.reshape(flat) for g in gradients)).reshape(index.shape) if weighted else None
    counts = np.stack([_histogram(index[r], None if length is None else length[r], bins) for r in regions])
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12)


def _histogram(index: np.ndarray, length: np.ndarray | None, bins: int) -> np.ndarray:
    weights = None if length is None else length.ravel()
    return np.bincount(index.ravel(), weights, minlength=bins + 1)[:bins].astype(np.float64)
