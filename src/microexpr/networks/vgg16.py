"""VGG-16, and the weights of VGG-Face.

Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015 (configuration D).
Parkhi, Vedaldi, Zisserman: Deep Face Recognition, BMVC 2015: the same network trained on 2622 people. Layers are
named as in the latter's release.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from ..core.errors import RecipeError
from .base import NETWORKS, Architecture, Dropout, DropoutRate
from .frame_features import convolutions

GROUPS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Numbers of maps of the convolutions, group by group."""

UNITS = 4096
"""Units of the dense layers fc6 and fc7."""

SMALLEST = 32
"""Side in pixels of the smallest images: five poolings leave one pixel."""

Width = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""Factor of the numbers of maps and units of a network; 1 as published."""


@NETWORKS.register("vgg16")
@dataclass(frozen=True)
class Vgg16(Architecture):
    """138 357 544 weights for 224x224 pixels and 1000 classes.

    Args:
        width: factor of the numbers of maps and units; published weights fit 1 only, smaller ones are for quick runs.
        dropout: probability of dropout after fc6 and fc7, 0 to below 1.
    """

    width: Width = 1.0
    dropout: DropoutRate = 0.5

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W).

        Raises:
            RecipeError: these are no images, or too small ones.
        """
        if len(shape) != 3:
            raise RecipeError(f"vgg16 takes images (channels, height, width); got {shape}")
        return Vgg(shape, self.width, self.dropout, classes)


class Vgg(nn.Module):
    """The layers conv1_1 to fc7, whose output has `features` values, and the head `fc8`, which frames of clips do not
    need.

    Args:
        shape: (C, H, W) of an image.
        width: factor of the numbers of maps and units.
        dropout: probability of dropout after fc6 and fc7.
        classes: number of logits; None for no head.

    Raises:
        RecipeError: the image is too small.
    """

    def __init__(self, shape: tuple[int, ...], width: float, dropout: float, classes: int | None = None) -> None:
        super().__init__()
        channels, *sides = shape
        if min(sides) < SMALLEST:
            raise RecipeError(
                f"VGG-16 takes images of {SMALLEST}x{SMALLEST} pixels or more (224x224 usually); got {shape}"
            )
        groups = tuple(tuple(scaled(maps, width) for maps in group) for group in GROUPS)
        self.features = scaled(UNITS, width)
        pixels = (sides[0] // 32) * (sides[1] // 32)
        self.base = nn.Sequential(convolutions(channels, groups))
        self.fc = nn.Sequential(
            OrderedDict(
                fc6=nn.Linear(groups[-1][-1] * pixels, self.features),
                relu6=nn.ReLU(),
                dropout6=Dropout(dropout),
                fc7=nn.Linear(self.features, self.features),
                relu7=nn.ReLU(),
                dropout7=Dropout(dropout),
            )
        )
        if classes is not None:
            self.fc8 = nn.Linear(self.features, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the output of fc7, or logits (n, classes) where there is a head, of images (n, C, H, W)."""
        features: Tensor = self.fc(self.base(x).flatten(1))
        return self.fc8(features) if hasattr(self, "fc8") else features


def scaled(number: int, width: float) -> int:
    """A number of maps or units times a factor, rounded; 1 at least."""
    return max(1, round(number * width))
