"""Classifiers of scikit-learn as recognizers, and recognizers as estimators of scikit-learn."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from microexpr.core.clip import Clip, Sample
from microexpr.core.errors import RecipeError, UsageError
from microexpr.recognizers import RECOGNIZERS, Recognizer, SklearnRecognizer, check_recognizer
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.svm import KernelMachine


@pytest.mark.parametrize(
    "settings",
    [
        {"estimator": "sklearn.linear_model.LogisticRegression", "C": 2.0},
        {"estimator": "sklearn.svm.LinearSVC"},
        {"estimator": LogisticRegression(C=0.1)},
        {"estimator": GaussianNB()},
        {"estimator": SVC()},
        {"estimator": "sklearn.svm.SVC", "C": 10.0},
    ],
    ids=str,
)
def test_estimators_pass_the_check_of_recognizers(settings):
    check_recognizer({"name": "sklearn", **settings})


@pytest.mark.parametrize("estimator", [RandomForestClassifier(5), make_pipeline(StandardScaler(), LinearSVC())])
def test_estimators_that_cannot_be_saved_predict_and_say_so(estimator, tmp_path):
    samples, labels = synthetic_samples()
    recognizer = SklearnRecognizer(estimator).fit(samples, labels)
    assert recognizer.classes == tuple(sorted(CLASSES))
    assert np.mean([a == b for a, b in zip(recognizer.predict(samples), labels, strict=True)]) > 0.8
    with pytest.raises(UsageError, match="cannot be saved"):
        recognizer.save(tmp_path / "model.safetensors")


def test_probabilities_are_those_of_the_estimator_and_absent_classes_get_zero():
    samples, labels = synthetic_samples()
    pairs = [(s, label) for s, label in zip(samples, labels, strict=True) if label != CLASSES[1]]
    training, targets = [s for s, _ in pairs], [label for _, label in pairs]
    found = SklearnRecognizer(LogisticRegression(), classes=CLASSES).fit(training, targets).predict_proba(samples)
    values = lambda chosen: np.stack([s.array("image").ravel() for s in chosen])  # noqa: E731
    expected = LogisticRegression(random_state=0).fit(values(training), targets).predict_proba(values(samples))
    assert (found[:, 1] == 0).all()
    assert np.allclose(found[:, [0, 2]], expected)


def overlapping_classes(seed=0):
    """60 samples of three classes that overlap, so that votes and scores of a machine disagree on some."""
    rng = np.random.default_rng(seed)
    samples, labels = [], []
    for i in range(60):
        clip = Clip(f"test/p{i // 10}/c{i:02d}", "test", f"test/p{i // 10}", Path("nowhere"), 200.0)
        samples.append(Sample(clip, {"image": rng.normal(size=(2,)).astype(np.float32) + i % 3 / 2}))
        labels.append(CLASSES[i % 3])
    return samples, labels


def test_the_class_is_what_the_estimator_says_where_its_probabilities_disagree():
    samples, labels = overlapping_classes()
    values = np.stack([sample.array("image") for sample in samples])
    with warnings.catch_warnings():  # scikit-learn will drop the parameter one day
        warnings.simplefilter("ignore", FutureWarning)
        found = SklearnRecognizer(SVC(probability=True, random_state=0), classes=CLASSES).fit(samples, labels)
        expected = SVC(probability=True, random_state=0).fit(values, [CLASSES.index(label) for label in labels])
    said = [CLASSES[i] for i in expected.predict(values)]
    most_probable = [CLASSES[i] for i in expected.predict_proba(values).argmax(axis=1)]
    assert said != most_probable
    assert found.predict(samples) == said
    assert np.allclose(found.predict_proba(samples), expected.predict_proba(values))


def test_a_support_vector_machine_says_what_libsvm_says():
    disagreements = 0
    for seed in range(5):
        samples, labels = overlapping_classes(seed)
        values = np.stack([sample.array("image") for sample in samples])
        machine = SVC(C=10, class_weight="balanced").fit(values, [CLASSES.index(label) for label in labels])
        found = RECOGNIZERS.build({"name": "svm", "C": 10.0}, classes=CLASSES).fit(samples, labels)
        assert found.predict(samples) == [CLASSES[i] for i in machine.predict(values)]
        disagreements += sum(machine.predict(values) != machine.decision_function(values).argmax(axis=1))
    assert disagreements > 0


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_scores_of_a_support_vector_machine_are_those_of_scikit_learn(classes, capfd):
    rng = np.random.default_rng(0)
    values, targets = rng.normal(size=(60, 5)), rng.integers(classes, size=60)
    kernel = np.exp(-((values[:, None] - values) ** 2).sum(axis=2) / 5)
    machine = SVC(kernel="precomputed", class_weight="balanced").fit(kernel[:40, :40], targets[:40])
    found = KernelMachine.fit(kernel[:40, :40].copy(), targets[:40], C=1.0, balanced=True)
    decisions, expected = found.decisions(kernel[40:, :40]), machine.decision_function(kernel[40:, :40])
    expected = np.stack([-expected, expected], axis=1) if classes == 2 else expected
    assert np.allclose(found.scores(decisions), expected, rtol=0, atol=1e-12)
    assert found.predict(decisions).tolist() == machine.predict(kernel[40:, :40]).tolist()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("standardize", [False, True])
def test_a_support_vector_machine_takes_finite_values_only(standardize):
    """libsvm would never end, and every duel would be lost in predictions."""
    samples, labels = synthetic_samples()
    broken = Sample(samples[0].clip, {"image": samples[0].array("image") * np.float32(np.nan)})
    machine = RECOGNIZERS.build({"name": "svm", "standardize": standardize}, classes=CLASSES)
    with pytest.raises(RecipeError, match=r"'image' of '.*' has values that are not finite"):
        machine.fit([broken, *samples[1:]], labels)
    machine.fit(samples, labels)
    with pytest.raises(RecipeError, match=f"'image' of '{broken.id}' has values that are not finite"):
        machine.predict([samples[1], broken])


def test_probabilities_of_a_support_vector_machine_are_calibrated_on_held_out_people():
    """The classes cannot be told apart: whoever is sure of them is wrong two times in three."""
    rng, samples = np.random.default_rng(0), []
    for i in range(90):
        clip = Clip(f"test/p{i % 9}/c{i:02d}", "test", f"test/p{i % 9}", Path("nowhere"), 200.0)
        samples.append(Sample(clip, {"image": rng.normal(size=(4,)).astype(np.float32)}))
    labels = [CLASSES[i] for i in rng.integers(3, size=90)]
    guessing = RECOGNIZERS.build({"name": "svm"}, classes=CLASSES).fit(samples[:60], labels[:60])
    assert guessing.predict_proba(samples[60:]).max() < 0.5
    samples, labels = synthetic_samples(36)
    telling = RECOGNIZERS.build({"name": "svm"}, classes=CLASSES)
    telling.fit(samples[:24], labels[:24], groups=[f"p{i // 4}" for i in range(24)])
    assert telling.predict_proba(samples[24:]).max(axis=1).min() > 0.9


def test_a_support_vector_machine_refuses_an_input_of_another_size():
    samples, labels = synthetic_samples()
    machine = RECOGNIZERS.build({"name": "svm"}, classes=CLASSES).fit(samples, labels)
    with pytest.raises(RecipeError, match="has 300 values, those of the training had 2352"):
        machine.predict(synthetic_samples(3, (10, 10, 3))[0])


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"estimator": "os.system"}, "must be a class of sklearn"),
        ({"estimator": "sklearn.svm.LinearSVM"}, "there is no estimator"),
        ({"estimator": "sklearn.utils.shuffle"}, "is not an estimator"),
        ({"estimator": "sklearn.linear_model.LinearRegression"}, "is not a classifier"),
        ({"estimator": LinearRegression()}, "is not a classifier"),
        ({"estimator": "sklearn.svm.LinearSVC", "penalti": "l2"}, "did you mean 'penalty'"),
    ],
)
def test_wrong_estimators_are_refused(settings, text):
    with pytest.raises(RecipeError, match=text):
        RECOGNIZERS.build({"name": "sklearn", **settings})


@pytest.mark.parametrize("name", RECOGNIZERS.names())
def test_every_recognizer_can_be_cloned_by_sklearn(name):
    classes = ("4", "12") if name == "action-unit-network" else CLASSES  # it tells action units, not classes
    recognizer = RECOGNIZERS.build({"name": name}, classes=classes, seed=7)
    copy = clone(recognizer)
    assert type(copy) is type(recognizer) and copy.get_params() == recognizer.get_params()
    assert not hasattr(copy, "classes_")
    assert copy.set_params(seed=8).get_params()["seed"] == 8 and recognizer.seed == 7
    with pytest.raises(RecipeError, match="did you mean 'seed'"):
        copy.set_params(sed=9)


def test_parameters_of_a_nested_estimator_are_set_by_name():
    recognizer = SklearnRecognizer(LogisticRegression())
    assert recognizer.get_params()["estimator__C"] == 1.0
    assert recognizer.set_params(estimator__C=3.0).estimator.C == 3.0
    named = RECOGNIZERS.build({"name": "sklearn"}).set_params(estimator__C=3.0)
    assert isinstance(named, Recognizer) and named.get_params()["parameters"] == {"C": 3.0}


@pytest.mark.parametrize("name", ["majority", "svm"])
def test_asking_for_one_recognizer_imports_neither_torch_nor_sklearn(name):
    code = f"import sys; from microexpr.recognizers import RECOGNIZERS; RECOGNIZERS.get('{name}')"
    code += "; print({'torch', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_calibration_can_be_left_out_and_changes_no_class():
    samples, labels = overlapping_classes()
    plain, calibrated = (
        RECOGNIZERS.build({"name": "svm", "calibrate": value}, classes=CLASSES).fit(samples, labels)
        for value in (False, True)
    )
    values = np.stack([sample.array("image") for sample in samples])
    machine = SVC(class_weight="balanced").fit(values, [CLASSES.index(label) for label in labels])
    scores = machine.decision_function(values)
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert np.allclose(plain.predict_proba(samples), expected)
    assert not np.allclose(calibrated.predict_proba(samples), expected)
    assert plain.predict(samples) == calibrated.predict(samples)
