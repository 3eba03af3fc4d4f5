"""Dual temporal scale convolutional neural network (DTSCNN).

Peng, Wang, Chen, Liu, Fu: Dual Temporal Scale Convolutional Neural Network for Micro-Expression Recognition,
Frontiers in Psychology 8, 2017. Two streams take the optical flow of a clip at two numbers of frames, 64 and 128,
since releases differ in their frame rates; each has four 3-D convolutions and four poolings. A support vector machine
classifies the features of both: the recognizer `network-svm`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from ..core.errors import RecipeError
from .base import NETWORKS, Architecture, DropoutRate, Size, require_sequences
from .devanaboyina import dense_head
from .resampling import resample_frames

SHORTEST = 32
"""Frames of the shortest stream: its first convolution then has a stride of 2 frames."""

SMALLEST = 32
"""Side in pixels of the smallest images: the last pooling leaves one pixel."""


@NETWORKS.register("dtscnn")
@dataclass(frozen=True)
class DTSCNN(Architecture):
    """739 940 weights for 3 channels, streams of 64 and 128 frames, and 4 classes.

    Sizes of layers are those of a public adaptation of the stream of 64 frames, as the text at hand gives none. There
    the first convolution leaves 16 time steps: its stride is a sixteenth of the stream's frames, its kernel two
    strides long. The stream of 128 frames has the same rule, so that both end with the same features. Clips of any
    length are brought to each stream's frames by linear interpolation; the last maps are reduced to their largest
    values.

    Args:
        frames: number of frames of each stream, multiples of 32.
        maps: number of maps of the four convolutions.
        dense: number of units of each dense layer between the features and the classes; the adaptation has 1024 and
            512.
        dropout: probability of dropout after each of these layers, 0 to below 1.
    """

    frames: Annotated[tuple[Size, ...], Field(min_length=1)] = (64, 128)
    maps: tuple[Size, Size, Size, Size] = (16, 32, 64, 128)
    dense: tuple[Size, ...] = ()
    dropout: DropoutRate = 0.5

    def __post_init__(self) -> None:
        for frames in self.frames:
            if frames % SHORTEST:
                raise RecipeError(f"network '{self.name}': frames = {list(self.frames)}; use multiples of {SHORTEST}")

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (T, C, H, W); T does not matter; 128x128 in the adaptation.

        Raises:
            RecipeError: these are no sequences, or their images are too small.
        """
        require_sequences(self.name, shape, SMALLEST)
        return DualTemporalScale(self, shape[1], classes)


class DualTemporalScale(nn.Module):
    """A stream of convolutions for each number of frames, whose features are classified together."""

    def __init__(self, settings: DTSCNN, channels: int, classes: int) -> None:
        super().__init__()
        self.frames = settings.frames
        self.streams = nn.ModuleList(_stream(frames, (channels, *settings.maps)) for frames in settings.frames)
        self.head = dense_head(len(self.frames) * settings.maps[-1], settings.dense, classes, settings.dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Compute logits (n, classes) of sequences (n, T, C, H, W) with the given lengths (n,)."""
        features = [
            stream(resample_frames(x, lengths, frames).transpose(1, 2)).amax((2, 3, 4))
            for stream, frames in zip(self.streams, self.frames, strict=True)
        ]
        return self.head(torch.cat(features, dim=1))


def _stream(frames: int, maps: tuple[int, ...]) -> nn.Sequential:
    """Convolutions and poolings of a stream; time steps: frames, 16, 16, 8, 4, 1."""
    stride = frames // 16
    kernels = ((2 * stride, 3, 3), (3, 3, 3), (3, 3, 3), (4, 3, 3))
    paddings = ((stride // 2, 1, 1), (1, 1, 1), (1, 1, 1), (0, 1, 1))
    pools = ((1, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2))
    layers: list[nn.Module] = []
    for number, (before, after) in enumerate(pairwise(maps)):
        strides = (stride, 2, 2) if number == 0 else (1, 1, 1)
        layers.append(nn.Conv3d(before, after, kernels[number], strides, paddings[number]))
        layers += [nn.MaxPool3d(pools[number]), nn.ReLU()]  # the same result as ReLU first, with less work
    return nn.Sequential(*layers)
