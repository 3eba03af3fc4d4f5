"""Read the Caffe weights of ResNet10, as its authors published them, into our `resnet10`.

Simon, Rodner, Denzler: ImageNet pre-trained models with batch normalization, arXiv 1612.01452; layers and their names
as in cvjena/cnn-models, ResNet_preact/ResNet10_cvgj (BSD-2). OpenCV reads the file; nothing else of Caffe is needed.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ..core.errors import DataError, MissingDataError
from .resnet10 import PreActivated
from .weights import check_weights

CLASSES = 1000
WIDER = (128, 256, 512)
"""Numbers of maps of the blocks that halve the size."""

NORMS = {
    "data_bn": ("data_bn", "data_scale"),
    "conv1_bn": ("conv1_bn", "conv1_scale"),
    "block64.bn": ("layer_64_1_bn2", "layer_64_1_scale2"),
    **{f"block{n}.first_bn": (f"layer_{n}_1_bn1", f"layer_{n}_1_scale1") for n in WIDER},
    **{f"block{n}.bn": (f"layer_{n}_1_bn2", f"layer_{n}_1_scale2") for n in WIDER},
    "last_bn": ("last_bn", "last_scale"),
}
"""Our batch norm -> Caffe's two layers of it: `BatchNorm` has mean and variance, `Scale` has weight and bias."""

PLAIN = {
    "conv1": "conv1",
    **{f"block{n}.{part}": f"layer_{n}_1_{part}" for n in (64, *WIDER) for part in ("conv1", "conv2")},
    **{f"block{n}.shortcut": f"layer_{n}_1_conv_expand" for n in WIDER},
    "fc": "score",
}
"""Our convolution or linear layer -> Caffe's."""


def read_resnet10(path: Path) -> dict[str, Tensor]:
    """Read the state dict of `networks.resnet10.PreActivated(3, 1000)` from `resnet10_cvgj_iter_320000.caffemodel`.

    Raises:
        MissingDataError: there is no such file.
        DataError: it is damaged, or of another network; the message names the layers that are missing.
    """
    if not path.is_file():
        raise MissingDataError(f"'{path}' is not a file")
    content = path.read_bytes()
    layers = [*PLAIN.values(), *(name for pair in NORMS.values() for name in pair)]
    if lacking := [name for name in layers if _as_stored(name) not in content]:
        some = ", ".join(lacking[:3]) + (" ..." if len(lacking) > 3 else "")
        raise DataError(f"'{path}' lacks {len(lacking)} of ResNet10's {len(layers)} layers ({some}); download it again")
    try:
        net = cv2.dnn.readNetFromCaffe(np.frombuffer(prototxt().encode(), np.uint8), np.frombuffer(content, np.uint8))
        state = _state(net)  # before any forward pass, in which OpenCV would fuse layers
    except cv2.error as error:
        raise DataError(
            f"'{path}' cannot be read as ResNet10's Caffe weights ({_reason(error)}); download it again"
        ) from None
    with torch.device("meta"):  # names and shapes only
        module = PreActivated(3, CLASSES)
    check_weights(module, state, f"'{path}'")
    if found := [name for name, tensor in state.items() if not bool(torch.isfinite(tensor).all())]:
        raise DataError(f"'{path}': '{found[0]}' holds values that are not finite")
    return state


