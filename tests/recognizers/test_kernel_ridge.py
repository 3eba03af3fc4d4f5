"""Kernel machines: the closed form of kernel ridge regression, mirrored faces, and all folds at once."""

from collections.abc import Iterator

import numpy as np
import pytest

from microexpr.core.clip import Sample
from microexpr.core.errors import MicroexprError
from microexpr.recognizers import RECOGNIZERS, Recognizer
from microexpr.recognizers._flow_views import mirrored
from microexpr.recognizers.base import Fit
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.kernel_ridge import KernelRidge, leave_groups_out


def build(**settings) -> KernelRidge:
    return RECOGNIZERS.build({"name": "kernel-ridge", **settings}, classes=CLASSES)


def test_leaving_groups_out_in_closed_form_equals_learning_without_them():
    rng = np.random.default_rng(0)
    points, wanted = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
    gram = points @ points.T
    penalties = rng.uniform(0.1, 2, 12)
    groups = [f"p{i % 4}" for i in range(12)]
    found = leave_groups_out(gram, wanted, penalties, groups)
    for name in set(groups):
        out = np.array([group == name for group in groups])
        system = gram[np.ix_(~out, ~out)] + np.diag(penalties[~out])
        assert found[out] == pytest.approx(gram[np.ix_(out, ~out)] @ np.linalg.solve(system, wanted[~out]))


def test_a_mirrored_face_has_the_same_probabilities():
    samples, labels = synthetic_samples()
    recognizer = build().fit(samples[:18], labels[:18])
    test = samples[18:]
    turned = [Sample(s.clip, {"image": mirrored(s.array("image")[None])[0]}) for s in test]
    assert recognizer.predict_proba(turned) == pytest.approx(recognizer.predict_proba(test), abs=1e-6)


def folds(settings) -> Iterator[tuple[Fit, list[Sample]]]:
    samples, labels = synthetic_samples()
    for person in sorted({sample.clip.subject for sample in samples}):
        kept = [i for i, sample in enumerate(samples) if sample.clip.subject != person]
        fit = Fit(RECOGNIZERS.build(settings, classes=CLASSES), [samples[i] for i in kept], [labels[i] for i in kept])
        yield fit, [sample for sample in samples if sample.clip.subject == person]


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "kernel-ridge"},
        {"name": "svm", "C": 10.0},
        {"name": "svm", "kernel": "linear"},
        {"name": "svm", "standardize": True},
    ],
    ids=str,
)
def test_all_folds_at_once_equal_one_after_the_other(settings):
    alone = [(fit.run().predict_proba(test), fit.recognizer.predict(fit.samples)) for fit, test in folds(settings)]
    fitted = RECOGNIZERS.get(settings["name"]).fit_many([fit for fit, _ in folds(settings)])
    for (expected, own), (fit, test), recognizer in zip(alone, folds(settings), fitted, strict=True):
        assert isinstance(recognizer, Recognizer)
        assert recognizer.predict_proba(test) == pytest.approx(expected, abs=1e-9)
        assert recognizer.predict(fit.samples) == own


def test_a_fold_that_fails_leaves_the_others():
    fits = [fit for fit, _ in folds({"name": "kernel-ridge"})][:2]
    fits[0] = Fit(fits[0].recognizer, fits[0].samples, ["anger"] * len(fits[0].samples))
    failed, fitted = KernelRidge.fit_many(fits)
    assert "label 'anger' is none of the classes" in str(failed) and isinstance(fitted, KernelRidge)


def test_the_mean_of_several_estimates_is_described():
    samples, labels = synthetic_samples()
    both = [Sample(s.clip, {"image": s.array("image") - 1, "second": s.array("image") + 1}) for s in samples]
    one, two = build().fit(samples, labels), build(estimates=("image", "second")).fit(both, labels)
    assert two.predict_proba(both) == pytest.approx(one.predict_proba(samples), abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"views": ({"blurr": 1.0},)}, "blurr"),
        ({"views": ({"feature": {"name": "lbp-top"}},)}, "'lbp-top' describes frames"),
        ({"penalties": (0.0,)}, "penalties"),
    ],
)
def test_wrong_settings_are_found_at_once(settings, text):
    with pytest.raises(MicroexprError, match=text):
        build(**settings)
