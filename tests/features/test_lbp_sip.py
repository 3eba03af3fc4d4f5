"""LBP-SIP: against its formula, and against the planes of LBP-TOP whose neighbors it reads once."""

import itertools

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.features import FEATURES, check_feature

NOISE = np.random.default_rng(0).integers(0, 6, (11, 12, 13), np.uint8)  # few gray levels: many equal ones


def plain_lbp_sip(volume, radii):
    """The formula, voxel by voxel."""
    rx, ry, rt = radii
    space, time = np.zeros(16), np.zeros(4)
    for t, y, x in itertools.product(*(range(r, n - r) for r, n in zip((rt, ry, rx), volume.shape, strict=True))):
        center = volume[t, y, x]
        around = volume[t, y, x + rx], volume[t, y - ry, x], volume[t, y, x - rx], volume[t, y + ry, x]
        space[sum(int(value >= center) << p for p, value in enumerate(around))] += 1
        time[int(volume[t - rt, y, x] >= center) + 2 * int(volume[t + rt, y, x] >= center)] += 1
    return np.concatenate([space / space.sum(), time / time.sum()])


@pytest.mark.parametrize("radii", [(1, 1, 4), (3, 2, 1)])
def test_it_equals_its_formula(radii):
    feature = FEATURES.build({"name": "lbp-sip", "grid": [1, 1], "radii": radii})
    assert feature(NOISE) == pytest.approx(plain_lbp_sip(NOISE, radii), abs=1e-6)


def test_the_code_of_the_frame_is_that_of_lbp_top():
    settings = {"grid": [2, 2], "radii": [1, 2, 3], "overlap": 0.3}
    sip = FEATURES.build({"name": "lbp-sip", **settings})(NOISE).reshape(4, 20)
    planes = FEATURES.build({"name": "lbp-top", "neighbors": 4, **settings})(NOISE).reshape(4, 3, 16)
    assert np.array_equal(sip[:, :16], planes[:, 0])
    time = planes[:, 1].reshape(4, 2, 2, 2, 2)  # bits of XT from the highest: after, left, before, right
    assert sip[:, 16:] == pytest.approx(time.sum(axis=(2, 4)).reshape(4, 4), abs=1e-6)


def test_it_passes_the_check_with_other_settings():
    check_feature({"name": "lbp-sip", "grid": [2, 3], "radii": [3, 3, 2], "overlap": 0.5})


def test_it_has_twenty_values_a_block():
    assert FEATURES.build({"name": "lbp-sip"}).length == 25 * 20


def test_images_smaller_than_the_radii_are_an_error():
    with pytest.raises(RecipeError, match="too small for radii"):
        FEATURES.build({"name": "lbp-sip", "radii": [7, 7, 1]})(NOISE)
