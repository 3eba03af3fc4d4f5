"""HOG-TOP and HIGO-TOP: against their formula, by hand, and their declared settings."""

import itertools
import math

import numpy as np
import pytest

from microexpr.core.errors import MicroexprError
from microexpr.features import FEATURES, check_feature

NOISE = np.random.default_rng(0).integers(0, 6, (8, 11, 13), np.uint8)  # few gray levels: many gradients are 0
AXES = {"XY": (2, 1), "XT": (2, 0), "YT": (1, 0)}


def plain_hog_top(volume, planes, bins, weighted, signed):
    """The formula of a single block, voxel by voxel."""
    clip = volume.astype(float)
    histograms = []
    for plane in planes:
        histogram = np.zeros(bins)
        for at in itertools.product(*(range(1, n - 1) for n in clip.shape)):
            u, v = (_difference(clip, at, axis) for axis in AXES[plane])
            if u or v:
                position = math.atan2(v, u) / (2 * math.pi if signed else math.pi) * bins
                histogram[round(position) % bins] += math.hypot(u, v) if weighted else 1
        histograms.append(histogram / histogram.sum())
    return np.concatenate(histograms)


def _difference(clip, at, axis):
    after, before = list(at), list(at)
    after[axis] += 1
    before[axis] -= 1
    return clip[tuple(after)] - clip[tuple(before)]


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize(("signed", "bins"), [(False, 8), (True, 8), (False, 9)])
def test_it_equals_its_formula(weighted, signed, bins):
    settings = {"planes": ["YT", "XY", "XT"], "bins": bins, "weighted": weighted, "signed": signed}
    feature = FEATURES.build({"name": "hog-top", "grid": [1, 1, 1], **settings})
    assert feature(NOISE) == pytest.approx(plain_hog_top(NOISE, **settings), abs=1e-6)


def test_a_moving_edge_by_hand():
    """A ramp to the right that moves right by one pixel a frame: the gradient is (1, 0) in space, -1 in time."""
    t, _, x = np.mgrid[:6, :9, :20]
    clip = (100 + 3 * (x - t)).astype(np.uint8)
    histograms = FEATURES.build({"name": "hog-top", "grid": [1, 1, 1]})(clip).reshape(3, 8)
    assert histograms.argmax(axis=1).tolist() == [0, 6, 4]  # level, -45 degrees = 135, upright
    assert histograms.max(axis=1) == pytest.approx([1, 1, 1])
    turned = FEATURES.build({"name": "hog-top", "grid": [1, 1, 1], "signed": True})(255 - clip).reshape(3, 8)
    assert turned.argmax(axis=1).tolist() == [4, 3, 2]  # dark on light: the opposite directions


def test_blocks_lie_in_the_order_time_rows_columns():
    clip = np.zeros((8, 14, 14), np.uint8)
    clip[4:, 8:, :] = (9 * np.arange(14)).astype(np.uint8)  # a ramp in the lower half of the second half of the clip
    found = FEATURES.build({"name": "hog-top", "planes": ["XY"], "grid": [2, 2, 2]})(clip).reshape(2, 2, 2, 8)
    assert found.any(axis=-1).tolist() == [[[False, False], [False, False]], [[False, False], [True, True]]]


@pytest.mark.parametrize(
    "settings",
    [
        {"weighted": False},
        {"planes": ["XY"], "weighted": False, "grid": [4, 3, 1]},
        {"planes": ["XT", "YT"], "bins": 12, "signed": True, "grid": [2, 2, 3]},
    ],
    ids=str,
)
def test_it_passes_the_check(settings):
    check_feature({"name": "hog-top", **settings})


def test_planes_without_time_take_one_frame():
    still = FEATURES.build({"name": "hog-top", "planes": ["XY"], "grid": [1, 1, 1]})
    assert still.frames == 1 and still(NOISE[:1]) == pytest.approx(still(np.repeat(NOISE[:1], 3, axis=0)))
    assert FEATURES.build({"name": "hog-top"}).frames == 4


@pytest.mark.parametrize(
    ("settings", "size", "text"),
    [
        ({"planes": ["TX"]}, (9, 9), "planes"),
        ({"planes": []}, (9, 9), "planes"),
        ({}, (2, 9), "no inner pixel"),
        ({}, (9, 9), "too few for 8 blocks"),
    ],
)
def test_wrong_settings_and_images_are_errors(settings, size, text):
    with pytest.raises(MicroexprError, match=text):
        FEATURES.build({"name": "hog-top", **settings})(np.zeros((9, *size), np.uint8))
