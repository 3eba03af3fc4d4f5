"""Values of a layer of a network, as features of images: of published weights, saved models, or random weights."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..core.errors import DataError, RecipeError, did_you_mean
from ..core.files import file_digest
from ..core.tensor_files import read_metadata
from .base import NETWORKS, Architecture, head_of, seeded_weights
from .pretrained import find, open_weights
from .training import torch_threads
from .weights import load_weights

POOLED = "pooled"
"""Name that stands for the input of a network's head: the pooled values of its last layer of maps."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of red, green and blue from 0 to 1, as timm and torchvision use them."""


@dataclass(frozen=True)
class InputFormat:
    """What a network takes: `(x - subtract) / divide` for each channel of an image with gray levels of 0 to 255.

    Attributes:
        channels: order of the color channels, `rgb` or `bgr`; "" for the order that they have.
        subtract: a value for each channel, in that order; empty for nothing.
        divide: a value for each channel, in that order; empty for nothing.
    """

    channels: str = ""
    subtract: tuple[float, ...] = ()
    divide: tuple[float, ...] = ()

    @classmethod
    def of_architecture(cls, architecture: Architecture) -> InputFormat:
        """That of a network of three channels whose weights do not say what they take."""
        if architecture.takes_raw_bgr:
            return cls("bgr")
        return cls("rgb", tuple(255 * m for m in IMAGENET_MEAN), tuple(255 * s for s in IMAGENET_STD))

    def apply(self, images: np.ndarray, channels: str) -> np.ndarray:
        """Images (n, H, W, C) float32 in this format; gray images get three equal channels where it names channels.

        Args:
            images: (n, H, W, C), gray levels of 0 to 255.
            channels: order of their color channels.
        """
        if self.channels and images.shape[-1] == 1:
            images = np.repeat(images, 3, axis=-1)
        elif self.channels and channels != self.channels:
            images = images[..., ::-1]
        values = images.astype(np.float32)
        if self.subtract:
            values = values - np.array(self.subtract, np.float32)
        return values / np.array(self.divide, np.float32) if self.divide else values


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network, its weights, and what it takes.

    Attributes:
        architecture: builds the module.
        weights: a state dict; None for random weights.
        input: what it takes.
        source: what an error message calls the weights.
    """

    architecture: Architecture
    weights: Mapping[str, Tensor] | None
    input: InputFormat
    source: str

    @classmethod
    def open(cls, weights: str, network: Mapping[str, Any] | None = None) -> TrainedNetwork:
        """Open named weights or a file of weights.

        Args:
            weights: a name of published weights or of weights in the weights folder; a file that `microexpr pretrain`,
                `train` or `run --save-models` wrote; or a state dict. "" for random weights.
            network: table of the network, `{"name": ...}`; None for the one that the weights name.

        Raises:
            MissingDataError: the weights are not on this machine; the message says how to get them.
            DataError: the file is damaged.
            RecipeError: the weights do not say of which network they are, and `network` is not given.
        """
        table, format_ = network or None, None
        state: Mapping[str, Tensor] | None = None
        if weights:
            state, known = open_weights(weights)
            if known is not None:
                table = table or {"name": known.network}
                scale = known.divide
                format_ = InputFormat(
                    known.channels, tuple(scale * m for m in known.mean), tuple(scale * s for s in known.std)
                )
            else:
                table, format_ = _told_by(_path_of(weights), table)
        if table is None:
            said = f"weights = '{weights}' do not say of which network they are" if weights else "weights = ''"
            raise RecipeError(f"{said}: give network = {{name = '...'}}, one of {', '.join(NETWORKS.names())}")
        architecture = NETWORKS.build(table)
        return cls(architecture, state, format_ or InputFormat.of_architecture(architecture), f"'{weights}'")

    def build(self, shape: tuple[int, ...], seed: int = 0) -> nn.Module:
        """Build the module with its weights, in evaluation mode, for images (C, H, W).

        Raises:
            DataError: the weights do not fit the network.
            RecipeError: the network does not take such images.
        """
        with seeded_weights(seed):
            module = self.architecture.build(shape, 2)
            if self.weights is not None:
                classes = _number_of_classes(module, self.weights)
                module = module if classes == 2 else self.architecture.build(shape, classes)
                load_weights(module, self.weights, self.source)
        return module.eval()


def weights_digest(weights: str) -> str:
    """Fingerprint of the file of named weights, "" for random weights.

    Raises:
        MissingDataError: the weights are not on this machine; the message says how to get them.
    """
    if not weights:
        return ""
    path = _path_of(weights)
    if not path.is_file():
        open_weights(weights)  # raises an error that says how to get them
    facts = path.stat()
    return _digest_of_file(path, facts.st_mtime_ns, facts.st_size)


def layer_features(module: nn.Module, layer: str, images: np.ndarray, *, average: bool = True) -> np.ndarray:
    """Values of a layer for each of some images, (n, length) float32, computed on the CPU.

    Args:
        module: a network in evaluation mode.
        layer: name of a module in it, e.g. `block512`, whose output is taken; `pooled` is the input of the head.
        images: (n, H, W, C) float32, in the format that the network takes.
        average: average maps over the place; flattened if not.

    Raises:
        RecipeError: there is no such layer (the nearest is named), or its output is no array of numbers for each image.
    """
    found: list[Any] = []
    if layer == POOLED:
        handle = head_of(module)[1].register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    else:
        known = [name for name, _ in module.named_modules() if name]
        if layer not in known:
            raise RecipeError(
                f"layer = '{layer}': the network has no such layer{did_you_mean(layer, [POOLED, *known])}"
            )
        handle = module.get_submodule(layer).register_forward_hook(lambda _, inputs, output: found.append(output))
    try:
        with torch.no_grad(), torch_threads(1):
            module(torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))))
    finally:
        handle.remove()
    values = found[-1] if found else None
    if not isinstance(values, Tensor) or values.ndim < 2 or len(values) != len(images):
        raise RecipeError(f"layer = '{layer}' gives no array of numbers for each image; choose another one")
    if average and values.ndim > 2:
        values = values.flatten(2).mean(dim=2)
    return values.flatten(1).float().numpy()


def _told_by(path: Path, table: Mapping[str, Any] | None) -> tuple[Mapping[str, Any] | None, InputFormat | None]:
    """The network and its input, as far as a file says them: one of `microexpr pretrain`, or a saved recognizer."""
    if path.suffix != ".safetensors":
        return table, None
    metadata = read_metadata(path)
    try:
        if "recognizer" in metadata:  # the steps of its chain have made of the image what it takes
            own = json.loads(metadata["settings"]).get("network")
            if own is None:
                raise DataError(f"'{path}' is a saved '{metadata['recognizer']}', which has no network")
            return table or own, InputFormat()
        if "input" in metadata:
            told = json.loads(metadata["input"])
            format_ = InputFormat(told["channels"], tuple(told["subtract"]), tuple(told["divide"]))
            return table or json.loads(metadata["network"]), format_
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"'{path}': its metadata cannot be read ({type(error).__name__}: {error})") from None
    return table, None


def _path_of(weights: str) -> Path:
    return find(weights) or Path(weights).expanduser()


def _number_of_classes(module: nn.Module, weights: Mapping[str, Tensor]) -> int:
    """The number of logits of a state dict; 2 where it lacks the head, which is then an error of its own."""
    head = weights.get(f"{head_of(module)[0]}.weight")
    return 2 if head is None else int(head.shape[0])


@functools.lru_cache(maxsize=32)
def _digest_of_file(path: Path, changed: int, size: int) -> str:
    return file_digest(path)[:16]
