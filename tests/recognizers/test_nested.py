"""A choice among recognizers is made on training people alone."""

import numpy as np
import pytest

from microexpr.core.errors import RecipeError, UnknownNameError
from microexpr.recognizers import RECOGNIZERS, Recognizer
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.nested import Nested

GOOD, DULL = {"name": "svm", "kernel": "linear"}, {"name": "majority"}


def nested(*candidates, **settings):
    return RECOGNIZERS.build({"name": "nested", "candidates": list(candidates), **settings}, classes=CLASSES)


@pytest.fixture
def training():
    return synthetic_samples()


@pytest.mark.parametrize("order", [(GOOD, DULL), (DULL, GOOD)])
def test_the_better_one_on_people_left_out_is_chosen_wherever_it_stands(training, order):
    samples, labels = training
    recognizer = nested(*order).fit(samples, labels)
    assert order[recognizer.chosen_] is GOOD
    assert recognizer.scores_[recognizer.chosen_] > recognizer.scores_[1 - recognizer.chosen_]
    alone = RECOGNIZERS.build(GOOD, classes=CLASSES).fit(samples, labels)
    assert recognizer.predict_proba(samples) == pytest.approx(alone.predict_proba(samples), abs=1e-12)


def test_of_equal_ones_the_first_wins(training):
    assert nested(DULL, DULL).fit(*training).chosen_ == 0


def test_a_held_out_person_is_never_trained_on(training, monkeypatch):
    samples, labels = training
    seen = []
    majority = RECOGNIZERS.get("majority")
    own_fit, own_predict = majority._fit, majority._predict_proba

    def fit(self, samples, targets, groups, init):
        seen.append(set(groups))
        own_fit(self, samples, targets, groups, init)

    def predict(self, samples):
        assert not seen[-1] & {sample.clip.subject for sample in samples}
        return own_predict(self, samples)

    monkeypatch.setattr(majority, "_fit", fit)
    monkeypatch.setattr(majority, "_predict_proba", predict)
    recognizer = nested(DULL, inner_folds=3).fit(samples, labels)
    people = {sample.clip.subject for sample in samples}
    assert len(seen) == 4 and seen[-1] == people and set.union(*(people - part for part in seen[:3])) == people
    assert recognizer.chosen_ == 0


def test_it_is_read_back_with_its_choice(training, tmp_path):
    samples, labels = training
    recognizer = nested(DULL, GOOD).fit(samples, labels)
    recognizer.save(tmp_path / "model.safetensors")
    again = Recognizer.load(tmp_path / "model.safetensors")
    assert isinstance(again, Nested) and again.chosen_ == 1 and np.array_equal(again.scores_, recognizer.scores_)
    assert np.array_equal(again.predict_proba(samples), recognizer.predict_proba(samples))


def test_what_cannot_be_chosen_is_an_error(training):
    samples, labels = training
    one = [i for i, sample in enumerate(samples) if sample.clip.subject == samples[0].clip.subject]
    with pytest.raises(RecipeError, match="two or more people"):
        nested(DULL).fit([samples[i] for i in one], [labels[i] for i in one])
    with pytest.raises(RecipeError, match="name at least one"):
        nested()
    with pytest.raises(UnknownNameError, match="did you mean"):
        nested({"name": "majorty"})
    with pytest.raises(UnknownNameError, match="macro_f1"):
        nested(DULL, metric="macro_f2")
