"""Descriptors: against plain implementations of their formulas, their properties and errors."""

import itertools
import math

import numpy as np
import pytest

from microexpr.core.errors import MicroexprError
from microexpr.features import FEATURES, check_feature
from microexpr.features.base import blocks
from microexpr.features.hog3d import box_means, icosahedron_axes, quantized
from microexpr.features.lbp_top import LBPTOP, bins_of
from microexpr.preprocessing import Chain

CASES = [
    {"name": "lbp"},
    {"name": "lbp", "neighbors": 4, "uniform": False, "grid": [2, 3]},
    {"name": "lbp-top"},
    {"name": "lbp-top", "neighbors": 8, "radii": [3, 3, 3], "uniform": True, "grid": [2, 2], "overlap": 0.5},
    {"name": "lbp-top", "neighbors": 8, "radii": [2, 1, 3], "rounded": True, "grid": [3, 2]},
    {"name": "hoof"},
    {"name": "hoof", "bins": 12, "grid": [1, 1], "folded": False},
    {"name": "hoof", "normalize": "image", "interpolate": True, "square_root": True},
    {"name": "hog3d"},
    {"name": "hog3d", "cells": [2, 2, 1], "boxes": 2, "opposite": True},
]


@pytest.mark.parametrize("settings", CASES, ids=str)
def test_features_pass_their_check(settings):
    check_feature(settings)


@pytest.mark.parametrize("name", FEATURES.names())
def test_every_feature_passes_its_check_with_its_defaults(name):
    check_feature({"name": name})


def plain_lbp_top(volume: np.ndarray, feature: LBPTOP) -> np.ndarray:
    """The formula, voxel by voxel: no block, no trick."""
    rx, ry, rt = feature.radii
    n = feature.neighbors
    at = lambda t, y, x: _linear(volume, t, y, x, feature.rounded)  # noqa: E731
    histograms = np.zeros((3, 2**n))
    steps = itertools.product(*(range(r, size - r) for r, size in zip((rt, ry, rx), volume.shape, strict=True)))
    for t, y, x in steps:
        codes = [0, 0, 0]
        for p in range(n):
            c, s = math.cos(2 * math.pi * p / n), math.sin(2 * math.pi * p / n)
            around = (at(t, y - ry * s, x + rx * c), at(t - rt * s, y, x + rx * c), at(t - rt * s, y + ry * c, x))
            for plane, value in enumerate(around):
                codes[plane] += (value >= volume[t, y, x] - 1e-3) << p
        for plane in range(3):
            histograms[plane, codes[plane]] += 1
    bins = bins_of(n, feature.uniform)
    merged = np.stack([np.bincount(bins, h, bins.max() + 1) for h in histograms])
    return (merged / merged.sum(axis=1, keepdims=True)).ravel()


def _linear(volume: np.ndarray, t: float, y: float, x: float, rounded: bool) -> float:
    if rounded:
        return float(volume[round(t), round(y), round(x)])
    low = [math.floor(v + 1e-9) for v in (t, y, x)]
    parts = [v - b for v, b in zip((t, y, x), low, strict=True)]
    total = 0.0
    for corner in itertools.product((0, 1), repeat=3):
        weight = math.prod(p if c else 1 - p for c, p in zip(corner, parts, strict=True))
        if weight > 1e-9:
            total += weight * float(volume[tuple(b + c for b, c in zip(low, corner, strict=True))])
    return total


@pytest.mark.parametrize(
    "settings",
    [
        {"neighbors": 4, "radii": (1, 1, 4)},
        {"neighbors": 8, "radii": (1, 1, 2), "uniform": True},
        {"neighbors": 8, "radii": (3, 2, 3)},
        {"neighbors": 8, "radii": (2, 2, 2), "rounded": True, "uniform": True},
        {"neighbors": 6, "radii": (1, 2, 1)},
    ],
    ids=str,
)
def test_lbp_top_equals_its_formula(settings):
    feature = LBPTOP(grid=(1, 1), **settings)
    volume = np.random.default_rng(0).integers(0, 6, (11, 12, 13), np.uint8)  # few gray levels: many equal ones
    assert feature(volume) == pytest.approx(plain_lbp_top(volume, feature), abs=1e-6)


