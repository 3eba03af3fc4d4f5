"""Reading, writing, checking and loading the weights of networks; pickled code is never run."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from ..core.errors import DataError, MissingDataError
from ..core.files import write_atomically
from ..core.tensor_files import finish_tensors, read_tensors
from .base import head_of


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a state dict from safetensors, or from a PyTorch file that holds nothing but tensors.

    Raises:
        MissingDataError: there is no such file.
        DataError: it is damaged, or holds more than tensors (pickled code is never run).
    """
    if not path.is_file():
        raise MissingDataError(f"weights '{path}' is not a file")
    try:
        if path.suffix == ".safetensors":
            return read_tensors(path, "pt")[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of unusual files; they are refused below
            stored = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the parser of a damaged file may fail anywhere
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:120]
        raise DataError(f"weights '{path}' are damaged or hold more than tensors ({reason})") from None
    stored = stored.get("state_dict", stored) if isinstance(stored, Mapping) else stored
    if not isinstance(stored, Mapping) or not all(isinstance(v, Tensor) for v in stored.values()):
        raise DataError(f"weights '{path}' are not a state dict (named tensors)")
    return {name.removeprefix("module."): tensor for name, tensor in stored.items()}


def state_digest(state: Mapping[str, np.ndarray]) -> str:
    """Fingerprint of named arrays."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode() + state[name].tobytes())
    return digest.hexdigest()[:16]


def write_weights(path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write a state dict as safetensors; metadata that are not strings are written as JSON."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in metadata.items()}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    write_atomically(path, finish_tensors(save(tensors, metadata=texts)))


def check_weights(module: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Check that weights fit a module, which may be on torch's `meta` device: every name and shape must be equal.

    Args:
        module: the module.
        weights: a state dict.
        source: what an error message calls the weights.

    Raises:
        DataError: a name is missing or unknown, or a shape differs.
    """
    own = module.state_dict()
    optional = {name for name in own if name.endswith("num_batches_tracked")}
    for name in [*weights, *(set(own) - optional)]:
        if name not in own or name not in weights:
            owner = "the network" if name in own else "the weights"
            raise DataError(f"weights from {source} do not fit: only {owner} have '{name}'")
        if own[name].shape != weights[name].shape:
            here, there = tuple(own[name].shape), tuple(weights[name].shape)
            raise DataError(f"weights from {source} do not fit: '{name}' is {there}, the network's is {here}")


def load_weights(module: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Set the weights of a module.

    Raises:
        DataError: as `check_weights`.
    """
    check_weights(module, weights, source)
    module.load_state_dict({**module.state_dict(), **weights})


def transfer_weights(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Set the weights of a module to those of another task, or of a network with another head.

    The backbones must be equal. A weight of the head keeps its random value where `weights` lacks it or has another
    shape.

    Raises:
        DataError: the backbone does not fit.
    """
    own, (head, _) = module.state_dict(), head_of(module)
    of_head = [name for name in own if name.startswith(f"{head}.")]
    unchanged = {name for name in of_head if name not in weights or weights[name].shape != own[name].shape}
    unknown = {name.partition(".")[0] for name in set(weights) - set(own)}
    if len(unknown) == 1 and unchanged.issuperset(of_head):  # the other network's head, which this one's replaces
        weights = {name: tensor for name, tensor in weights.items() if name.partition(".")[0] not in unknown}
    load_weights(module, {**weights, **{name: own[name] for name in unchanged}}, "the stage before")
