"""MM-COF: the combination and the modulation by hand."""

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.features import FEATURES, check_feature

FLOWS = np.zeros((2, 1, 4, 2), np.float32)
FLOWS[0, 0] = [(0, 0), (3, 4), (0, 5), (-10, 0)]  # lengths 0, 5, 5, 10
FLOWS[1, 0] = [(0, 1), (0, 1), (0, -5), (4, 3)]  # lengths 1, 1, 5, 5


def test_the_combination_by_hand():
    """Lengths from 0 to 1: 0, .5, .5, 1 and 0, 0, 1, 1; their mean: 0, .25, .75, 1; the mean of that is .5."""
    feature = FEATURES.build({"name": "mm-cof", "grid": [1, 4], "gain": 2.0, "damping": 0.5})
    expected = [(0, 0), (0.125 * 0.6, 0.125 * 0.8), (0, 1.5), (-2, 0)]
    assert feature(FLOWS).reshape(4, 2) == pytest.approx(np.array(expected), abs=1e-6)


def test_both_directions_by_hand():
    """(-10, 0) / 10 minus (4, 3) / 5."""
    settings = {"name": "mm-cof", "grid": [1, 4], "gain": 1.0, "damping": 1.0, "direction": "both"}
    direction = np.array([-1 - 0.8, -0.6])
    expected = direction / np.linalg.norm(direction)
    assert FEATURES.build(settings)(FLOWS)[-2:] == pytest.approx(expected, abs=1e-6)


def test_the_second_flow_counts():
    flows = np.random.default_rng(0).normal(size=(2, 28, 28, 2)).astype(np.float32)
    feature = FEATURES.build({"name": "mm-cof"})
    assert not np.allclose(feature(flows), feature(flows[[0, 0]]))
    only_first = FEATURES.build({"name": "mm-cof", "weights": [1.0, 0.0]})
    assert np.array_equal(only_first(flows), only_first(np.stack([flows[0], 2 * flows[0]])))


@pytest.mark.parametrize(("count", "text"), [(1, "needs 2 flows"), (3, "takes 2 flows, no more; got 3")])
def test_it_takes_two_flows(count, text):
    with pytest.raises(RecipeError, match=text):
        FEATURES.build({"name": "mm-cof"})(np.zeros((count, 28, 28, 2), np.float32))


def test_settings():
    check_feature({"name": "mm-cof", "direction": "both", "grid": [4, 5]})
