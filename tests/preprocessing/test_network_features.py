"""The step `network-features`: values of a layer of published weights, saved recognizers and random weights."""

from pathlib import Path

import numpy as np
import pytest
import torch

from microexpr.core.clip import Clip, Sample
from microexpr.core.errors import DataError, MissingDataError, RecipeError
from microexpr.networks import NETWORKS
from microexpr.networks.base import seeded_weights
from microexpr.networks.weights import write_weights
from microexpr.preprocessing import STEPS, Chain
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers.checks import CLASSES, synthetic_samples

RESNET = {"name": "resnet10"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MICROEXPR_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def sample(shape: tuple[int, ...] = (2, 32, 40, 3), array: str = "frames") -> Sample:
    clip = Clip("test/p/c", "test", "test/p", Path("nowhere"), 200.0)
    return Sample(clip, {array: np.random.default_rng(0).integers(0, 256, shape, np.uint8)})


def module(classes: int = 1000, name: str = "resnet10", size: int = 32) -> torch.nn.Module:
    with seeded_weights(5):
        return NETWORKS.build({"name": name}).build((3, size, size), classes).eval()


def store(folder: Path, name: str, net: torch.nn.Module, **metadata) -> Path:
    path = folder / f"{name}.safetensors"
    write_weights(path, net.state_dict(), metadata)
    return path


def features(given: Sample, **settings) -> np.ndarray:
    return STEPS.build({"name": "network-features", **settings})(given).array("features")


def maps_of(net: torch.nn.Module, images: np.ndarray) -> torch.Tensor:
    """What enters the head of a ResNet10."""
    found: list[torch.Tensor] = []
    net.fc.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    with torch.no_grad():
        net(torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32)))
    return found[0]


def test_published_weights_get_what_they_were_trained_on(folder):
    """ResNet10 of ImageNet takes blue, green, red; every frame gets its own values."""
    net = module()
    store(folder, "resnet10-imagenet", net)
    given = sample()
    frames = given.array("frames")
    found = features(given)
    assert found == pytest.approx(maps_of(net, frames[..., ::-1].copy()).numpy(), rel=1e-4, abs=1e-2)
    assert found.shape == (2, 512) and found.dtype == np.float32
    turned = Sample(given.clip, {"frames": frames[..., ::-1]})
    assert np.array_equal(features(turned, channels="bgr"), found)


def test_weights_of_timm_get_normalized_rgb(folder):
    net = module(name="resnet10t", size=64)
    store(folder, "resnet10t", net)
    given = sample((64, 64, 3), "image")
    image = given.array("image")[None] / 255
    normal = (image - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    found = features(given, weights="resnet10t", array="image")
    assert found.shape == (512,) and found == pytest.approx(maps_of(net, normal)[0].numpy(), rel=1e-4, abs=1e-3)


def test_a_layer_is_named_and_averaged_or_not(folder):
    store(folder, "resnet10-imagenet", module())
    given = sample((1, 64, 64, 3))
    whole = features(given, layer="block256", average=False)
    assert whole.shape == (1, 256 * 4 * 4)
    assert features(given, layer="block256") == pytest.approx(
        whole.reshape(1, 256, 16).mean(axis=2), rel=1e-4, abs=1e-2
    )
    assert features(given, layer="fc").shape == (1, 1000)
    with pytest.raises(RecipeError, match="no such layer; did you mean 'block256'"):
        features(given, layer="block25")


def test_a_saved_recognizer_takes_the_array_as_it_is(tmp_path):
    samples, labels = synthetic_samples(6)
    settings = {"name": "network", "epochs": 1, "batch_size": 8, "network": {"name": "ststnet"}}
    fitted = RECOGNIZERS.build(settings, classes=CLASSES).fit(samples, labels)
    fitted.save(tmp_path / "model.safetensors")
    logits = features(samples[0], weights=str(tmp_path / "model.safetensors"), array="image", layer="fc")
    powers = np.exp(logits - logits.max())
    assert powers / powers.sum() == pytest.approx(fitted.predict_proba(samples[:1])[0], abs=1e-5)
    svm = RECOGNIZERS.build({"name": "svm"}, classes=CLASSES).fit(samples, labels)
    svm.save(tmp_path / "svm.safetensors")
    with pytest.raises(DataError, match="is a saved 'svm', which has no network"):
        features(samples[0], weights=str(tmp_path / "svm.safetensors"), array="image")


def test_weights_of_a_pretraining_say_what_they_take(folder):
    net = module(classes=4)
    told = {"channels": "bgr", "subtract": [10.0, 20.0, 30.0], "divide": [2.0, 2.0, 2.0]}
    store(folder, "mine", net, network=RESNET, input=told)
    given = sample()
    expected = (given.array("frames")[..., ::-1].astype(np.float32) - [10, 20, 30]) / 2
    assert features(given, weights="mine") == pytest.approx(maps_of(net, expected).numpy(), rel=1e-4, abs=1e-2)


def test_a_plain_state_dict_needs_the_name_of_its_network(tmp_path):
    torch.save(module(classes=7).state_dict(), tmp_path / "plain.pth")
    weights = str(tmp_path / "plain.pth")
    assert features(sample(), weights=weights, network=RESNET, layer="fc").shape == (2, 7)
    with pytest.raises(RecipeError, match="do not say of which network they are"):
        features(sample(), weights=weights)
    with pytest.raises(DataError, match="do not fit"):
        features(sample(), weights=weights, network={"name": "resnet18"})


def test_random_weights_are_drawn_from_a_seed_and_every_report_says_so():
    step = STEPS.build({"name": "network-features", "weights": "", "network": RESNET})
    given = sample()
    made = step(given)
    assert made.notes == {"weights": "random"} and "frames" not in made.arrays
    again, other = (features(given, weights="", network=RESNET, seed=seed) for seed in (0, 1))
    assert np.array_equal(made.array("features"), again) and not np.array_equal(again, other)
    assert step.warning.startswith("RANDOM WEIGHTS") and STEPS.build({"name": "resize"}).warning == ""
    gray = Sample(given.clip, {"image": given.array("frames")[0, ..., :1]})
    kept = STEPS.build({"name": "network-features", "weights": "", "network": RESNET, "array": "image", "keep": True})
    assert set(kept(gray).arrays) == {"image", "features"}


def test_other_weights_make_another_key_of_the_cache(folder):
    chain = Chain.build([{"name": "load-image"}, {"name": "network-features"}])
    with pytest.raises(MissingDataError, match=r"weights 'resnet10-imagenet' are not in .*download"):
        _ = chain.key
    store(folder, "resnet10-imagenet", module())
    first = chain.key
    store(folder, "resnet10-imagenet", module(), note="another file")
    assert chain.key != first


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"weights": ""}, RecipeError, "needs network"),
        ({"weights": "", "network": {"name": "resnet1"}}, RecipeError, "did you mean 'resnet1"),
        ({"weights": "nowhere.safetensors"}, MissingDataError, "neither a file nor a name"),
    ],
)
def test_wrong_settings_are_errors(settings, error, text):
    with pytest.raises((error, ValueError), match=text):
        features(sample(), **settings)
