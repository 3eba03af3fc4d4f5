"""A 3-D CNN on sequences of faces, for training on macro-expressions first.

Zhi, Xu, Wan, Li: Combining 3D Convolutional Neural Networks with Transfer Learning by Supervised Pre-Training for
Facial Micro-Expression Recognition, IEICE Transactions on Information and Systems E102-D(5), 2019. The network is
trained on the sequences of Oulu-CASIA, then on micro-expressions. The text at hand gives no sizes of layers: the
defaults are our choice.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from .base import NETWORKS, Architecture, DropoutRate, Size, require_divisor, require_sequences
from .devanaboyina import dense_head
from .resampling import resample_frames


@NETWORKS.register("cnn-3d")
@dataclass(frozen=True)
class Cnn3d(Architecture):
    """3x3x3 convolutions, each with ReLU and max pooling, and dense layers.

    Clips of any length are brought to the same number of frames by linear interpolation. The first pooling leaves the
    time axis as it is, the others halve it while there is more than one step (as in C3D, Tran et al. 2015).

    Args:
        frames: number of frames that the convolutions see.
        maps: number of maps of each convolution; one or more.
        dense: number of units of each dense layer before the last.
        dropout: probability of dropout after each of these dense layers, 0 to below 1.
        divide: divides the pixels before the first layer, not 0; 255 for bytes.
    """

    frames: Size = 16
    maps: Annotated[tuple[Size, ...], Field(min_length=1)] = (16, 32, 64, 64)
    dense: tuple[Size, ...] = (256,)
    dropout: DropoutRate = 0.5
    divide: float = 1.0

    def __post_init__(self) -> None:
        require_divisor(self.name, self.divide)

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (T, C, H, W); T does not matter.

        Raises:
            RecipeError: these are no sequences, or their images are too small.
        """
        require_sequences(self.name, shape, 2 ** len(self.maps))
        return FramesInSpace(self, shape[1:], classes)


class FramesInSpace(nn.Module):
    """Convolutions over time and space."""

    def __init__(self, settings: Cnn3d, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.settings = settings
        steps, (height, width) = settings.frames, shape[1:]
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for number, (before, after) in enumerate(pairwise((shape[0], *settings.maps)), 1):
            halve = 2 if number > 1 and steps > 1 else 1
            steps, height, width = steps // halve, height // 2, width // 2
            layers[f"conv{number}"] = nn.Conv3d(before, after, 3, padding=1)
            layers |= {f"pool{number}": nn.MaxPool3d((halve, 2, 2)), f"relu{number}": nn.ReLU()}
        self.features = nn.Sequential(layers)
        self.head = dense_head(settings.maps[-1] * steps * height * width, settings.dense, classes, settings.dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Compute logits (n, classes) of sequences (n, T, C, H, W) with the given lengths (n,)."""
        volume = resample_frames(x, lengths, self.settings.frames).transpose(1, 2) / self.settings.divide
        return self.head(self.features(volume).flatten(1))
