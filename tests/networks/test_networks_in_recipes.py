"""Networks of the field learn what is planted, are exported, and their recipes run from clips to predictions."""

import dataclasses

import numpy as np
import pytest

import microexpr as mx
from microexpr.experiments.recognition_run import RecognitionRun
from microexpr.recipes import RecognitionRecipe, load_recipe
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.onnx_export import to_onnx
from microexpr.recognizers.onnx_model import OnnxModel

LEARNERS = {
    "htnet": ({"width": 1 / 32, "repeats": [1, 1, 1]}, 2e-3),
    "capsulenet": ({"width": 1 / 8, "capsules": 8}, 3e-3),
    "micro-attention": ({"maps": [8, 16, 16, 16], "dense": 32}, 3e-3),
    "learnet": ({"width": 1 / 4}, 1e-3),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_a_network_learns_what_is_planted(name):
    network, lr = LEARNERS[name]
    settings = {"network": {"name": name, **network}, "optimizer": {"lr": lr}, "epochs": 30, "batch_size": 12}
    recognizer = RECOGNIZERS.build({"name": "network", **settings}, classes=CLASSES)
    recognizer.fit(*synthetic_samples(48))
    samples, labels = synthetic_samples(30, seed=1)
    predicted = recognizer.predict(samples)
    assert sum(a == b for a, b in zip(predicted, labels, strict=True)) >= 27


@pytest.mark.parametrize("name", LEARNERS)
def test_a_network_is_exported(name, tmp_path):
    samples, labels = synthetic_samples(6)
    settings = {"network": {"name": name, **LEARNERS[name][0]}, "epochs": 1, "batch_size": 6}
    recognizer = RECOGNIZERS.build({"name": "network", **settings}, classes=CLASSES).fit(samples, labels)
    model = OnnxModel(to_onnx(recognizer, tmp_path / "m.onnx", {"chain": "[]"}))
    for some in (samples[:1], samples):  # as many images at once as one likes
        assert np.abs(model.predict_proba(some) - recognizer.predict_proba(some)).max() <= 1e-5


RECIPES = (
    "megc2019-htnet",
    "megc2019-capsulenet",
    "megc2019-micro-attention",
    "megc2019-learnet",
    "vanquang2019-capsulenet",
    "wang2020-micro-attention",
    "verma2020-learnet",
)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_runs(name, tmp_path):
    recipe = load_recipe(name)
    assert isinstance(recipe, RecognitionRecipe)
    recipe = dataclasses.replace(recipe, quick=dataclasses.replace(recipe.quick, subjects=2, image_scale=0.25))
    recipe = recipe.with_user_overrides({"stages.*.recognizer.epochs": 1})
    run = mx.run_recipe(recipe, tmp_path, synthetic=True, quick=True, progress=False)
    assert isinstance(run, RecognitionRun)
    predictions = run.to_dataframe()
    assert run.complete and not run.failed()
    assert set(predictions.groupby("dataset")["subject"].nunique()) == {2}
