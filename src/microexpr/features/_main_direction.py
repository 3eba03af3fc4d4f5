"""The mean motion in the main direction of regions, which several descriptors share (Liu et al. 2016)."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

Components = Literal["polar", "cartesian"]
"""`polar`: the lengths of all regions, then their angles; `cartesian`: all x, then all y."""


def main_vectors(u: np.ndarray, v: np.ndarray, region: np.ndarray, regions: int, bins: int) -> np.ndarray:
    """(regions, 2) mean of the vectors in the fullest bin of directions of each region.

    Bins are centered on the multiples of 360 / bins degrees. A bin is as full as the number of its vectors, however
    long; of two that are equally full, it is the first one from 0 degrees on. A vector of length 0 has no direction and
    does not count; a region in which nothing moves has the mean 0.

    Args:
        u, v: (n,) the vectors.
        region: (n,) int, the region of each, 0 to regions - 1.
        regions: number of regions.
        bins: even number of bins of the full turn.
    """
    index = direction_bins(u, v, bins)
    cell = region * bins + index
    counts = np.bincount(cell, minlength=regions * bins)
    if not u.all():  # seldom: what is still has no direction
        still = np.flatnonzero((u == 0) & (v == 0))
        counts = counts - np.bincount(cell[still], minlength=regions * bins)
    counts = counts.reshape(regions, bins)
    fullest = counts.argmax(axis=1)
    chosen = np.flatnonzero(index == fullest[region])  # what is still adds nothing to the sums
    there = region[chosen]
    sums = [np.bincount(there, part[chosen], minlength=regions) for part in (u, v)]
    return np.stack(sums, axis=1) / np.maximum(counts.max(axis=1), 1)[:, None]


def direction_bins(u: np.ndarray, v: np.ndarray, bins: int) -> np.ndarray:
    """(n,) bin of each vector; bin k is centered on k times 360 / bins degrees, for an even number of bins.

    The borders of the bins are bins / 2 lines through 0. On the left of how many of them a vector lies, and whether on
    that of the first, tells its bin: ten times as quick as its angle.
    """
    angles = (np.arange(bins // 2) + 0.5) * 2 * math.pi / bins
    sides = [v * np.float32(math.cos(angle)) > u * np.float32(math.sin(angle)) for angle in angles]
    left = sides[0].astype(np.int16)
    for side in sides[1:]:
        left += side
    return np.where(sides[0] | (left == 0), left, bins - left)


def arranged(vectors: np.ndarray, components: Components, weight: float = 0.5) -> np.ndarray:
    """(2 n,) values of (n, 2) vectors, scaled so that the longest one has the length 1.

    Args:
        vectors: x and y of each.
        components: as `Components` says; angles are -pi to pi, clockwise from the right in an image.
        weight: for `polar`, what the lengths are multiplied with; the angles are multiplied with 1 - weight.
    """
    lengths = np.hypot(vectors[:, 0], vectors[:, 1])
    longest = max(float(lengths.max()), 1e-12)
    if components == "cartesian":
        return (vectors / longest).T.ravel()
    angles = np.arctan2(vectors[:, 1], vectors[:, 0])
    return np.concatenate([weight * lengths / longest, (1 - weight) * angles])
