"""What the scores of folds betray: groups, small folds, chance."""

import numpy as np
import pytest

from microexpr.metrics.fold_spread import fold_spread


def test_two_kinds_of_folds_are_told_from_folds_that_differ_as_people_do():
    leaky, clean = (fold_spread(s) for s in ((0.19, 0.24, 0.82, 0.84, 0.76), (0.26, 0.22, 0.39, 0.32, 0.37)))
    assert leaky.two_kinds and leaky.groups == ((0.19, 0.24), (0.76, 0.84)) and leaky.gap == pytest.approx(0.52)
    assert not clean.two_kinds
    assert leaky.chance_clips == pytest.approx(0.57 * 0.43 / np.var([0.19, 0.24, 0.82, 0.84, 0.76], ddof=1))


def test_the_best_epoch_of_each_fold_shows_in_small_folds():
    """Folds of 2 to 30 clips, right by chance with .6; the leaky ones are the best of 50 tries each."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(2, 31, 40)
    clean = rng.binomial(sizes, 0.6) / sizes
    leaky = rng.binomial(sizes, 0.6, (50, 40)).max(axis=0) / sizes
    assert not fold_spread(clean, sizes.tolist()).small_better
    assert fold_spread(leaky, sizes.tolist()).small_better


def test_dispersion_is_one_by_chance():
    rng = np.random.default_rng(1)
    sizes = np.full(400, 20)
    assert fold_spread(rng.binomial(sizes, 0.5) / sizes, sizes.tolist()).dispersion == pytest.approx(1, abs=0.15)
    assert fold_spread([0, 0, 1, 1], [20, 20, 20, 20]).dispersion > 10


@pytest.mark.parametrize(("scores", "clips"), [([0.1, 0.2], None), ([0.1, 0.2, 1.2], None), ([0.1] * 3, [1, 2])])
def test_folds_that_cannot_be_judged_are_errors(scores, clips):
    with pytest.raises(ValueError, match="give the"):
        fold_spread(scores, clips)
