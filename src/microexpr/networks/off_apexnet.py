"""OFF-ApexNet: two small convolutional networks, one on each direction of the optical flow from onset to apex.

Gan, Liong, Yau, Huang, Tan: OFF-ApexNet on micro-expression recognition system, Signal Processing: Image Communication
74, 2019 (arXiv 1805.08699).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..core.errors import RecipeError
from .base import NETWORKS, Architecture, DropoutRate, Size
from .devanaboyina import dense_head


@NETWORKS.register("off-apexnet")
@dataclass(frozen=True)
class OffApexNet(Architecture):
    """2 664 475 weights for images of 28x28 pixels and 3 classes, the 2.66 million that Off-TANet's authors count.

    The horizontal flow u and the vertical flow v have a stream each: twice a convolution of 5x5 pixels and a pooling
    that halves the image. Channels after the first two, such as the optical strain, are not looked at.

    Sizes of layers are those of the re-implementation beside Off-TANet (Zhang et al. 2021), as the text at hand gives
    none; the activations after the convolutions (ReLU) are those of meb's (Varanka et al. 2022).

    Args:
        maps: number of maps of the two convolutions of each stream.
        dense: number of units of each dense layer between the features and the classes.
        dropout: probability of dropout after each of these layers, 0 to below 1.
    """

    channels_last = True

    maps: tuple[Size, Size] = (6, 16)
    dense: tuple[Size, ...] = (1024, 1024)
    dropout: DropoutRate = 0.5

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W) with the channels u and v first; 28x28 in the paper.

        Raises:
            RecipeError: these are no images of flow, or too small ones.
        """
        features = 2 * self.maps[1] * quarter_pixels(self.name, shape)
        return FlowStreams(self._stream, dense_head(features, self.dense, classes, self.dropout))

    def _stream(self) -> nn.Module:
        first, second = self.maps
        return nn.Sequential(
            *(nn.Conv2d(1, first, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(first, second, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        )


class FlowStreams(nn.Module):
    """A stream of layers on u and one on v, whose features are classified together.

    Args:
        stream: makes the layers of a stream, which take images (n, 1, H, W).
        head: layers that compute the logits of the features of both streams, one after the other.
    """

    def __init__(self, stream: Callable[[], nn.Module], head: nn.Module) -> None:
        super().__init__()
        self.u, self.v = stream(), stream()
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (n, classes) of flow (n, C, H, W) with the channels u and v first."""
        features = [self.u(x[:, :1]), self.v(x[:, 1:2])]
        logits: Tensor = self.head(torch.cat(features, dim=1).flatten(1))
        return logits


def quarter_pixels(name: str, shape: tuple[int, ...]) -> int:
    """Number of pixels of an image of flow after two poolings that halve it.

    Args:
        name: of the network.
        shape: of one input without the batch, (C, H, W).

    Raises:
        RecipeError: the image has fewer than two channels or 4x4 pixels, or this is no image.
    """
    if len(shape) != 3 or shape[0] < 2 or min(shape[1:]) < 4:
        raise RecipeError(
            f"{name} takes images of two channels or more (u, v, ...) and 4x4 pixels or more (28x28 in the paper); "
            f"got {shape}"
        )
    return (shape[1] // 4) * (shape[2] // 4)
