"""ResNet50 as Keras has it, and its published file, of which the tests make a stand-in without HDF5."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from microexpr.cli.main import main
from microexpr.core.errors import DataError, MissingDataError
from microexpr.core.tensor_files import read_metadata
from microexpr.networks import NETWORKS
from microexpr.networks import pretrained as catalog
from microexpr.networks.keras import layer_names, read_resnet50
from microexpr.networks.resnet import Bottleneck

ARRAYS = {"conv": ("kernel", "bias"), "bn": ("gamma", "beta", "moving_mean", "moving_variance")}
OURS = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias"}
OURS |= {"moving_mean": "running_mean", "moving_variance": "running_var"}


class Group(dict):
    """A group of an HDF5 file as h5py gives it."""

    def __init__(self, items=(), **attrs):
        super().__init__(items)
        self.attrs = attrs

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def published() -> Group:
    """A file as Keras publishes it; every array has one random number, which repeats itself for free."""
    with torch.device("meta"):
        own = NETWORKS.build({"name": "resnet50-keras"}).build((3, 64, 64), 1000).state_dict()
    rng, file = np.random.default_rng(0), Group()
    for theirs, ours in {**layer_names(), "probs": "fc"}.items():
        parts = ARRAYS["bn" if theirs.endswith("_bn") else "conv"]
        names = [f"{theirs}/{part}:0" for part in parts]
        file[theirs] = Group(weight_names=[name.encode() for name in names])
        for name, part in zip(names, parts, strict=True):
            shape = tuple(own[f"{ours}.{OURS[part]}"].shape)
            turned = {4: (2, 3, 1, 0), 2: (1, 0)}.get(len(shape), (0,))
            file[theirs][name] = np.broadcast_to(np.float32(rng.uniform()), [shape[axis] for axis in turned])
    return file


@pytest.fixture
def h5py(tmp_path, monkeypatch) -> tuple[Group, object]:
    """The content of a file, and its path; a package h5py that reads it."""
    file, path = published(), tmp_path / "resnet50_weights_tf_dim_ordering_tf_kernels.h5"
    path.write_bytes(b"HDF")
    monkeypatch.setitem(sys.modules, "h5py", SimpleNamespace(File=lambda path, mode: file))
    monkeypatch.setenv("MICROEXPR_WEIGHTS", str(tmp_path / "weights"))
    return file, path


def test_the_first_convolution_of_a_block_has_the_stride():
    with torch.device("meta"):
        module = NETWORKS.build({"name": "resnet50-keras"}).build((3, 224, 224), 1000)
        plain = NETWORKS.build({"name": "resnet50"}).build((3, 224, 224), 1000)
    blocks = [layer for layer in module.modules() if isinstance(layer, Bottleneck)]
    assert [block.conv1.stride[0] for block in blocks] == [1, 1, 1, 2, 1, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1]
    assert {block.conv2.stride for block in blocks} == {(1, 1)}
    assert plain.get_submodule("layer2.0.conv2").stride == (2, 2)  # timm's
    assert {layer.eps for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)} == {1.001e-5}
    assert all(layer.bias is not None for layer in module.modules() if isinstance(layer, nn.Conv2d))
    assert sum(p.numel() for p in module.parameters()) == 25_583_592  # as Keras counts its trainable parameters


def test_layers_and_axes_of_the_published_file(h5py):
    file, path = h5py
    kernel = np.arange(7 * 7 * 3 * 64, dtype=np.float32).reshape(7, 7, 3, 64)
    file["conv1_conv"]["conv1_conv/kernel:0"] = kernel
    state = read_resnet50(path)
    assert state["conv1.weight"][5, 2, 6, 1] == kernel[6, 1, 2, 5]
    for ours, layer, part in (
        ("layer1.0.downsample.0.bias", "conv2_block1_0_conv", "bias"),
        ("layer3.5.bn2.running_var", "conv4_block6_2_bn", "moving_variance"),
        ("layer4.2.conv3.weight", "conv5_block3_3_conv", "kernel"),
        ("fc.weight", "probs", "kernel"),
    ):
        assert state[ours].flatten()[0] == file[layer][f"{layer}/{part}:0"].flat[0]
    assert state["fc.weight"].shape == (1000, 2048)


def test_the_published_file_becomes_named_weights(h5py, tmp_path):
    with pytest.raises(SystemExit) as done:
        main(["weights", "convert", str(h5py[1])])
    assert done.value.code == 0
    assert read_metadata(tmp_path / "weights" / "resnet50-keras.safetensors")["channels"] == "bgr"
    state, entry = catalog.open_weights("resnet50-keras")
    assert entry is not None and entry.mean == (103.939, 116.779, 123.68)
    assert torch.equal(state["bn1.bias"], read_resnet50(h5py[1])["bn1.bias"])
    assert catalog.verify("resnet50-keras").checksum == "no published checksum"


def test_what_is_wrong_with_a_file_is_named(h5py, tmp_path, monkeypatch):
    file, path = h5py
    del file["probs"]
    with pytest.raises(DataError, match=r"has no layer 'predictions': take Keras's .*not the file that ends in _notop"):
        read_resnet50(path)
    with pytest.raises(MissingDataError, match="is not a file"):
        read_resnet50(tmp_path / "none.h5")
    monkeypatch.setitem(sys.modules, "h5py", None)  # not installed
    with pytest.raises(MissingDataError, match="the package 'h5py' is not installed: pip install h5py"):
        read_resnet50(path)