def prototxt(size: int = 224) -> str:
    """Describe the network as Caffe's prototxt.

    Args:
        size: height and width of the input in pixels.
    """
    lines = [f'layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ {_dims(size)} }} }} }}']
    lines += _norm("data_bn", "data", "data_bn")
    lines += _conv("conv1", "data_bn", 64, 7, 2, bias=True) + _norm("conv1_bn", "conv1", "conv1")
    lines += [
        _relu("conv1"),
        _layer("pool", "Pooling", ["conv1"], "pool", "pooling_param { kernel_size: 3 stride: 2 }"),
    ]
    below = "pool"
    for maps in (64, *WIDER):
        block, source, stride = f"layer_{maps}_1", below, 1
        if maps != 64:
            source, stride = f"{block}_bn1", 2
            lines += [*_norm(f"block{maps}.first_bn", below, source), _relu(source)]
        lines += _conv(f"{block}_conv1", source, maps, 3, stride)
        lines += [*_norm(f"block{maps}.bn", f"{block}_conv1", f"{block}_conv1"), _relu(f"{block}_conv1")]
        lines += _conv(f"{block}_conv2", f"{block}_conv1", maps, 3, 1)
        if maps != 64:
            lines += _conv(f"{block}_conv_expand", source, maps, 1, stride)
            below = f"{block}_conv_expand"
        lines.append(_layer(f"{block}_sum", "Eltwise", [f"{block}_conv2", below], f"{block}_sum"))
        below = f"{block}_sum"
    lines += [*_norm("last_bn", below, below), _relu(below)]
    lines.append(_layer("mean", "Pooling", [below], "mean", "pooling_param { pool: AVE global_pooling: true }"))
    lines.append(_layer("score", "InnerProduct", ["mean"], "score", f"inner_product_param {{ num_output: {CLASSES} }}"))
    return "\n".join(lines)


def _state(net: cv2.dnn.Net) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for ours, (statistics, affine) in NORMS.items():
        mean, variance, factor = (_blob(net, statistics, i) for i in range(3))
        scale = 0.0 if factor[0] == 0 else 1 / float(factor[0])  # Caffe stores weighted sums, and the sum of weights
        state |= {f"{ours}.weight": _blob(net, affine, 0), f"{ours}.bias": _blob(net, affine, 1)}
        state |= {f"{ours}.running_mean": mean * scale, f"{ours}.running_var": variance * scale}
    for ours, theirs in PLAIN.items():
        state[f"{ours}.weight"] = torch.from_numpy(np.array(net.getParam(theirs, 0)))
        if ours in ("conv1", "fc"):
            state[f"{ours}.bias"] = _blob(net, theirs, 1)
    return state


def _blob(net: cv2.dnn.Net, layer: str, number: int) -> Tensor:
    """A blob of one axis; OpenCV adds a second axis, which is removed."""
    return torch.from_numpy(np.array(net.getParam(layer, number)).reshape(-1))


def _as_stored(name: str) -> bytes:
    """A layer's name as the file stores it: field 1 of a protobuf message, the length of the name, the name."""
    return bytes([0x0A, len(name)]) + name.encode()


def _reason(error: cv2.error) -> str:
    return str(error).strip().splitlines()[0].rpartition("error: ")[2][:120]


def _dims(size: int) -> str:
    return " ".join(f"dim: {n}" for n in (1, 3, size, size))


def _layer(name: str, kind: str, bottoms: list[str], top: str, settings: str = "") -> str:
    given = " ".join(f'bottom: "{bottom}"' for bottom in bottoms)
    return f'layer {{ name: "{name}" type: "{kind}" {given} top: "{top}" {settings} }}'


def _norm(ours: str, bottom: str, top: str) -> list[str]:
    statistics, affine = NORMS[ours]
    return [
        _layer(statistics, "BatchNorm", [bottom], top, "batch_norm_param { use_global_stats: true eps: 1e-5 }"),
        _layer(affine, "Scale", [top], top, "scale_param { bias_term: true }"),
    ]


def _conv(name: str, bottom: str, maps: int, kernel: int, stride: int, bias: bool = False) -> list[str]:
    settings = f"num_output: {maps} kernel_size: {kernel} stride: {stride} pad: {kernel // 2}"
    settings += f" bias_term: {str(bias).lower()}"
    return [_layer(name, "Convolution", [bottom], name, f"convolution_param {{ {settings} }}")]


def _relu(blob: str) -> str:
    return _layer(f"{blob}_relu", "ReLU", [blob], blob)