def test_lengths_of_the_literature():
    assert LBPTOP(grid=(8, 8), neighbors=8, radii=(3, 3, 3), uniform=True).length == 11328  # meb
    assert [len(np.unique(bins_of(p, True))) for p in (4, 8)] == [15, 59]
    assert FEATURES.build({"name": "hog3d"}).length == 960
    assert FEATURES.build({"name": "hoof"}).length == 200


def test_lbp_top_is_invariant_to_brightness():
    clip = np.random.default_rng(1).integers(0, 100, (12, 40, 40), np.uint8)
    feature = LBPTOP(grid=(2, 2))
    assert np.array_equal(feature(clip), feature(2 * clip + 7))


@pytest.mark.parametrize(("folded", "same"), [(True, True), (False, False)])
def test_hoof_folds_left_and_right(folded, same):
    feature = FEATURES.build({"name": "hoof", "grid": [1, 1], "folded": folded})
    flow = np.zeros((8, 8, 2), np.float32)
    flow[..., 0], flow[..., 1] = 1.0, 0.4
    assert np.array_equal(feature(flow), feature(flow * (-1, 1))) is same
    assert feature(flow).max() == 1 and np.array_equal(feature(flow), feature(3 * flow))
    assert not np.array_equal(feature(flow), feature(flow * (1, -1)))


def test_hoof_weights_directions_by_length():
    flow = np.zeros((1, 4, 2), np.float32)
    flow[0, :, 1] = [3, -1, 0, 0]
    assert sorted(FEATURES.build({"name": "hoof", "grid": [1, 1]})(flow))[-2:] == pytest.approx([0.25, 0.75])


def test_hoof_of_the_whole_image_keeps_which_block_moves_most():
    flow = np.zeros((1, 4, 2), np.float32)
    flow[0, :, 1] = [3, -1, 0, 0]  # up and down in the left block, nothing in the right one
    flow[0, 2:, 0] = 2
    feature = FEATURES.build({"name": "hoof", "bins": 4, "grid": [1, 2], "normalize": "image", "folded": False})
    assert feature(flow).sum() == pytest.approx(1) and feature(flow)[4:].sum() == pytest.approx(0.5)  # 4 of 8 pixels


@pytest.mark.parametrize(("folded", "expected"), [(False, [0, 0.75, 0.25, 0]), (True, [0.5, 0.5, 0, 0])])
def test_hoof_shares_a_direction_between_the_two_nearest_bins(folded, expected):
    """Bins of a full turn are centered at -135, -45, 45, 135 degrees, those of half a turn at -67.5, -22.5 ..."""
    angle = np.radians(-45 if folded else -22.5)
    flow = np.tile(np.array([np.cos(angle), np.sin(angle)], np.float32), (2, 2, 1))
    settings = {"name": "hoof", "bins": 4, "grid": [1, 1], "folded": folded, "interpolate": True}
    assert FEATURES.build(settings)(flow) == pytest.approx(expected, abs=1e-6)
    assert FEATURES.build({**settings, "square_root": True})(flow) == pytest.approx(np.sqrt(expected), abs=1e-4)


def test_icosahedron_axes_are_unit_normals_with_three_neighbors():
    axes = icosahedron_axes()
    assert np.allclose(np.linalg.norm(axes, axis=1), 1) and len(np.unique(axes.round(6), axis=0)) == 20
    assert np.allclose(axes[10:], -axes[:10])
    nearest = np.sort(axes @ axes.T, axis=1)[:, -4:-1]
    assert np.allclose(nearest, math.sqrt(5) / 3)  # three neighbors at 41.8 degrees


