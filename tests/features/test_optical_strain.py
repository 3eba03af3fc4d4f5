"""Optical strain: the strain of motions that are known, and the pooled maps."""

import cv2
import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.features import FEATURES, check_feature
from microexpr.imaging.optical_flow import strain

Y, X = np.mgrid[:40, :50].astype(np.float64)
ZERO = np.zeros_like(X)


@pytest.mark.parametrize(
    ("u", "v", "frobenius", "once"),
    [
        (ZERO + 3, ZERO - 2, 0, 0),  # a shift
        (-0.1 * Y, 0.1 * X, 0, 0),  # a rotation
        (0.2 * X, ZERO, 0.2, 0.2),
        (ZERO, -0.2 * Y, 0.2, 0.2),
        (0.2 * Y, ZERO, 0.2 / np.sqrt(2), 0.1),
        (ZERO, 0.2 * X, 0.2 / np.sqrt(2), 0.1),
    ],
)
def test_strain_of_known_motions(u, v, frobenius, once):
    flow = np.stack([u, v], axis=-1)
    assert strain(flow) == pytest.approx(ZERO + frobenius)
    assert strain(flow, "shear-once") == pytest.approx(ZERO + once)


def flows() -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(3, 40, 50, 2))
    return np.stack([size * cv2.GaussianBlur(one, (0, 0), 3) for size, one in zip((1, 2, 5), noise, strict=True)])


def test_the_mean_map_is_brought_to_one_and_made_small():
    found = FEATURES.build({"name": "optical-strain", "size": [4, 5]})(flows())
    mean = np.mean([strain(flow) for flow in flows()], axis=0)
    expected = (mean / mean.max()).reshape(4, 10, 5, 10).mean(axis=(1, 3))
    assert found == pytest.approx(expected.ravel(), abs=1e-6)


def test_each_map_can_be_brought_to_one_before_the_mean():
    settings = {"name": "optical-strain", "size": [40, 50], "normalize": "frame"}
    maps = [strain(flow) for flow in flows()]
    mean = np.mean([one / one.max() for one in maps], axis=0)
    assert FEATURES.build(settings)(flows()) == pytest.approx((mean / mean.max()).ravel(), abs=1e-6)
    check_feature({**settings, "strain_norm": "shear-once"})


def test_motion_of_the_head_alone_is_zero():
    flow = np.stack([2 - 0.1 * Y, 0.1 * X - 1], axis=-1).astype(np.float32)
    assert (FEATURES.build({"name": "optical-strain", "size": [8, 10]})(flow) == 0).all()


def test_a_flow_that_is_too_small_is_an_error():
    with pytest.raises(RecipeError, match=r"too few for size = \(50, 50\)"):
        FEATURES.build({"name": "optical-strain"})(np.zeros((28, 28, 2), np.float32))
