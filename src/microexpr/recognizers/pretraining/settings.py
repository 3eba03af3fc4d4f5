"""Settings of a training from scratch.

The defaults are those of the ResNet10's authors (Simon, Rodner, Denzler, arXiv 1612.01452, their `solver.prototxt`):
gradient descent with momentum 0.9, weight decay 1e-4, batches of 256, a learning rate that falls linearly from 0.1 to 0
over 320 000 steps (64 epochs of ImageNet); shorter side 256, random crops of 224, half of them mirrored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from ...core.errors import RecipeError
from ...networks import NETWORKS
from ...networks.layer_features import IMAGENET_MEAN, IMAGENET_STD
from ...networks.training import Optimizer
from ...networks.training.device import DeviceName, Precision
from ..base import Settings
from .loader import ResizeCrop

Positive = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class Pretraining:
    """Settings of a training from scratch on labeled images.

    Args:
        network: architecture and its settings, `{"name": ..., ...}`.
        epochs: passes over the training images, 1 or more.
        batch_size: images per step over all processes together, 2 or more.
        parts: a batch is divided into so many parts whose gradients are added, where it does not fit in memory.
        lr: initial learning rate of the gradient descent, above 0.
        momentum: momentum of the gradient descent, 0 to below 1.
        weight_decay: L2 penalty on the weights, 0 or more.
        schedule: the learning rate falls to 0 in a straight line (`poly`) or along half a cosine (`cosine`), a little
            at each step.
        warmup: epochs in which the learning rate rises from nearly 0 to that of the schedule.
        size: height and width of a training image, in pixels.
        resize: length of the shorter side before the crop, in pixels; 0 for 256 / 224 times `size`.
        channels: order of the color channels; `auto` for what the network's published weights expect.
        subtract: subtracted from each channel (0 to 255), in that order; None for what published weights expect.
        divide: divides each channel after that; None for what published weights expect.
        precision: `fp32`, or `bf16` with channels-last memory.
        workers: threads that read images, in each process.
        device: `cpu`, `cuda`, or `auto` for a GPU if there is one.
        seed: seed of weights, order, crops and dropout.
        checkpoint_seconds: time between two checkpoints, in seconds; infinite for none.
    """

    network: Settings = field(default_factory=lambda: {"name": "resnet10"})
    epochs: Positive = 64
    batch_size: Annotated[int, Field(ge=2)] = 256
    parts: Positive = 1
    lr: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1e-4
    schedule: Literal["poly", "cosine"] = "poly"
    warmup: Annotated[float, Field(ge=0)] = 0.0
    size: Positive = 224
    resize: Annotated[int, Field(ge=0)] = 0
    channels: Literal["auto", "bgr", "rgb"] = "auto"
    subtract: tuple[float, float, float] | None = None
    divide: tuple[float, float, float] | None = None
    precision: Precision = "fp32"
    workers: Positive = 4
    device: DeviceName = "auto"
    seed: int = 0
    checkpoint_seconds: Annotated[float, Field(ge=0)] = 120.0

    def __post_init__(self) -> None:
        if 0 < self.resize < self.size:
            raise RecipeError(f"pretraining: resize = {self.resize} is less than size = {self.size}")
        if self.divide is not None and 0 in self.divide:
            raise RecipeError(f"pretraining: divide = {self.divide}; use numbers that are not zero")
        NETWORKS.build(self.network)  # a misspelled setting is found before any work is done

    @property
    def channel_order(self) -> Literal["bgr", "rgb"]:
        """Order of the color channels."""
        if self.channels != "auto":
            return self.channels
        return "bgr" if self._takes_raw_bgr else "rgb"

    @property
    def normalization(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """What is subtracted from each channel (0 to 255) and what divides it, in the order of the channels."""
        mean: tuple[float, ...] = (0.0, 0.0, 0.0)
        std: tuple[float, ...] = (1.0, 1.0, 1.0)
        if not self._takes_raw_bgr:
            order = -1 if self.channel_order == "bgr" else 1
            mean, std = (tuple(255 * value for value in values[::order]) for values in (IMAGENET_MEAN, IMAGENET_STD))
        return self.subtract or mean, self.divide or std

    @property
    def resize_crop(self) -> ResizeCrop:
        """Resizes and crops the images."""
        return ResizeCrop(self.resize or round(self.size * 256 / 224), self.size, self.channel_order == "bgr")

    @property
    def optimizer(self) -> Optimizer:
        """The gradient descent method."""
        return Optimizer("sgd", self.lr, self.momentum, self.weight_decay)

    @property
    def _takes_raw_bgr(self) -> bool:
        return NETWORKS.get(self.network["name"]).takes_raw_bgr
