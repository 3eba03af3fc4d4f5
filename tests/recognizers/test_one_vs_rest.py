"""One recognizer for each action unit and side."""

import dataclasses

import numpy as np
import pytest

from microexpr.core.action_units import ACTION_UNITS
from microexpr.core.errors import RecipeError
from microexpr.recognizers import RECOGNIZERS, Recognizer
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.one_vs_rest import OneVsRest

UNITS = tuple(map(str, ACTION_UNITS))
TEXTS = {"negative": "4", "positive": "R12", "surprise": "1+2"}


def build(**settings) -> OneVsRest:
    table = {"name": "one-vs-rest", "recognizer": {"name": "svm", "kernel": "linear"}, **settings}
    return RECOGNIZERS.build(table, classes=UNITS)


@pytest.fixture(scope="module")
def fitted():
    """A recognizer of brightness in three regions, which stand for action units."""
    samples, labels = synthetic_samples()
    return build().fit(samples, [TEXTS[label] for label in labels]), samples, labels


def test_action_units_are_found_on_their_sides(fitted):
    recognizer, samples, labels = fitted
    found = recognizer.predict_action_units(samples)
    assert found.shape == (24, 17, 2) and (found >= 0).all() and (found <= 1).all()
    index = {number: i for i, number in enumerate(ACTION_UNITS)}
    is_positive = np.array(labels) == "positive"
    assert ((found[:, index[12], 0] > 0.5) == is_positive).all()
    assert (found[:, index[12], 1] == 0).all()  # no training clip has it on the left
    assert np.array_equal(found[:, index[1]], found[:, index[2]])


def test_units_of_the_same_clips_share_a_recognizer(fitted):
    recognizer, _, _ = fitted
    assert len(recognizer.machines_) == 3
    names = recognizer.state()
    assert {"0/values", "0/targets", "1/targets", "2/targets"} <= set(names) and "1/values" not in names


def test_saving_and_loading_changes_nothing(fitted, tmp_path):
    recognizer, samples, _ = fitted
    recognizer.save(tmp_path / "model.safetensors")
    loaded = Recognizer.load(tmp_path / "model.safetensors")
    assert isinstance(loaded, OneVsRest)
    assert np.array_equal(loaded.predict_action_units(samples), recognizer.predict_action_units(samples))


def test_the_classes_of_action_units_have_probabilities_too(fitted):
    recognizer, samples, labels = fitted
    guess = np.array(recognizer.predict(samples))
    assert (guess[np.array(labels) == "negative"] == "4").all()


def test_units_that_every_clip_has_need_no_recognizer():
    samples, _ = synthetic_samples(6)
    recognizer = build(recognizer={"name": "majority"}).fit(samples, ["4+L12"] * 3 + ["4"] * 3)
    found = recognizer.predict_action_units(samples[:1])[0]
    index = {number: i for i, number in enumerate(ACTION_UNITS)}
    assert found[index[4]].tolist() == [1, 1] and found[index[12]].tolist() == [0, 0.5] and found[index[1]].sum() == 0


def test_what_does_not_fit_is_refused():
    samples, labels = synthetic_samples()
    classes = dataclasses.replace(build(), classes=CLASSES).fit(samples, labels)
    with pytest.raises(RecipeError, match="was trained on negative, positive, surprise, not on action units"):
        classes.predict_action_units(samples)
    with pytest.raises(RecipeError, match="no setting 'c'"):
        build(recognizer={"name": "svm", "c": 1})


def test_without_sides_one_recognizer_learns_a_unit_of_either_side(fitted):
    _, samples, labels = fitted
    texts = {"negative": "4", "positive": "R12", "surprise": "L12"}
    recognizer = build(sides=False).fit(samples, [texts[label] for label in labels])
    found = recognizer.predict_action_units(samples)
    assert np.array_equal(found[..., 0], found[..., 1]) and len(recognizer.machines_) == 2
    index = list(ACTION_UNITS).index(12)
    assert ((found[:, index, 0] > 0.5) == (np.array(labels) != "negative")).all()
