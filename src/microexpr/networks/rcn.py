"""Recurrent convolutional networks (RCN) with modules that add no weights.

Xia, Peng, Khor, Feng, Zhao: Revealing the Invisible with Model and Data Shrinking for Composite-database
Micro-expression Recognition, IEEE Transactions on Image Processing 29, 2020 (arXiv 2006.09674). The layers are those of
the authors' release, https://github.com/xiazhaoqiang/ParameterFreeRCNs-MicroExpressionRec.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from .base import NETWORKS, Architecture, Dropout, DropoutRate, Size, require_images

FLAT = 1e-6
"""Range of an attention map below which it tells no places apart."""


@NETWORKS.register("rcn")
@dataclass(frozen=True)
class RCN(Architecture):
    """RCN-A by default: 55 747 weights for 3 channels and 3 classes, whatever the size of the images.

    RCN-S is `shortcuts = true, attention = false`, RCN-W is `wide = true, attention = false`. All three together are
    near to the release's RCN-P; its RCN-F puts the attention into the block. Neither can be built as it stands there.

    Args:
        attention: multiply the last maps by what the classifier's weights make of the first ones (RCN-A).
        shortcuts: add the outputs of all earlier steps of a block to the input of the next step (RCN-S).
        wide: begin with three convolutions beside each other, whose pixels are 1, 2 and 3 apart (RCN-W).
        maps: number of maps of every layer, a multiple of 4; 64 by default in the release, 32 in its example.
        blocks: number of recurrent blocks, each of which halves the image.
        side: height and width in pixels to which the last maps are averaged; 7 by default in the release, 5 in its
            example.
        dropout: probability of dropout after the first layer and after each block, 0 to below 1.
    """

    channels_last = True

    attention: bool = True
    shortcuts: bool = False
    wide: bool = False
    maps: Annotated[int, Field(ge=4, multiple_of=4)] = 64
    blocks: Size = 1
    side: Size = 7
    dropout: DropoutRate = 0.5

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W); weights begin as in the release.

        Raises:
            RecipeError: these are no images, or too small ones.
        """
        halved = 2**self.blocks
        smallest = 3 * halved if self.wide else 4 + 2 * halved
        require_images(f"{self.name} with these settings", shape, smallest)
        module = RecurrentNetwork(self, shape[0], classes)
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, 0, 0.01)
                nn.init.zeros_(layer.bias)
        return module


class RecurrentNetwork(nn.Module):
    """A first layer, recurrent blocks and a classifier."""

    def __init__(self, settings: RCN, channels: int, classes: int) -> None:
        super().__init__()
        first = WideLayer if settings.wide else FirstLayer
        self.first = first(channels, settings.maps, settings.dropout)
        self.blocks = nn.Sequential(
            *(RecurrentBlock(settings.maps, settings.shortcuts, settings.dropout) for _ in range(settings.blocks))
        )
        self.pool = nn.AdaptiveAvgPool2d(settings.side)
        head = AttentionHead if settings.attention else Head
        self.head = head(settings.maps * settings.side**2, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (n, classes) of images (n, C, H, W)."""
        first = self.first(x)
        logits: Tensor = self.head(torch.stack([self.pool(self.blocks(first)), self.pool(first)], dim=1))
        return logits


class FirstLayer(nn.Sequential):
    """A convolution of 5x5 pixels without padding, and a pooling."""

    def __init__(self, channels: int, maps: int, dropout: float) -> None:
        convolution = nn.Conv2d(channels, maps, 5)
        super().__init__(convolution, nn.BatchNorm2d(maps), nn.ReLU(), nn.MaxPool2d(2), Dropout(dropout))


class WideLayer(nn.Module):
    """Convolutions of 3x3 pixels that lie 1, 2 and 3 apart, with half, a quarter and a quarter of the maps."""

    def __init__(self, channels: int, maps: int, dropout: float) -> None:
        super().__init__()
        self.streams = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, maps // part, 3, stride=3, padding=apart, dilation=apart),
                nn.ReLU(),
                nn.BatchNorm2d(maps // part),
                Dropout(dropout),
            )
            for apart, part in ((1, 2), (2, 4), (3, 4))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Compute maps (n, maps, H / 3, W / 3), rounded up, of images (n, C, H, W)."""
        return torch.cat([stream(x) for stream in self.streams], dim=1)


class RecurrentBlock(nn.Module):
    """A convolution of 1x1 pixels, then one of 3x3 pixels that is applied several times with the same weights.

    Each time its input is the block's input plus the step before, or, with shortcuts, plus all steps before.
    """

    def __init__(self, maps: int, shortcuts: bool, dropout: float) -> None:
        super().__init__()
        self.shortcuts = shortcuts
        self.forward_layer = nn.Sequential(nn.Conv2d(maps, maps, 1), nn.BatchNorm2d(maps), nn.ReLU())
        self.recurrent = nn.Sequential(nn.Conv2d(maps, maps, 3, padding=1), nn.BatchNorm2d(maps), nn.ReLU())
        self.shrink = nn.Sequential(nn.MaxPool2d(2), Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        """Compute maps (n, C, H / 2, W / 2) of maps (n, C, H, W)."""
        step = self.forward_layer(x)
        total = x + step
        for _ in range(3 if self.shortcuts else 2):
            step = self.recurrent(total)
            total = (total if self.shortcuts else x) + step
        return self.shrink(step)


class Head(nn.Module):
    """A dense layer on the last maps."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.fc = nn.Linear(features, classes)

    def forward(self, maps: Tensor) -> Tensor:
        """Compute logits (n, classes) of the last and the first maps (n, 2, C, side, side)."""
        logits: Tensor = self.fc(maps[:, 0].flatten(1))
        return logits


class AttentionHead(Head):
    """A dense layer on the last maps times an attention map, which its own weights make of the first maps.

    The weights of a class, applied place by place, show what in the first maps speaks for it, as in class activation
    maps (Zhou et al. 2016). These maps are stretched to 0..1 and averaged over the classes.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Compute logits (n, classes) of the last and the first maps (n, 2, C, side, side)."""
        last, first = maps.unbind(1)
        weights = self.fc.weight.view(-1, *first.shape[1:])
        evidence = torch.einsum("nchw,kchw->nkhw", first, weights) / len(weights[0])
        lowest, highest = evidence.amin((2, 3), keepdim=True), evidence.amax((2, 3), keepdim=True)
        attention = ((evidence - lowest) / (highest - lowest).clamp_min(FLAT)).mean(1, keepdim=True)
        logits: Tensor = self.fc((last * attention).flatten(1))
        return logits