def test_a_gradient_along_a_normal_votes_for_it_alone():
    axes = icosahedron_axes()
    votes = quantized(2.5 * axes, opposite=False)
    assert np.allclose(votes, 2.5 * np.eye(20), atol=1e-6)
    assert np.allclose(quantized(axes[:1], True), quantized(-axes[:1], True))


def test_box_means_equal_plain_means():
    volume = np.random.default_rng(2).normal(size=(7, 9, 10))
    found = box_means(volume, (2, 3, 4))
    edges = [np.linspace(0, n, k + 1).round().astype(int) for n, k in zip(volume.shape, (2, 3, 4), strict=True)]
    for i, j, k in np.ndindex(found.shape):
        box = [slice(e[n], e[n + 1]) for e, n in zip(edges, (i, j, k), strict=True)]
        assert found[i, j, k] == pytest.approx(volume[tuple(box)].mean())


def test_hog3d_depends_on_direction_but_not_on_contrast():
    ramp = np.broadcast_to(np.arange(32, dtype=np.uint8)[None, None, :] * 2, (12, 32, 32))
    feature = FEATURES.build({"name": "hog3d"})
    assert feature(ramp) == pytest.approx(feature((ramp * 2).astype(np.uint8)), abs=1e-5)
    assert not np.allclose(feature(ramp), feature(np.ascontiguousarray(ramp.transpose(0, 2, 1))))


def test_blocks_cover_an_image_once():
    seen = np.zeros((47, 61), int)
    for block in blocks(47, 61, (5, 5)):
        seen[block] += 1
    assert (seen == 1).all()
    overlapping = list(blocks(100, 100, (3, 3), 0.5))
    assert overlapping[0][1].stop > overlapping[1][1].start and overlapping[-1][1].stop == 100


@pytest.mark.parametrize(
    ("settings", "array", "text"),
    [
        ({"name": "lbp-top"}, np.zeros((8, 40, 40), np.uint8), "needs 9 frames"),
        ({"name": "lbp-top"}, np.zeros((9, 4, 4), np.uint8), "too few for 5 blocks"),
        ({"name": "lbp-top", "neighbors": 9}, None, "neighbors = 9"),
        ({"name": "hog3d"}, np.zeros((9, 8, 40), np.uint8), "too small"),
        ({"name": "hoof"}, np.zeros((9, 8), np.uint8), "takes a flow"),
        ({"name": "lpb-top"}, None, "did you mean 'lbp-top'"),
    ],
)
def test_wrong_settings_and_arrays_are_errors(settings, array, text):
    with pytest.raises(MicroexprError, match=text):
        FEATURES.build(settings)(array)


def test_step_descriptor_replaces_frames_by_features(synthetic_datasets):
    steps = [
        {"name": "sequence", "min_frames": 9},
        {"name": "descriptor", "feature": {"name": "lbp-top", "grid": [2, 2]}},
    ]
    clip = synthetic_datasets["casme2"].clips()[0].blind(("onset", "apex", "offset"))
    sample = Chain.build(steps)(clip)
    assert sample.arrays["features"].shape == (2 * 2 * 3 * 16,)
    assert "frames" not in sample.arrays
    with pytest.raises(MicroexprError, match="no setting 'gird'"):
        Chain.build([{"name": "descriptor", "feature": {"name": "lbp-top", "gird": [2, 2]}}])


def test_lbp_equals_the_xy_plane_of_lbp_top():
    frames = np.random.default_rng(4).integers(0, 256, (9, 40, 42), np.uint8)
    plain = FEATURES.build({"name": "lbp", "grid": [1, 1], "neighbors": 4, "uniform": False})(frames[4:5])
    planes = FEATURES.build({"name": "lbp-top", "grid": [1, 1], "neighbors": 4, "radii": [1, 1, 4]})(frames)
    # One counts neighbors from the right clockwise, the other the other way round: the same bins in another order.
    assert np.allclose(np.sort(plain), np.sort(planes[:16]), atol=0.002)
