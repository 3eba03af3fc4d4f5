"""The main direction of regions: its bins and means against plain loops, and the descriptor of blocks."""

import math

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.features import FEATURES, check_feature
from microexpr.features._main_direction import arranged, direction_bins, main_vectors
from microexpr.features.base import blocks


def plain_main_vector(vectors: np.ndarray, bins: int) -> np.ndarray:
    """The mean of the vectors in the fullest bin, by angles."""
    moving = [(x, y) for x, y in vectors if (x, y) != (0, 0)]
    members: list[list[tuple[float, float]]] = [[] for _ in range(bins)]
    for x, y in moving:
        members[round(math.atan2(y, x) / (2 * math.pi / bins)) % bins].append((x, y))
    fullest = max(members, key=len)
    return np.mean(fullest, axis=0) if fullest else np.zeros(2)


@pytest.mark.parametrize("bins", [2, 4, 8, 12])
def test_bins_are_those_of_the_angle(bins):
    angle = np.linspace(-math.pi, math.pi, 997)
    found = direction_bins(np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32), bins)
    assert np.array_equal(found, np.round(angle / (2 * math.pi / bins)).astype(int) % bins)


def test_main_vectors_equal_their_definition():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 2)).astype(np.float32)
    vectors[::5] = 0
    region = rng.integers(0, 3, 300)
    found = main_vectors(vectors[:, 0], vectors[:, 1], region, 4, 8)
    expected = [plain_main_vector(vectors[region == number], 8) for number in range(4)]
    assert found == pytest.approx(np.array(expected), abs=1e-6)
    assert (found[3] == 0).all()  # a region without a vector


def test_the_fullest_bin_is_that_of_most_vectors_and_not_of_the_longest():
    u, v = np.array([1, 1, 3, 0, 0], np.float32), np.array([0.2, -0.2, 0, -9, -9], np.float32)
    assert main_vectors(u, v, np.zeros(5, int), 1, 8) == pytest.approx(np.array([[5 / 3, 0]]))


def test_values_are_arranged_by_component():
    vectors = np.array([[0, 2.0], [-1, 0], [0, 0]])
    assert arranged(vectors, "cartesian") == pytest.approx([0, -0.5, 0, 1, 0, 0])
    half_turn = math.pi / 2
    assert arranged(vectors, "polar", 0.5) == pytest.approx([0.5, 0.25, 0, half_turn / 2, half_turn, 0])
    assert arranged(vectors, "polar", 1.0)[3:] == pytest.approx(0)


def test_blocks_are_measured_one_by_one():
    flow = np.random.default_rng(1).normal(size=(20, 26, 2)).astype(np.float32)
    feature = FEATURES.build({"name": "main-direction", "grid": [2, 3]})
    vectors = np.array([plain_main_vector(flow[block].reshape(-1, 2), 8) for block in blocks(20, 26, (2, 3))])
    expected = vectors / np.linalg.norm(vectors, axis=1).max()
    assert feature(flow) == pytest.approx(expected.T.ravel(), abs=1e-6)


def test_settings():
    check_feature({"name": "main-direction", "grid": [3, 4], "bins": 4, "components": "polar"})
    with pytest.raises(RecipeError, match="bins = 7"):
        FEATURES.build({"name": "main-direction", "bins": 7})
    with pytest.raises(RecipeError, match="too few for 6 blocks"):
        FEATURES.build({"name": "main-direction"})(np.zeros((5, 9, 2), np.float32))
