"""Caffe weights: a real file, written here byte by byte, answers in torch as in OpenCV."""

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from microexpr.core.errors import DataError, MissingDataError
from microexpr.networks.caffe import NORMS, PLAIN, prototxt, read_resnet10
from microexpr.networks.resnet10 import PreActivated

Blobs = dict[str, list[np.ndarray]]


def varint(n: int) -> bytes:
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)


def message(field: int, content: bytes) -> bytes:
    """A protobuf field of wire type 2."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def layer(name: str, kind: str, blobs: list[np.ndarray]) -> bytes:
    stored = b"".join(
        message(7, message(7, message(1, b"".join(map(varint, b.shape)))) + message(5, b.astype("<f4").tobytes()))
        for b in blobs
    )
    return message(100, message(1, name.encode()) + message(2, kind.encode()) + stored)


def random_blobs(seed: int = 0) -> Blobs:
    """Blobs of every layer such that values stay near 1; factors differ from 1, as in trained files."""
    draws = np.random.default_rng(seed)
    own = PreActivated(3, 1000).state_dict()
    blobs: Blobs = {}
    for number, (ours, (moments, scale)) in enumerate(NORMS.items()):
        maps, factor = len(own[f"{ours}.weight"]), 1.0 + number
        mean = draws.normal(size=maps) + (120 if ours == "data_bn" else 0)
        variance = draws.uniform(0.5, 2, maps) * (3000 if ours == "data_bn" else 1)
        blobs[moments] = [mean * factor, variance * factor, np.array([factor])]
        blobs[scale] = [draws.uniform(0.5, 1.5, maps), draws.normal(size=maps)]
    for ours, theirs in PLAIN.items():
        shape = own[f"{ours}.weight"].shape
        blobs[theirs] = [draws.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)]
        if f"{ours}.bias" in own:
            blobs[theirs].append(draws.normal(size=shape[0]))
    return blobs


def write(path: Path, blobs: Blobs) -> Path:
    path.write_bytes(message(1, b"ResNet10") + b"".join(layer(name, "Any", each) for name, each in blobs.items()))
    return path


def both(path: Path, size: int) -> tuple[cv2.dnn.Net, PreActivated, np.ndarray]:
    """OpenCV's network and our module, both of the same file, and an image of noise in blue, green, red, 0 to 255."""
    image = np.random.default_rng(1).uniform(0, 255, (1, 3, size, size)).astype(np.float32)
    net = cv2.dnn.readNetFromCaffe(
        np.frombuffer(prototxt(size).encode(), np.uint8), np.frombuffer(path.read_bytes(), np.uint8)
    )
    net.setInput(image)
    module = PreActivated(3, 1000).eval()
    module.load_state_dict(read_resnet10(path), strict=False)
    return net, module, image


def answers(path: Path, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits of OpenCV and of our module for one image of noise."""
    net, module, image = both(path, size)
    with torch.no_grad():
        return net.forward("score"), module(torch.from_numpy(image)).numpy()


@pytest.mark.parametrize("size", [224, 97])  # an even size, where pooling must round up, and an odd one
def test_logits_are_those_of_opencv(tmp_path, size):
    theirs, ours = answers(write(tmp_path / "x.caffemodel", random_blobs()), size)
    assert theirs.std() > 0.1
    assert np.abs(theirs - ours).max() <= 1e-5 * np.abs(theirs).max()


@pytest.mark.parametrize("size", [224, 97])
def test_every_layer_is_that_of_opencv(tmp_path, size):
    net, module, image = both(write(tmp_path / "x.caffemodel", random_blobs()), size)
    net.enableFusion(False)  # else a layer's output holds the layers behind it, too
    given: dict[str, torch.Tensor] = {}
    made: dict[str, torch.Tensor] = {}

    def keep(name: str, _: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        given[name], made[name] = inputs[0].clone(), output.clone()

    for name, layer_module in module.named_modules():
        layer_module.register_forward_hook(partial(keep, name))
    with torch.no_grad():
        module(torch.from_numpy(image))
    ours = {theirs: made[name] for name, theirs in PLAIN.items()}
    ours |= {affine: made[name] for name, (_, affine) in NORMS.items()}  # divided by the factor, scaled and shifted
    ours |= {"pool": given["block64"], "mean": given["fc"]}  # rounded up, and over the whole image
    ours |= {f"layer_{n}_1_sum": made[f"block{n}"] for n in (64, 128, 256, 512)}
    ours |= {f"layer_{n}_1_bn1_relu": given[f"block{n}.shortcut"] for n in (128, 256, 512)}  # activated, then convolved
    for name, theirs in zip(ours, net.forward(list(ours)), strict=True):
        assert theirs.size == ours[name].numel() and theirs.std() > 0.01, name
        gap = np.abs(theirs.ravel() - ours[name].numpy().ravel()).max()
        assert gap <= 1e-5 * np.abs(theirs).max(), name


def test_a_factor_of_zero_gives_zero_moments(tmp_path):
    blobs = random_blobs()
    blobs["layer_512_1_bn1"][2] = np.zeros(1)
    path = write(tmp_path / "x.caffemodel", blobs)
    assert not read_resnet10(path)["block512.first_bn.running_var"].any()
    theirs, ours = answers(path, 64)
    assert np.abs(theirs - ours).max() <= 1e-5 * np.abs(theirs).max()


def test_moments_are_divided_by_the_factor(tmp_path):
    blobs = random_blobs()
    state = read_resnet10(write(tmp_path / "x.caffemodel", blobs))
    mean, _, factor = blobs["last_bn"]
    assert factor[0] > 1
    assert np.allclose(state["last_bn.running_mean"], mean / factor, rtol=1e-5)
    assert set(state) == {n for n in PreActivated(3, 1000).state_dict() if not n.endswith("num_batches_tracked")}


def broken(kind: str, path: Path) -> Path:
    blobs = random_blobs()
    if kind == "a layer less":
        del blobs["layer_256_1_conv_expand"]
    elif kind == "no scale":
        blobs["data_scale"] = []
    elif kind == "another shape":
        blobs["conv1"][0] = np.zeros((64, 1, 7, 7))
    elif kind == "other classes":
        blobs["score"] = [np.zeros((5, 512)), np.zeros(5)]
    elif kind == "not numbers":
        blobs["score"][1][3] = np.nan
    elif kind == "another net":
        blobs = {"fc8": [np.zeros((10, 10))]}
    content = write(path, blobs).read_bytes()
    texts = {"text": b"<html>not found</html>", "empty": b"", "cut": content[:-1000]}
    path.write_bytes(texts.get(kind, content))
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("a layer less", r"lacks 1 of ResNet10's \d+ layers \(layer_256_1_conv_expand\)"),
        ("no scale", "cannot be read as|do not fit"),
        ("another shape", "cannot be read as|do not fit"),
        ("other classes", "cannot be read as|do not fit"),
        ("not numbers", "'fc.bias' holds values that are not finite"),
        ("another net", "lacks 33 of"),
        ("text", "lacks 33 of"),
        ("empty", "lacks 33 of"),
        ("cut", "download it again"),
    ],
)
def test_wrong_files_are_refused_in_one_line(tmp_path, kind, said):
    with pytest.raises(DataError, match=said) as caught:
        read_resnet10(broken(kind, tmp_path / "x.caffemodel"))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(MissingDataError, match="is not a file"):
        read_resnet10(tmp_path / "nothing.caffemodel")
