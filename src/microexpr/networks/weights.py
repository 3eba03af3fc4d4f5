"""Weights from files, without pickle's dangers."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from ..core.errors import DataError, MissingDataError
from ..core.files import write_atomically
from ..core.tensor_files import read_tensors, sort_metadata
from .base import head_of


def read_weights(path: Path) -> dict[str, Tensor]:
    """A state dict from safetensors, or from a PyTorch file that holds nothing but tensors.

    Raises:
        MissingDataError: no such file.
        DataError: it is broken, or holds more than tensors (pickled code is never run).
    """
    if not path.is_file():
        raise MissingDataError(f"weights '{path}' is not a file")
    try:
        if path.suffix == ".safetensors":
            return read_tensors(path, "pt")[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of odd files; they are refused below
            stored = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the parser of a hostile file may stumble anywhere
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:120]
        raise DataError(f"weights '{path}' are broken or hold more than tensors ({reason})") from None
    stored = stored.get("state_dict", stored) if isinstance(stored, Mapping) else stored
    if not isinstance(stored, Mapping) or not all(isinstance(v, Tensor) for v in stored.values()):
        raise DataError(f"weights '{path}' are not a state dict (named tensors)")
    return {name.removeprefix("module."): tensor for name, tensor in stored.items()}


def write_weights(path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write a state dict as safetensors; metadata that are not strings are written as JSON."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in metadata.items()}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    write_atomically(path, sort_metadata(save(tensors, metadata=texts)))


def check_weights(module: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Hold weights against a module, which may be on torch's `meta` device: every name and shape must fit.

    Raises:
        DataError: a name is missing or too many, or a shape differs.
    """
    own = module.state_dict()
    optional = {name for name in own if name.endswith("num_batches_tracked")}
    for name in [*weights, *(set(own) - optional)]:
        if name not in own or name not in weights:
            raise DataError(f"weights from {source} do not fit: '{name}' is only on one side")
        if own[name].shape != weights[name].shape:
            here, there = tuple(own[name].shape), tuple(weights[name].shape)
            raise DataError(f"weights from {source} do not fit: '{name}' is {there}, the network's is {here}")


def load_weights(module: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Put weights into a module.

    Raises:
        DataError: as `check_weights`.
    """
    check_weights(module, weights, source)
    module.load_state_dict({**module.state_dict(), **weights})


def transfer_weights(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put weights of another task, or of a network with another head, into a module; its backbone must fit.

    The head keeps fresh weights where its own are not among them, or have another shape. A convolution's bias that
    they lack stays zero: batch norm follows it.

    Raises:
        DataError: the backbone does not fit.
    """
    own, (head, _) = module.state_dict(), head_of(module)
    mine = [name for name in own if name.startswith(f"{head}.")]
    kept = {name for name in mine if name not in weights or weights[name].shape != own[name].shape}
    kept |= {f"{name}.bias" for name, layer in module.named_modules() if _unneeded_bias(layer)} - set(weights)
    others = {name.partition(".")[0] for name in set(weights) - set(own)}
    if len(others) == 1 and kept.issuperset(mine):  # their head, in whose place ours stands
        weights = {name: tensor for name, tensor in weights.items() if name.partition(".")[0] not in others}
    load_weights(module, {**weights, **{name: own[name] for name in kept}}, "the stage before")


def _unneeded_bias(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d) and layer.bias is not None and not layer.bias.any()
