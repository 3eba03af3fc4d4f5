"""The networks of Devanaboyina 2021 have the paper's sizes; features of a frozen backbone are computed once."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from microexpr.core.config import cache_folder
from microexpr.core.errors import DataError, RecipeError
from microexpr.experiments.data import subjects_without_clips
from microexpr.networks import NETWORKS
from microexpr.networks.base import Dropout
from microexpr.networks.training import Trainer
from microexpr.networks.weights import transfer_weights
from microexpr.protocols import load_protocol
from microexpr.recipes import load_recipe
from microexpr.recognizers import RECOGNIZERS, check_recognizer
from microexpr.recognizers._classifier import Classifier
from microexpr.recognizers.augmentation import VerticalFlip
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from tests.conftest import make_clips

TINY = {"name": "custom-cnn", "maps": [4], "dense": [6]}
FROZEN = {
    "name": "network",
    "network": TINY,
    "epochs": 6,
    "batch_size": 8,
    "freeze": {"epochs": 3},
    "augment": [{"name": "vertical-flip"}, {"name": "horizontal-flip", "negate": [0]}],
}


def build(shape=(3, 224, 224), classes=3, **settings):
    return NETWORKS.build({"name": "resnet50-dense", **settings}).build(shape, classes)


def count(tensors) -> int:
    return sum(tensor.numel() for tensor in tensors)


def test_numbers_of_parameters_are_those_of_figure_12():
    module = build(variant="keras")
    head = [count(layer.parameters()) for layer in module.head if list(layer.parameters())]
    assert head == [262_272, 8_256, 195]
    running = count(t for name, t in module.named_buffers() if "running" in name)
    biases = count(m.bias for m in module.modules() if isinstance(m, torch.nn.Conv2d))
    assert (running, biases) == (53_120, 26_560)
    backbone = count(t for name, t in module.named_parameters() if not name.startswith("head.")) + running
    assert backbone == 23_587_712
    assert count(module.parameters()) + running == 23_858_435 == backbone + sum(head)
    assert count(build().parameters()) == 23_508_032 + sum(head)


def test_the_variant_of_keras_takes_the_weights_of_keras_only():
    assert NETWORKS.build({"name": "resnet50-dense", "variant": "keras"}).pretrained == {"name": "resnet50-keras"}
    with torch.device("meta"):
        module = build(variant="keras")
        transfer_weights(module, NETWORKS.build({"name": "resnet50-keras"}).build((3, 64, 64), 10).state_dict())
        with pytest.raises(DataError, match=r"only the network have '.*bias'"):
            transfer_weights(module, NETWORKS.build({"name": "resnet50"}).build((3, 64, 64), 10).state_dict())
    with pytest.raises(RecipeError, match="variant = 'keras' has depth = 50 only, not 18"):
        build(variant="keras", depth=18)


def test_curves_of_inner_validation_are_there_with_cached_features():
    samples, labels = synthetic_samples(12)
    model = RECOGNIZERS.build({**FROZEN, "validation_fraction": 0.3}, classes=CLASSES, seed=0).fit(samples, labels)
    assert set(model.history_[-1]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}
    plain = RECOGNIZERS.build(FROZEN, classes=CLASSES, seed=0).fit(samples, labels)
    assert set(plain.history_[-1]) == {"epoch", "loss", "accuracy"}


def test_shapes_are_those_of_figure_12():
    module, seen = build().eval(), {}
    for name in ("layer4", "head"):
        module.get_submodule(name).register_forward_hook(
            lambda layer, given, out, name=name: seen.update({name: (tuple(given[0].shape), tuple(out.shape))})
        )
    with torch.no_grad():
        module(torch.zeros(1, 3, 224, 224))
    assert seen["layer4"][1] == (1, 2048, 7, 7) and seen["head"] == ((1, 2048), (1, 3))
    kinds = [type(layer).__name__ for layer in module.head]
    assert kinds == ["Linear", "ReLU", "Dropout"] * 2 + ["Linear"]
    assert all(isinstance(layer, Dropout) for layer in module.modules() if "Dropout" in type(layer).__name__)


def test_weights_of_resnet18_fit_the_backbone():
    plain = NETWORKS.build({"name": "resnet18"}).build((3, 64, 64), 10).state_dict()
    module = build((3, 64, 64), depth=18)
    head = {name: t.clone() for name, t in module.state_dict().items() if name.startswith("head.")}
    transfer_weights(module, plain)
    now = module.state_dict()
    assert all(torch.equal(now[name], plain[name]) for name in plain if not name.startswith("fc."))
    assert all(torch.equal(now[name], t) for name, t in head.items())
    assert NETWORKS.build({"name": "resnet50-dense", "depth": 18}).pretrained == {"name": "resnet18"}


def test_weights_of_the_head_are_transferred_where_shapes_are_equal():
    first, second = build((3, 64, 64), depth=18), build((3, 64, 64), 5, depth=18)
    transfer_weights(second, first.state_dict())
    assert torch.equal(first.head.dense1.weight, second.head.dense1.weight)
    assert second.head.dense3.weight.shape == (5, 64)


def test_weights_that_do_not_fit_are_refused():
    module = build((3, 64, 64), depth=18)
    with pytest.raises(DataError, match=r"do not fit: 'conv1.weight' is \(3, 3, 3, 3\)"):
        transfer_weights(module, NETWORKS.build({"name": "ststnet"}).build((3, 28, 28), 3).state_dict())
    with pytest.raises(DataError, match=r"do not fit: 'layer1.0.conv1.weight' is \(64, 64, 1, 1\)"):
        transfer_weights(module, NETWORKS.build({"name": "resnet50"}).build((3, 64, 64), 3).state_dict())


def test_vertical_flip_of_a_flow_negates_v():
    flow = torch.randn(2, 3, 4, 4)
    flipped = VerticalFlip(p=1.0, negate=(1,))(flow, torch.Generator())
    assert torch.equal(flipped[:, 1], -flow[:, 1].flip(-2)) and torch.equal(flipped[:, 0], flow[:, 0].flip(-2))


def fitted(network=None, **settings):
    samples, labels = synthetic_samples()
    table = {**FROZEN, **settings, **({"network": network} if network else {})}
    recognizer = RECOGNIZERS.build(table, classes=CLASSES, seed=4)
    recognizer.fit(samples, labels)
    return recognizer, recognizer.predict_proba(samples)


def test_a_network_with_a_frozen_backbone_passes_the_check():
    check_recognizer(FROZEN)


def test_cached_features_give_the_same_training():
    cached, probabilities = fitted(freeze={"epochs": 3})
    computed, others = fitted(freeze={"epochs": 3, "cache_features": False})
    assert np.allclose(probabilities, others, atol=1e-5)
    assert [e["loss"] for e in cached.history_] == pytest.approx([e["loss"] for e in computed.history_], abs=1e-5)


@pytest.mark.parametrize("augment", [FROZEN["augment"], [{"name": "shift"}]])
def test_a_frozen_backbone_does_not_change(augment):
    network = {"name": "resnet50-dense", "depth": 18, "dense": [8]}
    small = {"network": network, "batch_size": 12, "augment": augment}
    samples, labels = synthetic_samples(12, (32, 32, 3))
    states = []
    for epochs, freeze in [(1, "all"), (2, "all"), (2, 1)]:
        table = {**FROZEN, **small, "epochs": epochs, "freeze": {"epochs": freeze}}
        states.append(RECOGNIZERS.build(table, classes=CLASSES, seed=1).fit(samples, labels).state())
    first, second, unfrozen = states
    backbone = [name for name in first if not name.startswith("head.")]
    assert all(np.array_equal(first[name], second[name]) for name in backbone)
    assert not np.array_equal(first["head.dense1.weight"], second["head.dense1.weight"])
    assert not np.array_equal(first["conv1.weight"], unfrozen["conv1.weight"])
    assert not np.array_equal(first["bn1.running_mean"], unfrozen["bn1.running_mean"])


def test_features_of_each_clip_are_computed_once_and_cached(monkeypatch):
    computed, real = [], Classifier.training_logits
    monkeypatch.setattr(Classifier, "training_logits", lambda self, b: (computed.append(len(b.x)), real(self, b))[1])
    samples, labels = synthetic_samples(12)
    table = {**FROZEN, "freeze": {"epochs": "all"}, "batch_size": 4, "epochs": 5}
    for again in (False, True):  # the second time from the cache
        computed.clear()
        RECOGNIZERS.build(table, classes=CLASSES, seed=11).fit(samples, labels)
        assert computed == ([] if again else [1] * 48)
    monkeypatch.setattr("microexpr.recognizers.freezing._held", {})  # as another process
    RECOGNIZERS.build(table, classes=CLASSES, seed=11).fit(samples, labels)
    assert computed == []
    monkeypatch.setattr("microexpr.recognizers.freezing._held", {})
    for file in (cache_folder() / "features").glob("*/*.npy"):
        file.write_bytes(b"damaged")
    RECOGNIZERS.build(table, classes=CLASSES, seed=11).fit(samples, labels)
    assert computed == [1] * 48


class Stop(Exception):
    """A stop in the middle of training."""


@pytest.mark.parametrize("when", [4, 14])
def test_an_interrupted_training_continues_whether_frozen_or_not(tmp_path, monkeypatch, when):
    samples, labels = synthetic_samples()
    table = {**FROZEN, "checkpoint_seconds": 0.0}
    whole = RECOGNIZERS.build(table, classes=CLASSES, seed=5).fit(samples, labels)
    real, calls = Trainer.train_step, []

    def interrupted(self, *args):
        calls.append(1)
        if len(calls) == when:
            raise Stop
        return real(self, *args)

    monkeypatch.setattr(Trainer, "train_step", interrupted)
    with pytest.raises(Stop):
        RECOGNIZERS.build(table, classes=CLASSES, seed=5, folder=tmp_path).fit(samples, labels)
    rest = RECOGNIZERS.build(table, classes=CLASSES, seed=5, folder=tmp_path).fit(samples, labels)
    assert np.array_equal(whole.predict_proba(samples), rest.predict_proba(samples))
    assert whole.history_ == rest.history_ and len(calls) == 6 * 3 + 1


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"freeze": {"epochs": -1}}, "epochs = -1: Input should be greater than or equal to 0"),
        ({"freeze": {"epoch": 1}}, "did you mean 'epochs'"),
        ({"network": {"name": "custom-cnn", "maps": []}}, "maps = \\[\\]: "),
        ({"network": {"name": "resnet50-dense", "depth": 34}}, "depth"),
    ],
)
def test_wrong_settings_are_errors(settings, text):
    with pytest.raises(RecipeError, match=text):
        RECOGNIZERS.build({**FROZEN, **settings}, classes=CLASSES)


def test_too_small_images_are_refused():
    with pytest.raises(RecipeError, match="too small for 3 convolutions"):
        NETWORKS.build({"name": "custom-cnn"}).build((3, 16, 16), 3)


def test_subjects_without_a_clip_of_the_classes_have_no_fold_and_are_counted():
    clips = make_clips()
    clips = [dataclasses.replace(c, labels={"emotion": "others"}) if "/p2" in c.id else c for c in clips]
    release = SimpleNamespace(name="casme2", info=SimpleNamespace(subjects=26, clips=255))
    protocol = load_protocol("casme2-3")
    examples = protocol.select(clips)
    assert [fold.name for fold in protocol.folds(examples)] == ["casme2/p0", "casme2/p1", "casme2/p3"]
    [line] = subjects_without_clips(release, clips, examples, protocol)
    assert line.startswith("casme2: 3 of 4 subjects have a clip of the 3 classes; the other 1 take no part")
    assert not list(
        subjects_without_clips(release, clips, load_protocol("casme2-7").select(clips), load_protocol("casme2-7"))
    )


def test_corrected_recipes_have_the_corrections_that_they_name():
    for name in ("frames", "differences", "flow-sequence", "apex-flow"):
        settings = load_recipe(f"devanaboyina2021-{name}-corrected").final_stage.recognizer  # type: ignore[attr-defined]
        flow = name.endswith("flow") or name.startswith("flow")
        assert settings["normalize"] and not any(table["name"] == "vertical-flip" for table in settings["augment"])
        assert settings["augment"][0] == {"name": "horizontal-flip", **({"negate": [0]} if flow else {})}
        assert settings.get("class_weights") or settings["sampler"]["name"] == "oversample"
    frozen = load_recipe("devanaboyina2021-apex-flow-corrected").final_stage.recognizer  # type: ignore[attr-defined]
    assert 0 < frozen["freeze"]["epochs"] < frozen["epochs"]


@pytest.mark.parametrize("n", range(1, 8))
def test_original_recipes_have_no_correction(n):
    settings = load_recipe(f"devanaboyina2021-method{n}").final_stage.recognizer  # type: ignore[attr-defined]
    names = [table["name"] for table in settings.get("augment", ())]
    assert not settings.get("normalize") and not settings.get("class_weights") and "sampler" not in settings
    assert ("vertical-flip" in names) == (n >= 5) and not any(
        table.get("negate") for table in settings.get("augment", ())
    )
