"""Micro-Attention: residual blocks that weigh the places of the face.

Wang, Peng, Bi, Chen: Micro-attention for micro-expression recognition, Neurocomputing 410, 2020 (arXiv 1811.02360). A
block compares what its layers see at several scales, gives a weight to each place, and adds the weighted maps to the
maps themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from .alexnet import Divide
from .base import NETWORKS, Architecture, DropoutRate, Size, require_divisor, require_images
from .devanaboyina import dense_head
from .patches import PatchConv2d

SMALLEST = 8
"""Side in pixels of the smallest images."""


@NETWORKS.register("micro-attention")
@dataclass(frozen=True)
class MicroAttention(Architecture):
    """53 384 195 weights for 3 channels of 224x224 and 3 classes.

    What was at hand of the paper is its abstract; the layers are those of a public adaptation (repository
    `PRICAI2021-Off-TANet`): a 7x7 convolution, three residual blocks with attention, a pooling after each, one dense
    layer. Poolings round up, which changes nothing at 224 pixels and leaves one at 28. The weights of the places of
    an image add up to 1.

    Args:
        maps: maps of the first convolution, then of each block; two numbers or more.
        dense: units of the dense layer before the classes.
        dropout: probability of dropout after that layer, 0 to below 1.
        divide: divides the pixels before the first layer, not 0; 255 for bytes.
    """

    channels_last = True

    maps: Annotated[tuple[Size, ...], Field(min_length=2)] = (32, 64, 128, 256)
    dense: Size = 4096
    dropout: DropoutRate = 0.5
    divide: float = 1.0

    def __post_init__(self) -> None:
        require_divisor(self.name, self.divide)

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W); 224x224 in the adaptation.

        Raises:
            RecipeError: these are no images, or too small ones.
        """
        require_images(self.name, shape, SMALLEST)
        return AttendedPlaces(self, shape, classes)


class AttendedPlaces(nn.Module):
    """A convolution, residual blocks with attention and poolings, and dense layers."""

    def __init__(self, settings: MicroAttention, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        maps = settings.maps
        self.divide = Divide(settings.divide)
        self.conv = nn.Conv2d(shape[0], maps[0], 7, stride=2, padding=3)
        self.blocks = nn.ModuleList(Block(before, after) for before, after in pairwise(maps))
        height, width = (_pooled(side, len(self.blocks)) for side in shape[1:])
        self.head = dense_head(maps[-1] * height * width, (settings.dense,), classes, settings.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (n, classes) of images (n, C, H, W)."""
        x = F.max_pool2d(F.relu(self.conv(self.divide(x))), 3, stride=2, padding=1)
        for block in self.blocks:
            x = F.max_pool2d(block(x), 2, ceil_mode=True)
        logits: Tensor = self.head(x.flatten(1))
        return logits


class Block(nn.Module):
    """Two 3x3 convolutions beside a 1x1 convolution, and an attention to the places of all three."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = PatchConv2d(before, after, 3, padding=1), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = PatchConv2d(after, after, 3, padding=1), nn.BatchNorm2d(after)
        self.shortcut = PatchConv2d(before, after, 1)
        self.attention = PatchConv2d(3 * after, 3 * after, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Compute (n, after, H, W) of (n, before, H, W)."""
        first = F.relu(self.bn1(self.conv1(x)))
        second = F.relu(self.bn2(self.conv2(first)))
        shortcut = self.shortcut(x)
        scores = self.attention(torch.cat([first, second, shortcut], dim=1)).mean(dim=1, keepdim=True)
        weights = scores.flatten(1).softmax(dim=1).view_as(scores)
        return (second + shortcut) * (1 + weights)


def _pooled(side: int, blocks: int) -> int:
    """Height or width after the first convolution, its pooling, and those of the blocks."""
    for _ in range(2 + blocks):
        side = (side + 1) // 2
    return side
