"""A support vector machine on the features of a network, fitted in the fold."""

import numpy as np
import pytest
import torch

from microexpr.core.errors import RecipeError, UsageError
from microexpr.recognizers import RECOGNIZERS, check_recognizer
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.network_svm import NetworkSVM, last_dense
from microexpr.recognizers.onnx_export import export

SETTINGS = {
    "name": "network-svm",
    "network": {"name": "custom-cnn", "maps": [3], "dense": [5]},
    "epochs": 2,
    "batch_size": 8,
}


def fitted(**settings) -> NetworkSVM:
    samples, labels = synthetic_samples(12)
    recognizer = RECOGNIZERS.build({**SETTINGS, **settings}, classes=CLASSES)
    assert isinstance(recognizer, NetworkSVM)
    return recognizer.fit(samples, labels)


def test_it_does_what_every_recognizer_does():
    check_recognizer(SETTINGS)


def test_sequences_and_crops_have_features_too():
    samples, labels = synthetic_samples(12, (4, 10, 10, 2))
    network = {"name": "cnn-3d", "frames": 2, "maps": [2], "dense": [3]}
    recognizer = RECOGNIZERS.build(
        {**SETTINGS, "network": network, "crop": {"size": 8, "test": "corners"}}, classes=CLASSES
    )
    assert recognizer.fit(samples, labels).features(samples).shape == (12, 3)  # type: ignore[attr-defined]


def test_the_features_are_the_inputs_of_the_last_dense_layer():
    recognizer, (samples, _) = fitted(), synthetic_samples(12)
    features = recognizer.features(samples)
    assert features.shape == (12, 5)
    images = torch.from_numpy(np.stack([s.array("image") for s in samples])).permute(0, 3, 1, 2)
    with torch.no_grad():
        logits = recognizer.module_(images)
        assert torch.allclose(last_dense(recognizer.module_)(torch.from_numpy(features)), logits, atol=1e-5)
    assert recognizer.machine_.kernel == "linear"


def test_only_training_people_reach_the_machine():
    recognizer = fitted(validation_fraction=0.2)
    assert len(recognizer.machine_.targets_) == 10  # two clips of each of six people, one of whom is held out


def test_mirrored_twins_reach_the_machine():
    recognizer = fitted(mirror={"classes": ["positive"]})
    assert np.bincount(recognizer.machine_.targets_).tolist() == [4, 8, 4]


def test_the_machine_starts_no_later_stage():
    """A later stage takes the weights of the network, and nothing of the machine."""
    state = fitted().state()
    network = RECOGNIZERS.build({**SETTINGS, "name": "network"}, classes=CLASSES)
    samples, labels = synthetic_samples(12)
    machine = set(state) - set(network.fit(samples, labels, init=state).state())
    assert machine and all(name.startswith("_") for name in machine)


def test_what_cannot_be_is_an_error(tmp_path):
    for svm, said in (({"array": "image"}, "leave it out"), ({"c": 1.0}, "svm has no setting 'c'")):
        with pytest.raises(RecipeError, match=said):
            RECOGNIZERS.build({**SETTINGS, "svm": svm}, classes=CLASSES)
    fitted().save(tmp_path / "model.safetensors")
    with pytest.raises(UsageError, match="'network-svm'; only networks become ONNX files"):
        export(tmp_path / "model.safetensors", tmp_path / "model.onnx")
