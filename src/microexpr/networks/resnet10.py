"""The ResNet10 of Peng et al. 2018: pre-activation blocks, batch norm on the data.

Simon, Rodner, Denzler: ImageNet pre-trained models with batch normalization, arXiv 1612.01452. Input as in Caffe: BGR,
0 to 255, no mean subtracted (the first layer normalizes); 5 417 070 weights with 1000 classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from .base import NETWORKS, Architecture, require_images
from .patches import PatchConv2d


@NETWORKS.register("resnet10")
@dataclass(frozen=True)
class ResNet10(Architecture):
    """Four residual blocks of 64, 128, 256 and 512 maps, global average pooling, one linear layer."""

    takes_raw_bgr = True
    channels_last = True

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W); 224x224 in the paper."""
        require_images(self.name, shape, 32, "224x224 in the paper")
        return PreActivated(shape[0], classes)


class PreActivated(nn.Module):
    """The layers of the authors' prototxt; sizes are rounded up in the pooling, as Caffe does."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.data_bn = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3)
        self.conv1_bn = nn.BatchNorm2d(64)
        self.block64 = FirstBlock(64)
        self.block128 = Block(64, 128)
        self.block256 = Block(128, 256)
        self.block512 = Block(256, 512)
        self.last_bn = nn.BatchNorm2d(512)
        self.fc = nn.Linear(512, classes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):  # Caffe's msra filler; that of the first layer has FAN_OUT
                nn.init.kaiming_normal_(
                    layer.weight, mode="fan_out" if layer is self.conv1 else "fan_in", nonlinearity="relu"
                )

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (n, classes) of images (n, C, H, W)."""
        return self.fc(self.maps(x).mean(dim=(2, 3)))

    def maps(self, x: Tensor) -> Tensor:
        """Compute the last maps (n, 512, H / 32, W / 32) of images (n, C, H, W)."""
        x = F.relu(self.conv1_bn(self.conv1(self.data_bn(x))))
        x = F.max_pool2d(x, 3, stride=2, ceil_mode=True)
        x = self.block512(self.block256(self.block128(self.block64(x))))
        return F.relu(self.last_bn(x))


class FirstBlock(nn.Module):
    """Two convolutions and an identity shortcut; the input is activated already."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.conv1 = PatchConv2d(maps, maps, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(maps)
        self.conv2 = PatchConv2d(maps, maps, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Compute (n, maps, H, W) of (n, maps, H, W)."""
        return x + self.conv2(F.relu(self.bn(self.conv1(x))))


class Block(nn.Module):
    """Two convolutions that halve the size; the shortcut convolves the activated input."""

    def __init__(self, before: int, maps: int) -> None:
        super().__init__()
        self.first_bn = nn.BatchNorm2d(before)
        self.conv1 = PatchConv2d(before, maps, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(maps)
        self.conv2 = PatchConv2d(maps, maps, 3, padding=1, bias=False)
        self.shortcut = PatchConv2d(before, maps, 1, stride=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Compute (n, maps, H / 2, W / 2) of (n, before, H, W)."""
        x = F.relu(self.first_bn(x))
        return self.shortcut(x) + self.conv2(F.relu(self.bn(self.conv1(x))))
