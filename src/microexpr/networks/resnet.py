"""Residual networks with the parameter names of timm, so that its published safetensors load as they are.

He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, CVPR 2016. `resnet10t` is timm's small one: a stem of
three convolutions and shortcuts that average before they convolve (He et al. 2019, Bag of Tricks, model D).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from .base import NETWORKS, Architecture, require_images


@dataclass(frozen=True)
class _ResNet(Architecture):
    """A ResNet whose input is RGB; 224x224 for published weights."""

    layers: ClassVar[tuple[int, int, int, int]]
    bottleneck: ClassVar[bool] = False
    tiered: ClassVar[bool] = False

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W)."""
        require_images(self.name, shape, 32, "224x224 usually")
        return ResNet(shape[0], classes, self.layers, self.bottleneck, self.tiered)


@NETWORKS.register("resnet10t")
@dataclass(frozen=True)
class ResNet10T(_ResNet):
    """timm's `resnet10t`."""

    layers = (1, 1, 1, 1)
    tiered = True


@NETWORKS.register("resnet18")
@dataclass(frozen=True)
class ResNet18(_ResNet):
    """11 689 512 weights with 1000 classes."""

    layers = (2, 2, 2, 2)


@NETWORKS.register("resnet50")
@dataclass(frozen=True)
class ResNet50(_ResNet):
    """25 557 032 weights with 1000 classes."""

    layers = (3, 4, 6, 3)
    bottleneck = True


@NETWORKS.register("resnet50-keras")
@dataclass(frozen=True)
class ResNet50Keras(ResNet50):
    """ResNet50 as Keras has it, for its published weights; 25 583 592 weights with 1000 classes.

    Its input is blue, green, red, 0 to 255, minus 103.939, 116.779, 123.68.
    """

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W)."""
        return as_in_keras(super().build(shape, classes))


class ResNet(nn.Module):
    """Stem, four stages, global average pooling, one linear layer."""

    def __init__(
        self, channels: int, classes: int, layers: tuple[int, int, int, int], bottleneck: bool, tiered: bool
    ) -> None:
        super().__init__()
        self.conv1 = tiered_stem(channels) if tiered else nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        block, before = (Bottleneck if bottleneck else BasicBlock), 64
        for number, (maps, depth) in enumerate(zip((64, 128, 256, 512), layers, strict=True), 1):
            steps = []
            for i in range(depth):
                steps.append(block(before, maps, stride=2 if number > 1 and i == 0 else 1, averaged=tiered))
                before = maps * block.expansion
            self.add_module(f"layer{number}", nn.Sequential(*steps))
        self.fc = nn.Linear(before, classes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (n, classes) of images (n, C, H, W)."""
        return self.fc(self.maps(x).mean(dim=(2, 3)))

    def maps(self, x: Tensor) -> Tensor:
        """Compute the maps of the last stage (n, M, H / 32, W / 32) of images (n, C, H, W)."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        for number in range(1, 5):
            x = self.get_submodule(f"layer{number}")(x)
        return x


def as_in_keras(module: nn.Module) -> nn.Module:
    """Change a ResNet50 to what Keras has under this name, and return it.

    The first 1x1 convolution of a block has the stride (in timm, the 3x3 convolution has it), every convolution has a
    bias, which begins at zero, and batch norm adds 1.001e-5 to the variance (keras.applications.resnet).
    """
    for layer in module.modules():
        if isinstance(layer, Bottleneck):
            layer.conv1.stride, layer.conv2.stride = layer.conv2.stride, (1, 1)
        elif isinstance(layer, nn.Conv2d):
            layer.bias = nn.Parameter(layer.weight.new_zeros(layer.out_channels))
        elif isinstance(layer, nn.BatchNorm2d):
            layer.eps = 1.001e-5
    return module


def tiered_stem(channels: int) -> nn.Sequential:
    """Three 3x3 convolutions of 24, 32 and 64 maps; the first halves the size."""
    return nn.Sequential(
        nn.Conv2d(channels, 24, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(24),
        nn.ReLU(),
        nn.Conv2d(24, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1, bias=False),
    )


def shortcut(before: int, after: int, stride: int, averaged: bool) -> nn.Module | None:
    """The shortcut of a block: None for the identity, a strided convolution, or an average and a convolution."""
    if stride == 1 and before == after:
        return None
    if not averaged:
        return nn.Sequential(nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after))
    pool = nn.AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False) if stride > 1 else nn.Identity()
    return nn.Sequential(pool, nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions."""

    expansion = 1

    def __init__(self, before: int, maps: int, stride: int, averaged: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, maps, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(maps)
        self.conv2 = nn.Conv2d(maps, maps, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(maps)
        self.downsample = shortcut(before, maps, stride, averaged)

    def forward(self, x: Tensor) -> Tensor:
        """Compute (n, maps, H / stride, W / stride) of (n, before, H, W)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(shortcut + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions; the 3x3 convolution has the stride."""

    expansion = 4

    def __init__(self, before: int, maps: int, stride: int, averaged: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, maps, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(maps)
        self.conv2 = nn.Conv2d(maps, maps, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(maps)
        self.conv3 = nn.Conv2d(maps, maps * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(maps * self.expansion)
        self.downsample = shortcut(before, maps * self.expansion, stride, averaged)

    def forward(self, x: Tensor) -> Tensor:
        """Compute (n, 4 maps, H / stride, W / stride) of (n, before, H, W)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        out = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(shortcut + self.bn3(self.conv3(out)))
