"""ELRCN, VGG-16, and the weights of VGG-Face, of which the tests make a small stand-in without HDF5."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from microexpr.core.errors import DataError, RecipeError
from microexpr.networks import NETWORKS, check_network
from microexpr.networks.base import seeded_weights
from microexpr.networks.keras import VGG_FACE_LAYERS, read_vgg_face
from microexpr.networks.pretrained import convert, open_weights
from microexpr.networks.weights import transfer_weights
from microexpr.recognizers import RECOGNIZERS
from tests.networks.test_keras import Group

WIDTH = 1 / 128


def build(shape=(0, 5, 32, 32), classes=4, name="elrcn", **settings):
    with seeded_weights(0):
        return NETWORKS.build({"name": name, **settings}).build(shape, classes)


def weights_of(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_numbers_of_weights_by_hand():
    with torch.device("meta"):
        assert weights_of(build((3, 224, 224), 1000, "vgg16")) == 138_357_544  # as published
        base = 14_714_688 + 64 * 9  # one channel more than VGG-16's
        dense = 7 * 7 * 512 * 4096 + 4096 + 4096 * 4096 + 4096
        lstm = 4 * 3000 * (4096 + 3000 + 2)  # torch has two biases, Keras one
        head = 3000 * 128 + 128 + 128 * 5 + 5
        assert weights_of(build((0, 4, 224, 224), 5)) == base + dense + lstm + head == 219_821_893
        three = build((0, 5, 224, 224), 5, streams=[3, 1, 1])
        assert three.head.time.input_size == 3 * 4096


@pytest.mark.parametrize("streams", [[], [3, 1, 1]])
def test_both_enrichments_pass_the_check(streams):
    settings = {"name": "elrcn", "streams": streams, "width": WIDTH}
    check_network(settings, shape=(4, 5, 32, 32))
    check_network(settings, shape=(1, 5, 32, 48))


def test_each_stream_sees_its_channels_and_no_padding():
    module, seen = build(streams=[3, 1, 1], width=WIDTH).eval(), []
    for stream in module.streams:
        stream.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x = torch.arange(5.0).view(1, 1, 5, 1, 1).expand(2, 3, 5, 32, 32)
    module(x, torch.tensor([3, 1]))
    assert [tuple(item.shape) for item in seen] == [(4, n, 32, 32) for n in (3, 1, 1)]
    assert [item[0, :, 0, 0].tolist() for item in seen] == [[0, 1, 2], [3], [4]]


def vgg_face(side=64) -> Group:
    """A file as Keras saves VGG-Face, with few maps and random weights."""
    own, rng, file = build((3, side, side), 7, "vgg16", width=WIDTH).state_dict(), np.random.default_rng(0), Group()
    for theirs, ours in VGG_FACE_LAYERS.items():
        file[theirs] = Group(weight_names=[f"{theirs}/{theirs}_W_1:0".encode(), f"{theirs}/{theirs}_b_1:0".encode()])
        for name, part in zip(file[theirs].attrs["weight_names"], ("weight", "bias"), strict=True):
            shape = tuple(own[f"{ours}.{part}"].shape)
            turned = {4: (2, 3, 1, 0), 2: (1, 0)}.get(len(shape), (0,))
            array = rng.normal(size=[shape[axis] for axis in turned], scale=0.5).astype(np.float32)
            file[theirs][name.decode()] = array
    return file


@pytest.fixture
def h5py(tmp_path, monkeypatch):
    """The content of a file, and its path; a package h5py that reads it."""
    file, path = vgg_face(), tmp_path / "rcmalli_vggface_tf_vgg16.h5"
    path.write_bytes(b"HDF")
    monkeypatch.setitem(sys.modules, "h5py", SimpleNamespace(File=lambda path, mode: file))
    return file, path


def keras_forward(file: Group, image: np.ndarray) -> np.ndarray:
    """Logits of an image (H, W, 3) as Keras computes them: channels last, also where maps become a vector."""
    x = image
    for theirs in VGG_FACE_LAYERS:
        kernel, bias = (file[theirs][name.decode()] for name in file[theirs].attrs["weight_names"])
        if theirs.startswith("conv"):
            height, width = x.shape[:2]
            padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
            x = bias + sum(padded[i : i + height, j : j + width] @ kernel[i, j] for i in range(3) for j in range(3))
            x = np.maximum(x, 0)
            if theirs in ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3"):
                x = x.reshape(height // 2, 2, width // 2, 2, -1).max(axis=(1, 3))
        else:
            x = x.reshape(-1) @ kernel + bias
            x = x if theirs == "fc8" else np.maximum(x, 0)
    return x


def test_weights_of_vgg_face_give_the_logits_of_keras(h5py):
    file, path = h5py
    module = build((3, 64, 64), 7, "vgg16", width=WIDTH).eval()
    state, entry = open_weights(path)
    module.load_state_dict(state)
    assert entry is None
    image = np.random.default_rng(1).normal(size=(64, 64, 3)).astype(np.float32)
    with torch.no_grad():
        logits = module(torch.from_numpy(image).permute(2, 0, 1)[None])[0].numpy()
    assert np.allclose(logits, keras_forward(file, image), atol=1e-4)


def test_every_stream_begins_with_the_weights_of_vgg_face(h5py):
    state, architecture = (
        read_vgg_face(h5py[1]),
        NETWORKS.build({"name": "elrcn", "streams": [3, 1, 2], "width": WIDTH}),
    )
    with seeded_weights(0):
        module = architecture.build((0, 6, 64, 64), 4)
    transfer_weights(module, architecture.adapted(state, module))
    first = state["base.conv1_1.weight"]
    assert torch.equal(module.streams[0].base.conv1_1.weight, first)
    gray = torch.rand(1, 1, 8, 8)
    for number, channels in ((1, 1), (2, 2)):
        kernel = module.streams[number].base.conv1_1.weight
        assert torch.allclose(
            F.conv2d(gray.expand(-1, channels, -1, -1), kernel), F.conv2d(gray.expand(-1, 3, -1, -1), first), atol=1e-6
        )
    assert all(torch.equal(stream.fc.fc7.bias, state["fc.fc7.bias"]) for stream in module.streams)
    own = dict(module.state_dict())
    assert architecture.adapted(own, module) is own  # of a stage before
    assert NETWORKS.build({"name": "vgg16"}).adapted(state, module) is state


def test_a_recognizer_is_trained_from_such_weights(h5py):
    from microexpr.recognizers.checks import CLASSES, synthetic_samples

    samples, labels = synthetic_samples(6, (2, 64, 64, 4))
    network = {"name": "elrcn", "width": WIDTH}
    settings = {"name": "network", "network": network, "epochs": 1, "batch_size": 4, "freeze": {"epochs": "all"}}
    recognizer = RECOGNIZERS.build(settings, classes=CLASSES)
    init = {name: tensor.numpy() for name, tensor in read_vgg_face(h5py[1]).items()}
    state = recognizer.fit(samples, labels, init=init).state()
    assert np.array_equal(state["streams.0.base.conv5_3.weight"], init["base.conv5_3.weight"])


@pytest.mark.parametrize(("name", "channels"), [("elrcn", 4), ("alexnet-lstm", 3)])
def test_cached_features_of_frozen_layers_change_nothing(name, channels, tmp_path, monkeypatch):
    from microexpr.recognizers.checks import CLASSES, synthetic_samples

    monkeypatch.setenv("MICROEXPR_CACHE", str(tmp_path))
    samples, labels = synthetic_samples(6, (2, 64, 64, channels))
    found = []
    for cached in (True, False):
        freeze = {"epochs": "all", "cache_features": cached}
        settings = {"name": "network", "network": {"name": name, "width": WIDTH}, "epochs": 2, "batch_size": 4}
        recognizer = RECOGNIZERS.build({**settings, "freeze": freeze}, classes=CLASSES)
        found.append(recognizer.fit(samples, labels).predict_proba(samples))
    assert np.abs(found[0] - found[1]).max() < 1e-4


def test_what_is_wrong_is_named(h5py, tmp_path):
    file, path = h5py
    convert(path, tmp_path / "out.safetensors")
    assert set(open_weights(tmp_path / "out.safetensors")[0]) == set(read_vgg_face(path))
    with pytest.raises(DataError, match=r"do not fit: 'base\.conv1_1\.weight' is"):
        convert(path)  # it is not as wide as the published one
    kernel = file["fc6"]["fc6/fc6_W_1:0"]
    file["fc6"]["fc6/fc6_W_1:0"] = kernel[:-1]
    with pytest.raises(DataError, match="no square images of 4 maps"):
        read_vgg_face(path)
    del file["fc7"]
    file["fc6"]["fc6/fc6_W_1:0"] = kernel
    with pytest.raises(DataError, match=r"no layer 'fc7' of VGG-Face: take the file with all layers \(not '_notop'\)"):
        read_vgg_face(path)
    with pytest.raises(RecipeError, match=r"streams = \[3, 1\] take 4 channels; the array has 5"):
        build(streams=[3, 1])
    for name, shape in (("elrcn", (3, 32, 32)), ("elrcn", (0, 3, 16, 32)), ("vgg16", (2, 3, 32, 32))):
        with pytest.raises(RecipeError, match=r"takes (sequences|images)"):
            build(shape, name=name)
