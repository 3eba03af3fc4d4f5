"""Facial dynamics map: fine alignment, principal direction, cuboids."""

import math

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.features import FEATURES, check_feature
from microexpr.features.fdm import common_value, principal_motion


def fdm(**settings):
    return FEATURES.build({"name": "fdm", **settings})


def test_what_most_pixels_share_is_the_motion_of_the_head():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(1.5, 0.05, 700), rng.normal(4, 0.5, 300)])  # the rest of the face, and a smile
    assert common_value(values, 1.0) == pytest.approx(1.5, abs=0.01)
    assert np.median(values) > 1.52 and values.mean() > 2
    assert common_value(np.array([2.0, 2.0, 2.0, 9.0]), 1.0) == 2


def test_the_principal_direction_gathers_most_motion():
    """No direction of a fine scale of them has a larger sum of what the vectors have along it, forward only."""
    rng = np.random.default_rng(1)
    vectors = np.concatenate([rng.normal((1, 0.5), 0.5, (80, 2)), rng.normal((-2, 0), 0.3, (20, 2))])
    found = principal_motion(vectors)
    angles = np.radians(np.arange(360))
    sums = np.maximum(vectors @ np.stack([np.cos(angles), np.sin(angles)]), 0).sum(axis=0)
    assert math.atan2(found[1], found[0]) == pytest.approx(angles[sums.argmax()], abs=math.radians(1))
    assert np.linalg.norm(found) * len(vectors) == pytest.approx(sums.max(), rel=1e-3)


def test_vectors_that_cancel_each_other_have_a_principal_direction():
    assert principal_motion(np.array([[1.0, 0], [-1, 0], [0, 0], [0, 0]])) == pytest.approx([0.25, 0])
    assert principal_motion(np.zeros((4, 2))) == pytest.approx([0, 0])


def test_cuboids_in_time_then_down_then_across():
    flow = np.zeros((4, 12, 12, 2), np.float32)
    flow[2:, 6:, :6] = (0, 3)  # in the second half of the time, below, on the left
    flow += (5, -2)  # the head
    values = fdm(cells=[2, 2, 2])(flow).reshape(2, 2, 2, 2)
    expected = np.zeros((2, 2, 2, 2))
    expected[1, 1, 0] = (0, 3)
    assert values == pytest.approx(expected)
    assert fdm(cells=[2, 2, 2], lengths="unit")(flow).sum() == pytest.approx(1)
    assert fdm(cells=[2, 2, 2], align=False)(flow).reshape(2, 2, 2, 2)[0, 0, 0] == pytest.approx([5, -2])


def test_a_single_flow_is_a_short_series():
    flow = np.random.default_rng(2).normal(size=(16, 16, 2)).astype(np.float32)
    assert np.array_equal(fdm()(flow), fdm()(flow[None]))
    with pytest.raises(RecipeError, match="needs 3 flows or more; got 1"):
        fdm(cells=[4, 4, 3])(flow)
    with pytest.raises(RecipeError, match="too few for cells"):
        fdm()(flow[:4])


def test_settings():
    check_feature({"name": "fdm", "cells": [3, 4, 2], "lengths": "unit"})
