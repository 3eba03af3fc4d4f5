"""What is learned before the classifier is learned from the training clips of a fold alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import pytest
from pydantic import Field

from microexpr.core.errors import MicroexprError, NotFittedError, RecipeError
from microexpr.datasets import DATASETS
from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_folds import evaluate
from microexpr.recipes import RecognitionRecipe, Stage
from microexpr.recognizers import RECOGNIZERS, Recognizer, check_recognizer
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.transforms import TRANSFORMS, Training, Transform, check_transform
from microexpr.recognizers.transforms.checks import example_vectors
from microexpr.recognizers.transforms.genetic_selection import Fitness
from microexpr.reports import make_report


@dataclass
class Center(Transform):
    """Subtracts the mean of the training clips, and records which these were."""

    factor: Annotated[float, Field(gt=0)] = 1.0

    seen: ClassVar[list[list[str]]] = []

    def _fit(self, training: Training) -> None:
        self.seen.append([sample.id for sample in training.samples])
        self.mean_ = training.matrix().mean(axis=0)

    def _transform(self, array: np.ndarray) -> np.ndarray:
        return (self._check_length(array, len(self.mean_)) - self.mean_) * self.factor

    def state(self):
        return {"mean": self.mean_}

    def _restore(self, state) -> None:
        self.mean_ = state["mean"]


@pytest.fixture(autouse=True)
def center() -> Iterator[None]:
    """The transform is known, and has seen no clip."""
    TRANSFORMS.register("center")(Center)
    Center.seen.clear()
    yield
    del TRANSFORMS._entries["center"]


def pipeline(*transforms, recognizer=None, **settings) -> Recognizer:
    table = {"name": "pipeline", "transforms": transforms, "recognizer": recognizer or {"name": "svm"}}
    return RECOGNIZERS.build({**table, **settings}, classes=CLASSES)


def test_transforms_are_applied_in_order_and_then_the_classifier():
    samples, labels = synthetic_samples()
    two = [{"name": "center", "array": "image"}, {"name": "center", "array": "image", "factor": 2.0}]
    found = pipeline(*two).fit(samples, labels).predict_proba(samples)
    arrays = np.stack([s.array("image").ravel() for s in samples])
    by_hand = [s.with_array("image", a) for s, a in zip(samples, 2 * (arrays - arrays.mean(axis=0)), strict=True)]
    svm = RECOGNIZERS.build({"name": "svm"}, classes=CLASSES).fit(by_hand, labels)
    assert found == pytest.approx(svm.predict_proba(by_hand), abs=1e-4)


def test_values_can_be_put_to_the_end_of_another_array():
    samples, labels = synthetic_samples()
    both = [s.with_array("features", np.float32([1, 2])) for s in samples]
    table = {"name": "center", "array": "image", "append_to": "features"}
    transform = TRANSFORMS.build(table).fit(Training(both, "image", np.zeros(len(both)), labels))
    joined = transform(both[0])
    assert joined.array("features")[:2].tolist() == [1, 2] and len(joined.array("features")) == 2 + 28 * 28 * 3
    assert joined.array("image") is both[0].array("image")
    assert len(transform(samples[0]).array("features")) == 28 * 28 * 3  # there was no such array: it begins here


STAGE: dict[str, Any] = {
    "name": "micro",
    "data": ("megc2019",),
    "protocol": "megc2019-cde",
    "chain": (
        {"name": "load-image"},
        {"name": "network-features", "weights": "", "network": {"name": "ststnet"}, "array": "image"},
    ),
    "recognizer": {
        "name": "pipeline",
        "transforms": [{"name": "center"}, {"name": "genetic-selection", "population": 2, "generations": 1}],
        "recognizer": {"name": "svm", "calibrate": False, "array": "features"},
    },
}


def test_no_test_person_reaches_the_fit_of_a_transform(tmp_path, monkeypatch):
    judged, real = [], Fitness.__init__
    monkeypatch.setattr(Fitness, "__init__", lambda self, *given: judged.append(given[0]) or real(self, *given))
    source = DATASETS.get("megc2019").make_synthetic(tmp_path / "data", subjects=2, image_scale=0.25)
    recipe = RecognitionRecipe("test", "test", (Stage(**STAGE),))
    options = RunOptions(roots={"megc2019": source.root}, allow_subset=True)
    run = evaluate(recipe, tmp_path / "run", options)
    folds = [fold["test"] for fold in run.metadata.folds]
    everyone = sorted(clip for fold in folds for clip in fold)
    assert len(folds) == len(Center.seen) > 3
    for test, trained, values in zip(folds, Center.seen, judged, strict=True):
        assert len(values) == len(trained)  # nor does one reach the fitness of a selection
        assert sorted([*test, *trained]) == everyone
        assert not {_subject(clip) for clip in test} & {_subject(clip) for clip in trained}
    assert any(line.startswith("RANDOM WEIGHTS") for line in make_report(run).warnings)  # those of the network


def _subject(clip: str) -> str:
    return clip.rsplit("/", 1)[0]


def test_a_pipeline_of_several_parts_passes_the_check_of_recognizers():
    transforms = [{"name": "center", "array": "image"}, {"name": "center", "array": "image", "append_to": "features"}]
    inner = {"name": "one-vs-rest", "recognizer": {"name": "svm", "array": "features", "calibrate": False}}
    check_recognizer({"name": "pipeline", "transforms": transforms, "recognizer": inner})


def test_an_estimator_without_a_state_can_be_used():
    samples, labels = synthetic_samples()
    forest = {"name": "sklearn", "estimator": "sklearn.tree.DecisionTreeClassifier"}
    fitted = pipeline({"name": "center", "array": "image"}, recognizer=forest).fit(samples, labels)
    assert len(fitted.predict(samples)) == len(samples)


@pytest.mark.parametrize(
    ("transform", "text"),
    [
        ({"name": "centre"}, "did you mean 'center'"),
        ({"name": "center", "factr": 2}, "did you mean 'factor'"),
        ({"name": "center", "factor": 0}, "factor = 0"),
        ({"factor": 1}, "a transform needs a 'name'"),
    ],
)
def test_wrong_tables_are_errors_before_any_work(transform, text):
    with pytest.raises(MicroexprError, match=text):
        pipeline(transform)


def test_what_does_not_fit_is_an_error():
    samples, labels = synthetic_samples()
    with pytest.raises(RecipeError, match="has no array 'features'"):
        pipeline({"name": "center"}).fit(samples, labels)
    with pytest.raises(NotFittedError, match="transform 'center' is not fitted"):
        TRANSFORMS.build({"name": "center"})(samples[0])
    fitted = pipeline({"name": "center", "array": "image"}).fit(samples, labels)
    with pytest.raises(RecipeError, match="'image' has 75 values, those of the training had 2352"):
        fitted.predict([samples[0].with_array("image", np.zeros((5, 5, 3), np.float32))])


def test_the_check_names_what_a_transform_does_wrong(monkeypatch):
    check_transform({"name": "center"})
    monkeypatch.setattr(Center, "_transform", lambda self, array: array - len(Center.seen))
    with pytest.raises(AssertionError, match="second training with the same seed changed a value"):
        check_transform({"name": "center"})
    monkeypatch.setattr(Center, "_transform", lambda self, array: np.divide(array, np.float32(2), out=array))
    with pytest.raises(AssertionError, match="changed the array that it reads"):
        check_transform({"name": "center"}, *example_vectors())
