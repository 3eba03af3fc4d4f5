"""Dual-Inception: two Inception blocks on each direction of the optical flow.

Zhou, Mao, Xue: Dual-Inception Network for Cross-Database Micro-Expression Recognition, FG 2019 (an entry of MEGC 2019;
the layers are those of the authors' release, https://github.com/xly135846/MEGC2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .base import NETWORKS, Architecture, DropoutRate, Size
from .devanaboyina import dense_head
from .off_apexnet import FlowStreams, quarter_pixels

PATHS = 4
"""Number of paths of an Inception block, which give the same number of maps each."""


@NETWORKS.register("dual-inception")
@dataclass(frozen=True)
class DualInception(Architecture):
    """6 449 867 weights for images of 28x28 pixels and 3 classes.

    The horizontal flow u and the vertical flow v have a stream each: twice an Inception block and a pooling that halves
    the image. Channels after the first two, such as the optical strain, are not looked at. The release's streams take
    three equal copies of their channel, which adds 96 weights and nothing that the network could compute.

    Args:
        maps: number of maps of each of the four paths in the two blocks.
        dense: number of units of each dense layer between the features and the classes.
        dropout: probability of dropout after each of these layers, 0 to below 1; the release has none.
    """

    maps: tuple[Size, Size] = (6, 16)
    dense: tuple[Size, ...] = (1024,)
    dropout: DropoutRate = 0.0

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W) with the channels u and v first; 28x28 in the paper.

        Raises:
            RecipeError: these are no images of flow, or too small ones.
        """
        features = 2 * PATHS * self.maps[1] * quarter_pixels(self.name, shape)
        return FlowStreams(self._stream, dense_head(features, self.dense, classes, self.dropout))

    def _stream(self) -> nn.Module:
        first, second = self.maps
        return nn.Sequential(
            *(Inception(1, first), nn.MaxPool2d(2)),
            *(Inception(PATHS * first, second), nn.MaxPool2d(2)),
        )


class Inception(nn.Module):
    """Convolutions of 1x1, 3x3 and 5x5 pixels and a pooling beside each other; their maps are stacked.

    Szegedy et al.: Going Deeper with Convolutions, CVPR 2015.

    Args:
        before: number of maps of the input.
        maps: number of maps of each path.
    """

    def __init__(self, before: int, maps: int) -> None:
        super().__init__()
        self.small = _convolution(before, maps, 1)
        self.medium = nn.Sequential(_convolution(before, maps, 1), _convolution(maps, maps, 3))
        self.large = nn.Sequential(_convolution(before, maps, 1), _convolution(maps, maps, 5))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), _convolution(before, maps, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Compute maps (n, 4 * maps, H, W) of maps (n, before, H, W)."""
        return torch.cat([self.small(x), self.medium(x), self.large(x), self.pooled(x)], dim=1)


def _convolution(before: int, maps: int, size: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(before, maps, size, padding=size // 2), nn.ReLU())
