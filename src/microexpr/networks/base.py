"""The base class of network architectures, the types of their settings, and dropout with a generator of its own."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from ..core.errors import RecipeError
from ..core.registry import Registry

Size = Annotated[int, Field(ge=1)]
"""A number of maps or units, or a length in pixels: 1 or more."""

DropoutRate = Annotated[float, Field(ge=0, lt=1)]
"""A probability of dropout, 0 to below 1."""


@dataclass(frozen=True)
class Architecture(ABC):
    """Settings of a network."""

    name: ClassVar[str]
    takes_raw_bgr: ClassVar[bool] = False
    """Whether published weights take blue, green, red from 0 to 255 as they are; otherwise normalized RGB."""

    frame_by_frame: ClassVar[bool] = False
    """Whether a network of sequences computes every frame by itself, and its head takes features (n, T, ...) and
    lengths (n,). What a frozen backbone computes of a frame can then be cached."""

    channels_last: ClassVar[bool] = False
    """Whether steps of training on a CPU are faster with channels last in memory, which was measured; it changes
    rounding alone. Not for networks with 1x1 convolutions of fewer than 8 maps and a stride: in oneDNN, as it is in
    torch 2.13, their gradient writes over other memory."""

    @property
    def pretrained(self) -> dict[str, Any]:
        """Table of the network whose published weights fit: this one, or the one whose head it replaces."""
        return {"name": self.name, **asdict(self)}

    def adapted(self, weights: Mapping[str, Tensor], module: nn.Module) -> Mapping[str, Tensor]:
        """Weights that a training starts from under the names of this network, e.g. those of `pretrained` for each
        part.

        Args:
            weights: a state dict of this network, or of the one that `pretrained` names.
            module: what `build` made.
        """
        return weights

    def loss(self, logits: Tensor, targets: Tensor, class_weights: Tensor | None = None) -> Tensor:
        """Compute the mean loss of a batch: cross-entropy, unless the paper of a network has another.

        Args:
            logits: (n, classes) of the module.
            targets: (n,) int64 classes.
            class_weights: (classes,) weight of the inputs of each class; None for equal ones.
        """
        return F.cross_entropy(logits, targets, class_weights)

    def fused_step(self) -> type[FusedStep] | None:
        """Compiled steps of training for this network, if there are any and Numba is installed."""
        return None

    @abstractmethod
    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module, with random weights.

        Args:
            shape: of one input without the batch, channels first: (C, H, W) or (T, C, H, W).
            classes: number of logits.
        """


def require_divisor(name: str, divide: float) -> None:
    """Check that what the pixels of a network are divided by is not 0.

    Raises:
        RecipeError: it is.
    """
    if divide == 0:
        raise RecipeError(f"network '{name}': divide = 0; use a number that is not zero")


def require_images(name: str, shape: tuple[int, ...], smallest: int = 1, usual: str = "") -> None:
    """Check that the inputs of a network are large enough images.

    Args:
        name: of the network.
        shape: of one input without the batch, (C, H, W).
        smallest: smallest height and width in pixels.
        usual: the size that the network was made for, e.g. `28x28 in the paper`.

    Raises:
        RecipeError: they are not.
    """
    if len(shape) != 3 or min(shape[1:]) < smallest:
        size = f"{smallest}x{smallest} pixels or more" + (f" ({usual})" if usual else "")
        raise RecipeError(f"{name} takes images of {size}; got {shape}")


def require_sequences(name: str, shape: tuple[int, ...], smallest: int) -> None:
    """Check that the inputs of a network are sequences of large enough images.

    Args:
        name: of the network.
        shape: of one input without the batch, (T, C, H, W).
        smallest: smallest height and width in pixels.

    Raises:
        RecipeError: they are not.
    """
    if len(shape) != 4 or min(shape[2:]) < smallest:
        raise RecipeError(
            f"{name} takes sequences (frames, channels, height, width) of {smallest}x{smallest} pixels or more; got "
            f"{shape}"
        )


class FusedStep(ABC):
    """Loss and gradients of a network for a batch of images, computed by compiled code instead of torch's operations.

    Args:
        module: the network, on the CPU; its parameters get the gradients, its buffers the running means.
        inputs: what `prepare` made of all images.
        size: (H, W) of an image.
        class_weights: (classes,) weights of the loss; None for equal ones.
    """

    @abstractmethod
    def __init__(
        self, module: nn.Module, inputs: np.ndarray, size: tuple[int, int], class_weights: Tensor | None = None
    ) -> None: ...

    @staticmethod
    @abstractmethod
    def prepare(images: np.ndarray) -> np.ndarray:
        """What is computed of images (n, H, W, C) once, for all epochs and folds."""

    @staticmethod
    @abstractmethod
    def prepared_bytes(shape: tuple[int, ...]) -> int:
        """Size in bytes of what `prepare` makes of an image (H, W, C)."""

    @abstractmethod
    def __call__(self, positions: Tensor, targets: Tensor) -> tuple[float, int]:
        """Set the gradients of the mean loss of a batch, and update the running means of the batch normalization.

        Args:
            positions: (n,) int64 of the images in `inputs`, 2 or more.
            targets: (n,) int64 classes.

        Returns:
            The loss, and how many images are predicted correctly.
        """


NETWORKS: Registry[Architecture] = Registry("network", "microexpr.networks")
"""All networks. One more: a subclass of `Architecture` with `@NETWORKS.register("name")`."""


def head_of(module: nn.Module) -> tuple[str, nn.Module]:
    """(name, module) of a network's head: its last child, which computes the logits. The rest is the backbone."""
    return list(module.named_children())[-1]


class Dropout(nn.Module):
    """Dropout whose mask comes from a given generator, never from torch's global one.

    A fold therefore draws the same masks whether it is trained alone, beside others, or continued after a stop.

    Args:
        p: fraction of the values that are set to zero in training; the others grow by 1 / (1 - p).
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Set a random part of `x` to zero in training mode; return `x` itself in evaluation mode."""
        if not self.training or self.p == 0:
            return x
        return x * self.draw_kept(x.shape).to(x.device) / (1 - self.p)

    def draw_kept(self, shape: Sequence[int]) -> Tensor:
        """Draw which values of an array of this shape are kept, bool, on the CPU."""
        return torch.rand(tuple(shape), generator=self.generator) >= self.p


_global_generator = threading.Lock()


@contextmanager
def seeded_weights(seed: int) -> Iterator[None]:
    """A context in which torch's global generator, which draws the weights of new modules, begins at a seed.

    The generator is as before afterwards, and only one thread at a time is inside, since all share it.
    """
    with _global_generator, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def use_generator(module: nn.Module, generator: torch.Generator) -> None:
    """Let every `Dropout` of a module draw from `generator` (on the CPU, so that every device gets the same masks)."""
    for layer in module.modules():
        if isinstance(layer, Dropout):
            layer.generator = generator
