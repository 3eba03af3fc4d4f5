"""Read the weights of ResNet50 that Keras publishes into our `resnet50-keras`.

The file is HDF5, laid out as Keras saves weights: a group for each layer, whose attribute `weight_names` names its
arrays. The layers are those of keras.applications.resnet (conv1_conv, conv2_block1_1_conv, ...).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..core.errors import DataError, MissingDataError
from .base import NETWORKS
from .weights import check_weights

NETWORK, CLASSES = "resnet50-keras", 1000
HEADS = ("predictions", "probs")
"""Names of the last layer: of Keras, and of the releases before."""

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
            state = dict(_tensors(file, path))
    except OSError as error:
        raise DataError(f"'{path}' is damaged or not HDF5 ({error}); download it again") from None
    with torch.device("meta"):  # names and shapes only
        module = NETWORKS.build({"name": NETWORK}).build((3, 224, 224), CLASSES)
    check_weights(module, state, f"'{path}'")
    return state


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
        for full in group.attrs["weight_names"]:
            name = full.decode() if isinstance(full, bytes) else str(full)
            part = name.rpartition("/")[2].partition(":")[0]
            if part not in _PARTS:
                raise DataError(f"'{path}', layer '{theirs}' has an array '{name}', which a ResNet50 has not")
            yield f"{ours}.{_PARTS[part]}", _in_our_order(np.asarray(group[name], np.float32))


def _in_our_order(array: np.ndarray) -> Tensor:
    """Keras's (H, W, in, out) and (in, out) as (out, in, H, W) and (out, in)."""
    order = {4: (3, 2, 0, 1), 2: (1, 0)}.get(array.ndim, (0,))
    return torch.from_numpy(np.ascontiguousarray(array.transpose(order)))
