"""The two networks of Devanaboyina 2021 for the flow from onset to apex: Figure 10 and Figure 12."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from ..core.errors import RecipeError
from .base import NETWORKS, Architecture, Dropout, DropoutRate, Size, require_images
from .resnet import ResNet, as_in_keras


@NETWORKS.register("custom-cnn")
@dataclass(frozen=True)
class CustomCNN(Architecture):
    """Convolutions without padding, each with ReLU and 2x2 max pooling, and dense layers (Figure 10).

    The text of the paper gives no sizes: the defaults are our choice, usual for such a network.

    Args:
        maps: number of maps of each 3x3 convolution; one or more.
        dense: number of units of each dense layer before the last.
        dropout: probability of dropout after each of these dense layers, 0 to below 1.
    """

    maps: Annotated[tuple[Size, ...], Field(min_length=1)] = (32, 64, 128)
    dense: tuple[Size, ...] = (128,)
    dropout: DropoutRate = 0.5

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W); 224x224 in the paper."""
        require_images(self.name, shape)
        height, width = shape[1:]
        for _ in self.maps:
            height, width = (height - 2) // 2, (width - 2) // 2
        if min(height, width) < 1:
            raise RecipeError(f"custom-cnn: images of {shape} are too small for {len(self.maps)} convolutions")
        parts: list[nn.Module] = []
        for before, after in zip((shape[0], *self.maps), self.maps, strict=False):
            parts += [nn.Conv2d(before, after, 3), nn.ReLU(), nn.MaxPool2d(2)]
        head = dense_head(self.maps[-1] * height * width, self.dense, classes, self.dropout)
        return nn.Sequential(OrderedDict(features=nn.Sequential(*parts, nn.Flatten()), head=head))


@NETWORKS.register("resnet50-dense")
@dataclass(frozen=True)
class ResNet50Dense(Architecture):
    """ResNet50 with the head of Figure 12: 23 858 435 parameters for 3 classes, as Keras counts them.

    These are 23 508 032 weights of the backbone, 53 120 running means and variances (buffers in torch), 26 560 biases
    of its convolutions, which Keras has and timm has not, and 270 723 weights of the head. The parameter names of the
    backbone are those of `resnet50` and of `resnet50-keras`, so that the published weights of its variant fit.

    Args:
        dense: number of units of each dense layer before the last.
        dropout: probability of dropout after each of these layers, 0 to below 1; the paper does not give it.
        variant: ResNet50 of `timm`, or of `keras` as in the paper: see `resnet50-keras`.
        depth: 50 as in the paper; 18 for small machines, which Keras has not.
    """

    dense: tuple[Size, ...] = (128, 64)
    dropout: DropoutRate = 0.5
    variant: Literal["timm", "keras"] = "timm"
    depth: Literal[18, 50] = 50

    def __post_init__(self) -> None:
        if self.variant == "keras" and self.depth != 50:
            raise RecipeError(f"network '{self.name}': variant = 'keras' has depth = 50 only, not {self.depth}")

    @property
    def pretrained(self) -> dict[str, Any]:
        """Table of the ResNet of the same depth and variant."""
        return {"name": "resnet50-keras" if self.variant == "keras" else f"resnet{self.depth}"}

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W); 224x224 in the paper."""
        require_images(self.name, shape, 32, "224x224 usually")
        return ResNetDense(shape[0], classes, self)


class ResNetDense(ResNet):
    """Stem and four stages of a ResNet, 2x2 max pooling, global average, dense layers."""

    def __init__(self, channels: int, classes: int, settings: ResNet50Dense) -> None:
        deep = settings.depth == 50
        super().__init__(channels, classes, (3, 4, 6, 3) if deep else (2, 2, 2, 2), bottleneck=deep, tiered=False)
        width = self.fc.in_features
        del self.fc
        self.head = dense_head(width, settings.dense, classes, settings.dropout)
        if settings.variant == "keras":
            as_in_keras(self)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (n, classes) of images (n, C, H, W)."""
        return self.head(figure_12_pooling(self.maps(x)))


def figure_12_pooling(maps: Tensor) -> Tensor:
    """2x2 max pooling and the global average: (n, M) of maps (n, M, H, W)."""
    if min(maps.shape[2:]) > 1:  # images below 64 pixels give maps of one pixel: there is nothing to pool
        maps = F.max_pool2d(maps, 2)
    return maps.mean(dim=(2, 3))


def dense_head(width: int, units: tuple[int, ...], classes: int, dropout: float) -> nn.Sequential:
    """Dense layers with ReLU and dropout, then a dense layer that gives the logits; named `dense1`, `dense2` ..."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (before, after) in enumerate(zip((width, *units), units, strict=False), 1):
        layers |= {f"dense{number}": nn.Linear(before, after), f"relu{number}": nn.ReLU()}
        layers[f"dropout{number}"] = Dropout(dropout)
    layers[f"dense{len(units) + 1}"] = nn.Linear((width, *units)[-1], classes)
    return nn.Sequential(layers)
