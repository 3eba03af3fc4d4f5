"""Patterns of sign, magnitude and orientation against a plain transcription of their definitions."""

import math

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.features.completed_patterns import CompletedPatterns

SMALL = CompletedPatterns(grid=(1, 1), neighbors=4, radii=(1, 2, 1))


def clip(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 100, (6, 11, 9), np.uint8)


def plain(gray: np.ndarray) -> np.ndarray:
    """(plane, component, pattern) counts of `SMALL`, voxel by voxel."""
    g = gray.astype(int)
    steps = {"x": (0, 0, 1), "y": (0, 1, 0), "t": (1, 0, 0)}
    radius = {"x": 1, "y": 2, "t": 1}
    counts = np.zeros((3, 3, 16), int)
    voxels = [(t, y, x) for t in range(1, 5) for y in range(2, 9) for x in range(1, 8)]

    def at(voxel, step, times):
        where = [min(max(v + times * s, 0), size - 1) for v, s, size in zip(voxel, step, g.shape, strict=True)]
        return g[tuple(where)]

    def angle(voxel, axes):
        rises = [at(voxel, steps[a], 1) - at(voxel, steps[a], -1) for a in axes]
        return round(math.atan2(rises[1], rises[0]) / (2 * math.pi) * 256)

    for plane, axes in enumerate(("xy", "xt", "yt")):
        neighbors = [(axes[0], 1), (axes[1], -1), (axes[0], -1), (axes[1], 1)]
        around = {v: [tuple(np.add(v, np.multiply(steps[a], s * radius[a]))) for a, s in neighbors] for v in voxels}
        sizes = {v: [abs(g[n] - g[v]) for n in around[v]] for v in voxels}
        turns = {}
        for v in voxels:
            apart = [abs(angle(n, axes) - angle(v, axes)) % 256 for n in around[v]]
            turns[v] = [min(a, 256 - a) for a in apart]
        for v in voxels:
            bits = [
                [g[n] >= g[v] for n in around[v]],
                [s >= np.mean(list(sizes.values())) for s in sizes[v]],
                [t >= np.mean(list(turns.values())) for t in turns[v]],
            ]
            for component, own in enumerate(bits):
                counts[plane, component, sum(int(bit) << p for p, bit in enumerate(own))] += 1
    return counts


def test_patterns_are_those_of_the_definitions():
    found = SMALL(clip()).reshape(3, 3, 16)
    assert np.array_equal(found, plain(clip()))


def test_every_voxel_of_a_block_is_counted_once_for_each_plane_and_component():
    feature = CompletedPatterns(grid=(2, 3), radii=(1, 1, 2))
    found = feature(clip()).reshape(6, 9, 256)
    assert (found.sum(axis=2) == found.sum(axis=2)[:, :1]).all()
    assert found.sum(axis=(0, 2)).tolist() == [2 * 9 * 7] * 9


def test_images_that_are_too_small_are_an_error():
    with pytest.raises(RecipeError, match="too small for radii"):
        CompletedPatterns()(np.zeros((9, 6, 40), np.uint8))
