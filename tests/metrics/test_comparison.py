"""A paired bootstrap over people and a permutation test give the values of small cases that can be counted by hand."""

import itertools

import numpy as np
import pytest

from microexpr.metrics.comparison import paired_difference


def accuracy(first, second):
    """The score of two methods from the fraction of each person's clips that they get right (as many clips each)."""
    values = np.array([first, second], float)
    return lambda weights: (weights * values).sum(axis=(1, 2)) / weights.sum(axis=(1, 2))


def test_five_people_that_one_method_alone_gets_right():
    found = paired_difference(accuracy([1] * 5, [0] * 5), [0] * 5)
    assert (found.first, found.second, found.difference) == (1, 0, 1)
    assert (found.low, found.high) == (1, 1)  # whoever is drawn, the difference is 1
    assert found.p_permutation == 2 / 32  # all kept, or all swapped
    assert found.p_bootstrap == pytest.approx(2 / 10_001)


def test_every_swap_is_counted():
    first, second = [1, 0.5, 0, 1], [0, 0.5, 1, 0]
    differences = np.array(first) - np.array(second)
    swaps = [np.mean(differences * signs) for signs in itertools.product((1, -1), repeat=4)]
    expected = np.mean(np.abs(swaps) >= abs(differences.mean()) - 1e-12)
    assert paired_difference(accuracy(first, second), [0] * 4).p_permutation == expected


def test_equal_methods_do_not_differ():
    found = paired_difference(accuracy([1, 0, 1] * 10, [1, 0, 1] * 10), [0] * 30)
    assert (found.difference, found.low, found.high) == (0, 0, 0)
    assert found.p_bootstrap == found.p_permutation == 1


def test_the_interval_is_that_of_the_differences_not_of_the_scores():
    """People differ much and the methods by .1 for each: an interval of unpaired scores would be far wider."""
    rng = np.random.default_rng(0)
    base = rng.uniform(0, 0.9, 50)
    found = paired_difference(accuracy(base + 0.1, base), [0] * 50)
    assert found.low == pytest.approx(0.1) and found.high == pytest.approx(0.1)
    noise = rng.normal(0, 0.2, 50)
    noisy = paired_difference(accuracy(base + noise, base), [0] * 50)
    error = noise.std() / np.sqrt(50)
    assert noisy.low == pytest.approx(noise.mean() - 1.96 * error, abs=0.01)
    assert noisy.high == pytest.approx(noise.mean() + 1.96 * error, abs=0.01)


def test_random_swaps_agree_with_the_sign_test():
    """30 people, of whom 21 are better by the same amount: the two-sided sign test has p = .0428."""
    found = paired_difference(accuracy([1] * 21 + [0] * 9, [0] * 21 + [1] * 9), [0] * 30, n=20_000)
    assert found.p_permutation == pytest.approx(0.0428, abs=0.005)


def test_people_are_drawn_within_their_stratum():
    """The first method is right for stratum 0 alone, half of the people: within strata, the score never varies."""
    strata = [0] * 10 + [1] * 10
    found = paired_difference(accuracy([1] * 10 + [0] * 10, [0] * 20), strata)
    assert (found.low, found.high) == (0.5, 0.5)
    found = paired_difference(accuracy([1] * 10 + [0] * 10, [0] * 20), [0] * 20)
    assert found.low < 0.4 and found.high > 0.6


def test_the_same_seed_gives_the_same_numbers():
    score = accuracy(np.linspace(0, 1, 20), np.linspace(1, 0, 20) ** 2)
    assert paired_difference(score, [0] * 20, seed=3) == paired_difference(score, [0] * 20, seed=3)
    with pytest.raises(ValueError, match="n = 0 samples"):
        paired_difference(score, [0] * 20, n=0)
