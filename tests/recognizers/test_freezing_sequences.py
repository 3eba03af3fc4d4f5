"""A frozen backbone on sequences: what it computes of a frame is cached, and the training is the same without."""

import dataclasses

import numpy as np
import pytest
import torch

from microexpr.core.config import cache_folder
from microexpr.networks import NETWORKS
from microexpr.networks.training import Trainer
from microexpr.recognizers import RECOGNIZERS, check_recognizer
from microexpr.recognizers._classifier import Classifier
from microexpr.recognizers.base import Recognizer
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.network_summary import network_summary

NETWORK = {"name": "resnet-sequence", "backbone": "resnet10t", "dense": [8], "units": 6, "pooling": "lstm"}
TABLE = {
    "name": "network",
    "network": NETWORK,
    "epochs": 4,
    "batch_size": 4,
    "freeze": {"epochs": "all"},
    "augment": [{"name": "horizontal-flip", "negate": [0]}],
}


def sequences(n: int = 9):
    """Clips of 1 to 3 frames, none equal to another."""
    samples, labels = synthetic_samples(n, (32, 32, 3))
    rng = np.random.default_rng(5)
    arrays = [np.stack([s.array("image") * rng.normal() for _ in range(1 + i % 3)]) for i, s in enumerate(samples)]
    return [dataclasses.replace(s, arrays={"image": a}) for s, a in zip(samples, arrays, strict=True)], labels


def fit(folder=None, seed=3, **changes) -> Recognizer:
    samples, labels = sequences()
    return RECOGNIZERS.build({**TABLE, **changes}, classes=CLASSES, seed=seed, folder=folder).fit(samples, labels)


def losses(recognizer: Recognizer) -> list[float]:
    return [row["loss"] for row in recognizer.history_]


def test_sequences_pass_the_check_of_recognizers():
    check_recognizer({**TABLE, "epochs": 1}, *sequences(8))


@pytest.mark.parametrize("epochs", ["all", 2])
def test_cached_features_give_the_same_training(epochs):
    cached, computed = (fit(freeze={"epochs": epochs, "cache_features": on}) for on in (True, False))
    assert losses(cached) == pytest.approx(losses(computed), abs=1e-4)
    samples, _ = sequences()
    assert np.allclose(cached.predict_proba(samples), computed.predict_proba(samples), atol=1e-4)


def test_each_frame_and_its_mirror_image_is_computed_once(monkeypatch):
    computed, real = [], Classifier.training_logits
    monkeypatch.setattr(Classifier, "training_logits", lambda s, b: (computed.append(b.x.shape[:2]), real(s, b))[1])
    frames = sum(len(sample.array("image")) for sample in sequences()[0])
    recognizer = fit(seed=8)
    assert len(computed) == 2 * frames and set(computed) == {(1, 1)}
    recognizer.predict_proba(sequences()[0])
    fit(seed=8, mirror={"classes": ["positive"], "negate": [0]}, epochs=7)  # twins are mirror images, which are known
    assert len(computed) == 2 * frames
    assert len(list((cache_folder() / "features").glob("*/*.npy"))) >= 2 * frames


def test_a_network_that_joins_frames_before_its_head_is_not_cached(monkeypatch):
    monkeypatch.setattr("microexpr.recognizers._objective.BackboneFeatures", None)
    assert not NETWORKS.get("cnn-lstm").frame_by_frame
    fit(network={"name": "cnn-lstm", "maps": [4], "units": 4}, freeze={"epochs": 2})


def test_the_backbone_changes_only_after_it_thaws():
    start = {name: torch.from_numpy(values) for name, values in fit(epochs=1).state().items() if name[0] != "_"}
    for epochs, changes in (("all", False), (4, False), (3, True)):
        state = fit(freeze={"epochs": epochs}).state()
        assert (not np.array_equal(state["layer1.0.conv1.weight"], start["layer1.0.conv1.weight"])) == changes
        assert np.array_equal(state["bn1.running_mean"], start["bn1.running_mean"])


class Stop(Exception):
    """A stop in the middle of training."""


@pytest.mark.parametrize("when", [3, 6])
def test_an_interrupted_training_continues_whether_frozen_or_not(tmp_path, monkeypatch, when):
    changes = {"freeze": {"epochs": 2}, "checkpoint_seconds": 0.0}
    whole = fit(**changes)
    real, calls = Trainer.train_step, []

    def interrupted(self, *args):
        calls.append(1)
        if len(calls) == when:
            raise Stop
        return real(self, *args)

    monkeypatch.setattr(Trainer, "train_step", interrupted)
    with pytest.raises(Stop):
        fit(folder=tmp_path, **changes)
    rest = fit(folder=tmp_path, **changes)
    assert np.array_equal(whole.predict_proba(sequences()[0]), rest.predict_proba(sequences()[0]))
    assert whole.history_ == rest.history_


def test_the_summary_of_a_frozen_network_has_all_layers():
    summary = network_summary(fit(), sequences()[0][0])
    assert summary is not None
    names = [layer["name"] for layer in summary["layers"]]
    assert names[0] != "head.time" and "layer4.0.conv2" in names and names[-1] == "head.dense2"
