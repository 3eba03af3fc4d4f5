"""The network of the stage before gives features, which are joined with others and selected inside the fold."""

import numpy as np
import pytest

from microexpr.core.errors import DataError, RecipeError
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers.checks import CLASSES, check_recognizer, synthetic_samples
from microexpr.recognizers.transforms import TRANSFORMS, Training

STSTNET = {"name": "ststnet"}
TABLE = {"name": "stage-network", "network": STSTNET, "array": "image", "append_to": "features"}


@pytest.fixture(scope="module")
def stage():
    """A trained network, and the samples it was trained on, which have `features`, too."""
    samples, labels = synthetic_samples()
    settings = {"name": "network", "network": STSTNET, "epochs": 2, "batch_size": 8}
    network = RECOGNIZERS.build(settings, classes=CLASSES).fit(samples, labels)
    return network, [s.with_array("features", np.float32([[3, 4]])) for s in samples], labels


def fit(samples, init, **settings):
    return TRANSFORMS.build({**TABLE, **settings}).fit(Training(samples, "", np.zeros(len(samples)), [], init=init))


def test_its_values_are_those_of_the_trained_network(stage):
    network, samples, _ = stage
    transform = fit(samples, network.state(), layer="fc")
    found = transform(samples[3]).array("features")
    assert found[:2].tolist() == [3, 4] and len(found) == 2 + 3
    powers = np.exp(found[2:] - found[2:].max())
    assert powers / powers.sum() == pytest.approx(network.predict_proba(samples[3:4])[0], abs=1e-5)
    restored = TRANSFORMS.build({**TABLE, "layer": "fc"}).restore(transform.state())
    assert np.array_equal(restored(samples[3]).array("features"), found)


def test_a_pipeline_hands_the_weights_on_and_saves_them(stage, tmp_path):
    network, samples, labels = stage
    chosen = {"name": "genetic-selection", "population": 4, "generations": 2}
    table = {"name": "pipeline", "transforms": [TABLE, chosen], "recognizer": {"name": "svm", "array": "features"}}
    fitted = RECOGNIZERS.build(table, classes=CLASSES).fit(samples, labels, init=network.state())
    fitted.save(tmp_path / "model.safetensors")
    loaded = type(fitted).load(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.predict_proba(samples), fitted.predict_proba(samples))
    with pytest.raises(RecipeError, match="no stage before this one"):
        check_recognizer(table)


def test_what_does_not_fit_is_an_error(stage):
    network, samples, _ = stage
    state = dict(network.state())
    transform = fit(samples, state)
    with pytest.raises(RecipeError, match=r"'image' is \(3, 9, 9\), the stage before was trained on \(3, 28, 28\)"):
        transform(samples[0].with_array("image", np.zeros((9, 9, 3), np.float32)))
    with pytest.raises(RecipeError, match="normalize = true"):
        fit(samples, {**state, "_scales": np.ones(3)})
    with pytest.raises(RecipeError, match="it was no network"):
        fit(samples, {"values": np.ones(3)})
    with pytest.raises(DataError, match="weights from the stage before do not fit"):
        fit(samples, {name: array for name, array in state.items() if name != "fc.bias"})
