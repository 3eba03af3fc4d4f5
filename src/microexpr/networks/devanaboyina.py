"""The two networks for apex flow of Devanaboyina, CASME II report, 2021: Figure 10 and Figure 12."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from ..core.errors import RecipeError
from .base import NETWORKS, Architecture, Dropout
from .resnet import ResNet


@NETWORKS.register("custom-cnn")
@dataclass(frozen=True)
class CustomCNN(Architecture):
    """Convolutions without padding, each with ReLU and 2x2 max pooling, and dense layers (Figure 10).

    The paper's text gives no size: these are the usual ones of such a network, our choice.

    Args:
        maps: number of maps of each 3x3 convolution.
        dense: number of units of each dense layer before the last.
        dropout: probability of dropout after each of them, 0 to below 1.
    """

    maps: tuple[int, ...] = (32, 64, 128)
    dense: tuple[int, ...] = (128,)
    dropout: float = 0.5

    def __post_init__(self) -> None:
        if not self.maps or min(self.maps) < 1:
            raise RecipeError(
                f"custom-cnn: maps = {list(self.maps)}; use one convolution or more, each of 1 map or more"
            )

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """The module for (C, H, W); 224x224 in the paper."""
        if len(shape) != 3:
            raise RecipeError(f"custom-cnn takes images (channels, height, width); got {shape}")
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
    """ResNet50 with the head of Figure 12: 23 858 435 numbers for 3 classes, as Keras counts them.

    That is 23 508 032 weights of the backbone, 53 120 running means and variances (buffers here), 26 560 biases of its
    convolutions, which Keras has and timm has not, and 270 723 of the head. A bias before batch norm changes nothing,
    so it is there only if asked for, and begins at zero. Backbone names are those of `resnet50`, so its weights fit.

    Args:
        dense: number of units of the dense layers before the last.
        dropout: after each of them; the paper's rate is not stated.
        bias: biases in the convolutions, as in Keras.
        depth: 50 as in the paper; 18 for a small machine.
    """

    dense: tuple[int, ...] = (128, 64)
    dropout: float = 0.5
    bias: bool = False
    depth: Literal[18, 50] = 50

    @property
    def pretrained(self) -> dict[str, Any]:
        """The plain network."""
        return {"name": f"resnet{self.depth}"}

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """The module for (C, H, W); 224x224 in the paper."""
        if len(shape) != 3 or min(shape[1:]) < 32:
            raise RecipeError(f"resnet50-dense takes images of 32x32 pixels or more (224x224 usually); got {shape}")
        return ResNetDense(shape[0], classes, self)


class ResNetDense(ResNet):
    """Stem and four stages of a ResNet, 2x2 max pooling, global average, dense layers."""

    def __init__(self, channels: int, classes: int, settings: ResNet50Dense) -> None:
        deep = settings.depth == 50
        super().__init__(channels, classes, (3, 4, 6, 3) if deep else (2, 2, 2, 2), bottleneck=deep, tiered=False)
        width = self.fc.in_features
        del self.fc
        self.head = dense_head(width, settings.dense, classes, settings.dropout)
        for layer in self.modules() if settings.bias else ():
            if isinstance(layer, nn.Conv2d):
                layer.bias = nn.Parameter(layer.weight.new_zeros(layer.out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """(n, C, H, W) to (n, classes) logits."""
        x = self.maps(x)
        if min(x.shape[2:]) > 1:  # images below 64 pixels leave nothing to pool
            x = F.max_pool2d(x, 2)
        return self.head(x.mean(dim=(2, 3)))


def dense_head(width: int, units: tuple[int, ...], classes: int, dropout: float) -> nn.Sequential:
    """Dense layers with ReLU and dropout, then one of logits: `dense1`, `dense2` ..."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (before, after) in enumerate(zip((width, *units), units, strict=False), 1):
        layers |= {f"dense{number}": nn.Linear(before, after), f"relu{number}": nn.ReLU()}
        layers[f"dropout{number}"] = Dropout(dropout)
    layers[f"dense{len(units) + 1}"] = nn.Linear((width, *units)[-1], classes)
    return nn.Sequential(layers)
