"""Whole groups are dealt into folds of about equal size, alike on every machine."""

import numpy as np
import pytest

from microexpr.core.group_folds import assign_folds


def test_the_largest_group_goes_first_and_each_to_the_emptiest_fold():
    groups = ["a"] * 5 + ["b"] * 4 + ["c"] * 3 + ["d"] * 3 + ["e"]
    # a: 5 to fold 0; b: 4 to fold 1; c: 3 to fold 1, then 7; d: 3 to fold 0, then 8; e: 1 to fold 1, then 8.
    assert assign_folds(groups, 2).tolist() == [0] * 5 + [1] * 4 + [1] * 3 + [0] * 3 + [1]


@pytest.mark.parametrize("k", [2, 3, 7])
def test_a_group_is_in_one_fold_whatever_the_order(k):
    rng = np.random.default_rng(0)
    groups = [f"s{n:02d}" for n in rng.integers(20, size=200)]
    folds = assign_folds(groups, k)
    assert {len(set(folds[np.array(groups) == name])) for name in set(groups)} == {1}
    sizes = np.bincount(folds, minlength=k)
    assert sizes.max() - sizes.min() <= max(map(groups.count, groups))
    order = rng.permutation(200)
    assert assign_folds([groups[i] for i in order], k).tolist() == folds[order].tolist()


def test_with_few_groups_folds_stay_empty():
    assert assign_folds(["a", "b", "a"], 5).tolist() == [0, 1, 0]
