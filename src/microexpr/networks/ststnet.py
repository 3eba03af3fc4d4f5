"""Shallow triple-stream three-dimensional CNN.

Liong, Gan, See, Khor, Huang: Shallow Triple Stream Three-dimensional CNN (STSTNet) for Micro-expression Recognition,
FG 2019.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import NETWORKS, Architecture, Dropout, DropoutRate, FusedStep, require_images


@NETWORKS.register("ststnet")
@dataclass(frozen=True)
class STSTNet(Architecture):
    """1 683 weights for 3 channels of 28x28 and 3 classes.

    Args:
        dropout: probability of dropout after each stream's pooling, 0 to below 1.
    """

    dropout: DropoutRate = 0.5

    def fused_step(self) -> type[FusedStep] | None:
        """Steps that Numba compiles: one core trains several times as fast with them. See `ststnet_kernels`."""
        if importlib.util.find_spec("numba") is None:
            return None
        from .ststnet_kernels import STSTNetStep

        return STSTNetStep

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W)."""
        require_images(self.name, shape, 10, "28x28 in the paper")
        return TripleStream(shape, classes, self.dropout)


class TripleStream(nn.Module):
    """Three parallel streams of 3, 5 and 8 maps; parameter names are those of the authors' PyTorch release."""

    def __init__(self, shape: tuple[int, ...], classes: int, dropout: float) -> None:
        super().__init__()
        channels, height, width = shape
        self.conv1, self.bn1 = nn.Conv2d(channels, 3, 3, padding=2), nn.BatchNorm2d(3)
        self.conv2, self.bn2 = nn.Conv2d(channels, 5, 3, padding=2), nn.BatchNorm2d(5)
        self.conv3, self.bn3 = nn.Conv2d(channels, 8, 3, padding=2), nn.BatchNorm2d(8)
        self.dropout = Dropout(dropout)
        self.fc = nn.Linear(16 * _pooled(height) * _pooled(width), classes)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (n, classes) of images (n, C, H, W)."""
        streams = ((self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3))
        maps = [self.dropout(F.max_pool2d(bn(F.relu(conv(x))), 3, stride=3, padding=1)) for conv, bn in streams]
        return self.fc(F.avg_pool2d(torch.cat(maps, dim=1), 2, stride=2).flatten(1))


def _pooled(size: int) -> int:
    """Height or width after the padded convolution, the max pooling and the average pooling."""
    return ((size + 2 + 2 - 3) // 3 + 1) // 2
