"""Read weights that Keras saved: ResNet50's into our `resnet50-keras`, VGG-Face's into our `vgg16`.

The files are HDF5, laid out as Keras saves weights: a group for each layer, whose attribute `weight_names` names its
arrays. The layers are those of keras.applications.resnet (conv1_conv, conv2_block1_1_conv, ...), and those of
VGG-Face's release (conv1_1, ..., fc8).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..core.errors import DataError, MissingDataError
from .base import NETWORKS
from .vgg16 import GROUPS
from .weights import check_weights

T = TypeVar("T")

NETWORK, CLASSES = "resnet50-keras", 1000
HEADS = ("predictions", "probs")
"""Names of the last layer: of Keras, and of the releases before."""

VGG_FACE_LAYERS = {
    **{
        f"conv{group}_{part}": f"base.conv{group}_{part}"
        for group, maps in enumerate(GROUPS, 1)
        for part in range(1, len(maps) + 1)
    },
    "fc6": "fc.fc6",
    "fc7": "fc.fc7",
    "fc8": "fc8",
}
"""Layer of VGG-Face -> ours."""

_DEPTHS = (3, 4, 6, 3)
_PARTS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""Keras's name of an array -> ours."""


def read_resnet50(path: Path) -> dict[str, Tensor]:
    """Read the state dict of `resnet50-keras` with 1000 classes from `resnet50_weights_tf_dim_ordering_tf_kernels.h5`.

    Raises:
        MissingDataError: there is no such file, or the package h5py is not installed.
        DataError: it is damaged, or of another network; the message names a layer that is missing.
    """
    state = dict(_opened(path, lambda file: list(_tensors(file, path))))
    with torch.device("meta"):  # names and shapes only
        module = NETWORKS.build({"name": NETWORK}).build((3, 224, 224), CLASSES)
    check_weights(module, state, f"'{path}'")
    return state


def is_vgg_face(path: Path) -> bool:
    """Whether a file has the layers of VGG-Face.

    Raises:
        MissingDataError, DataError: as `read_resnet50`.
    """
    return _opened(path, lambda file: "conv1_1" in file.get("model_weights", file))


def read_vgg_face(path: Path) -> dict[str, Tensor]:
    """Read the state dict of `vgg16` from VGG-Face's weights as Keras saved them (`rcmalli_vggface_tf_vgg16.h5`).

    Raises:
        MissingDataError: there is no such file, or the package h5py is not installed.
        DataError: it is damaged, or of another network; the message names a layer that is missing.
    """
    return dict(_opened(path, lambda file: list(_vgg_tensors(file, path))))


def _vgg_tensors(file: Any, path: Path) -> Iterator[tuple[str, Tensor]]:
    layers, maps = file.get("model_weights", file), 0
    for theirs, ours in VGG_FACE_LAYERS.items():
        if theirs not in layers:
            raise DataError(
                f"'{path}' has no layer '{theirs}' of VGG-Face: take the file with all layers (not '_notop')"
            )
        for array in _arrays(layers[theirs]):
            if theirs == "fc6" and array.ndim == 2:
                array = _maps_first(array, maps, path)
            maps = array.shape[-1] if array.ndim == 4 else maps
            yield f"{ours}.{'bias' if array.ndim == 1 else 'weight'}", _in_our_order(array)


def _maps_first(array: np.ndarray, maps: int, path: Path) -> np.ndarray:
    """The first dense layer (height x width x maps, units) for inputs that are flattened with the maps first.

    Raises:
        DataError: the rows are not those of square images.
    """
    side = round((len(array) / maps) ** 0.5)
    if side * side * maps != len(array):
        raise DataError(f"'{path}': layer 'fc6' has {len(array)} inputs, which are no square images of {maps} maps")
    return array.reshape(side, side, maps, -1).transpose(2, 0, 1, 3).reshape(array.shape)


def layer_names() -> dict[str, str]:
    """Keras's layer -> ours, but for the last one."""
    names = {"conv1_conv": "conv1", "conv1_bn": "bn1"}
    for stage, depth in enumerate(_DEPTHS, 1):
        for block in range(depth):
            theirs, ours = f"conv{stage + 1}_block{block + 1}", f"layer{stage}.{block}"
            for part in (1, 2, 3):
                names |= {f"{theirs}_{part}_conv": f"{ours}.conv{part}", f"{theirs}_{part}_bn": f"{ours}.bn{part}"}
            if block == 0:
                names |= {f"{theirs}_0_conv": f"{ours}.downsample.0", f"{theirs}_0_bn": f"{ours}.downsample.1"}
    return names


def _tensors(file: Any, path: Path) -> Iterator[tuple[str, Tensor]]:
    """Our name and tensor of every array of a file."""
    layers = file.get("model_weights", file)
    head = next((name for name in HEADS if name in layers), HEADS[0])
    for theirs, ours in {**layer_names(), head: "fc"}.items():
        if theirs not in layers:
            raise DataError(
                f"'{path}' has no layer '{theirs}': take Keras's resnet50_weights_tf_dim_ordering_tf_kernels.h5, with "
                "its last layer (not the file that ends in _notop)"
            )
        group = layers[theirs]
        for name, array in zip(_array_names(group), _arrays(group), strict=True):
            part = name.rpartition("/")[2].partition(":")[0]
            if part not in _PARTS:
                raise DataError(f"'{path}', layer '{theirs}' has an array '{name}', which a ResNet50 has not")
            yield f"{ours}.{_PARTS[part]}", _in_our_order(array)


def _opened(path: Path, use: Callable[[Any], T]) -> T:
    """What a function makes of an open file.

    Raises:
        MissingDataError: there is no such file, or the package h5py is not installed.
        DataError: it is damaged.
    """
    if not path.is_file():
        raise MissingDataError(f"'{path}' is not a file")
    try:
        h5py: Any = importlib.import_module("h5py")
    except ImportError:
        raise MissingDataError(
            f"'{path}' is an HDF5 file, and the package 'h5py' is not installed: pip install h5py"
        ) from None
    try:
        with h5py.File(path, "r") as file:
            return use(file)
    except OSError as error:
        raise DataError(f"'{path}' is damaged or not HDF5 ({error}); download it again") from None


def _array_names(group: Any) -> list[str]:
    return [name.decode() if isinstance(name, bytes) else str(name) for name in group.attrs["weight_names"]]


def _arrays(group: Any) -> list[np.ndarray]:
    """The arrays of a layer, float32."""
    return [np.asarray(group[name], np.float32) for name in _array_names(group)]


def _in_our_order(array: np.ndarray) -> Tensor:
    """Keras's (H, W, in, out) and (in, out) as (out, in, H, W) and (out, in)."""
    order = {4: (3, 2, 0, 1), 2: (1, 0)}.get(array.ndim, (0,))
    return torch.from_numpy(np.ascontiguousarray(array.transpose(order)))
