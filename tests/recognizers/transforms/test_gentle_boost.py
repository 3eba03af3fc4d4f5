"""Gentle boosting finds the features that tell the classes, and is that of Friedman et al. 2000."""

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.recognizers.transforms import TRANSFORMS, Training, check_transform
from microexpr.recognizers.transforms.checks import example_vectors
from microexpr.recognizers.transforms.gentle_boost import SortedFeatures

SMALL = {"name": "gentle-boost", "rounds": 5}


def fit(samples, targets, **settings):
    groups = [sample.clip.subject for sample in samples]
    return TRANSFORMS.build({**SMALL, **settings}).fit(Training(samples, "", np.asarray(targets), groups))


@pytest.mark.parametrize("tried", [0, 7])
def test_it_passes_the_check(tried):
    check_transform({**SMALL, "tried": tried})


def test_the_features_that_tell_the_classes_are_found():
    samples, targets = example_vectors(60)
    found = fit(samples, targets, rounds=1)
    assert found.chosen_.tolist() == [0, 1, 2]
    assert np.array_equal(found(samples[0]).array("features"), samples[0].array("features")[:3])
    assert {0, 1, 2} <= set(fit(samples, targets).chosen_.tolist())


def test_the_best_stump_is_that_of_all_thresholds_tried_plainly():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 6, (15, 8)).astype(np.float32)  # with ties
    weights, wanted = rng.random(15), np.where(rng.random(15) < 0.4, 1.0, -1.0)
    weights /= weights.sum()
    errors = {}
    for feature in range(8):
        for threshold in np.unique(values[:, feature])[:-1]:
            low = values[:, feature] <= threshold
            value = np.where(
                low, np.average(wanted[low], weights=weights[low]), np.average(wanted[~low], weights=weights[~low])
            )
            errors[feature, threshold] = ((weights * (wanted - value) ** 2).sum(), value)
    smallest = min(errors, key=lambda key: errors[key][0])
    stump = SortedFeatures(values).best_stump(np.arange(8), weights, wanted)
    assert stump is not None and stump[0] == smallest[0] and stump[1] == pytest.approx(errors[smallest][1])


def test_rounds_weigh_the_clips_that_were_told_wrongly():
    """The first stump tells all but the last two clips, which the second feature tells."""
    wanted = np.array([1, 1, 1, -1, -1, -1, 1, -1])
    first = np.array([1, 1, 1, 0, 0, 0, 0, 1])
    second = np.array([0, 0, 0, 0, 0, 0, 1, -1])
    samples, _ = example_vectors(8)
    made = [s.with_array("features", np.float32([a, b, 5])) for s, a, b in zip(samples, first, second, strict=True)]
    assert fit(made, wanted > 0, rounds=1).chosen_.tolist() == [0]
    assert fit(made, wanted > 0, rounds=3).chosen_.tolist() == [0, 1]


def test_features_that_never_differ_are_an_error():
    samples, targets = example_vectors()
    with pytest.raises(RecipeError, match="'features' is the same in all training clips"):
        fit([s.with_array("features", np.ones(3, np.float32)) for s in samples], targets)
