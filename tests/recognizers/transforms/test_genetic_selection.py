"""Features are chosen by how well they tell the classes of training people who are left out."""

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.recognizers.transforms import TRANSFORMS, Training, check_transform
from microexpr.recognizers.transforms.checks import example_vectors
from microexpr.recognizers.transforms.genetic_selection import Fitness

SMALL = {"name": "genetic-selection", "population": 8, "generations": 4}


def fit(samples, targets, groups=None, **settings):
    groups = [sample.clip.subject for sample in samples] if groups is None else groups
    return TRANSFORMS.build({**SMALL, **settings}).fit(Training(samples, "", targets, groups))


def test_it_passes_the_check():
    check_transform(SMALL)


def test_the_features_that_tell_the_classes_are_found():
    samples, targets = example_vectors(60)
    found = fit(samples, targets, population=30, generations=25)
    assert {0, 1, 2} <= set(found.chosen_.tolist()) and len(found.chosen_) < 25
    assert found.fitness_[-1] > found.fitness_[0] and np.diff(found.fitness_).min() >= 0
    values = samples[5].array("features")
    assert np.array_equal(found(samples[5]).array("features"), values[found.chosen_])


def test_the_fitness_is_the_accuracy_for_people_left_out():
    rng = np.random.default_rng(0)
    values, targets, folds = rng.normal(size=(20, 6)), np.arange(20) % 3, np.arange(20) % 4
    values[np.arange(20), targets] += 1
    values -= values.mean(axis=0)
    chosen = np.array([True, True, False, True, False, False])
    selected = values[:, chosen]
    penalty = 0.1 * (selected**2).sum() / 20
    right = []
    for fold in range(4):  # ridge regression of the classes on the others, plainly
        own, rest = folds == fold, folds != fold
        x = np.hstack([selected, np.full((20, 1), 1e-9**0.5)])
        wanted = np.eye(3)[targets] - 1 / 3
        weights = np.linalg.solve(x[rest].T @ x[rest] + penalty * np.eye(4), x[rest].T @ wanted[rest])
        right += ((x[own] @ weights).argmax(axis=1) == targets[own]).tolist()
    assert Fitness(values, targets, folds, 0.1)(chosen) == (pytest.approx(np.mean(right)), -3)


def test_clips_of_one_person_are_never_trained_on_and_scored_at_once(monkeypatch):
    """Each person has one class, and a feature that is the person's own: it does not help with others."""
    seen = []
    real = Fitness.__init__

    def record(self, values, targets, folds, penalty):
        seen.append(folds)
        real(self, values, targets, folds, penalty)

    monkeypatch.setattr(Fitness, "__init__", record)
    samples, targets = example_vectors()
    fit(samples, targets)
    people = np.array([sample.clip.subject for sample in samples])
    assert all(len(set(seen[0][people == person])) == 1 for person in people) and len(set(seen[0])) == 5


def test_constant_features_are_never_chosen():
    samples, targets = example_vectors()
    flat = [s.with_array("features", np.append(s.array("features")[:4], 7).astype(np.float32)) for s in samples]
    assert 4 not in fit(flat, targets, density=1.0, mutation=0.0).chosen_
    same = [s.with_array("features", np.ones(3, np.float32)) for s in samples]
    with pytest.raises(RecipeError, match="'features' is the same in all training clips"):
        fit(same, targets)
