"""SSSNet: a shallow network of a single stream on the optical flow and its strain.

Varanka, Peng, Zhao: Micro-expression recognition with noisy labels, IS&T Electronic Imaging: Human Vision and
Electronic Imaging, 2021. The layers are those of the first author's release, https://github.com/tvaranka/meb. The
SSSN and DSSN of Khor et al. 2019 are other networks: the first layers of AlexNet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from .base import NETWORKS, Architecture, Dropout, DropoutRate, Size, require_images

SMALLEST = 16
"""Side in pixels of the smallest images: two convolutions and two poolings leave one pixel."""


@NETWORKS.register("sssnet")
@dataclass(frozen=True)
class SSSNet(Architecture):
    """1 349 251 weights for 3 channels of 64x64 pixels and 3 classes; 169 603 for 28x28 pixels.

    Args:
        maps: number of maps of the two convolutions.
        dense: number of units of the dense layer before the classes.
        dropout: probability of dropout, of whole maps after each convolution and of units after the dense layer, 0 to
            below 1.
    """

    channels_last = True

    maps: tuple[Size, Size] = (32, 64)
    dense: Size = 256
    dropout: DropoutRate = 0.5

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W); 64x64 in the release.

        Raises:
            RecipeError: these are no images, or too small ones.
        """
        require_images(self.name, shape, SMALLEST, "64x64 in the release")
        return SingleStream(self, shape, classes)


class SingleStream(nn.Module):
    """Two convolutions and two dense layers."""

    def __init__(self, settings: SSSNet, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        first, second = settings.maps
        channels, height, width = shape
        self.layer1 = _layer(channels, first, 5, 3, settings.dropout)
        self.layer2 = _layer(first, second, 3, 2, settings.dropout)
        self.dense = nn.Linear(second * _pooled(height) * _pooled(width), settings.dense)
        self.dropout = Dropout(settings.dropout)
        self.fc = nn.Linear(settings.dense, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (n, classes) of images (n, C, H, W)."""
        features = F.relu(self.dense(self.layer2(self.layer1(x)).flatten(1)))
        logits: Tensor = self.fc(self.dropout(features))
        return logits


class MapDropout(Dropout):
    """Dropout of whole maps: all pixels of a map are kept or set to zero together."""

    def draw_kept(self, shape: Sequence[int]) -> Tensor:
        """Draw which maps of an array (n, C, H, W) are kept, bool (n, C, 1, 1), on the CPU."""
        return super().draw_kept((*shape[:2], 1, 1))


def _layer(before: int, maps: int, size: int, pool: int, dropout: float) -> nn.Module:
    convolution = nn.Conv2d(before, maps, size)
    return nn.Sequential(convolution, nn.ReLU(), nn.MaxPool2d(pool), nn.BatchNorm2d(maps), MapDropout(dropout))


def _pooled(size: int) -> int:
    """Height or width after both convolutions and poolings."""
    return ((size - 4) // 3 - 2) // 2
