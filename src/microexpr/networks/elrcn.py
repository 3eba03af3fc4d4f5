"""Enriched long-term recurrent convolutional network (ELRCN).

Khor, See, Phan, Lin: Enriched Long-term Recurrent Convolutional Network for Facial Micro-Expression Recognition, FG
2018. VGG-16 describes each frame, an LSTM follows the descriptions. Spatial enrichment stacks the inputs (flow,
optical strain, gray levels) as channels of one VGG-16; temporal enrichment has a VGG-16 for each input and stacks
their features. The inputs come from the step `flow-strain-gray`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..core.errors import RecipeError
from .base import NETWORKS, Architecture, DropoutRate, Size
from .frame_features import LstmHead, features_of_frames
from .vgg16 import Vgg, Width, scaled

FIRST = "base.conv1_1.weight"
"""The weights whose shape depends on the channels of the input."""


@NETWORKS.register("elrcn")
@dataclass(frozen=True)
class ELRCN(Architecture):
    """VGG-16 up to fc7 on each frame, LSTM, one dense layer with ReLU, logits.

    With one stream of 4 channels, 224x224 pixels and 5 classes it has 219 821 893 weights.

    Args:
        streams: number of channels of each VGG-16, in the order of the array; empty for one with all channels (spatial
            enrichment), (3, 1, 1) for flow, strain and gray levels (temporal enrichment).
        units: units of the LSTM.
        dense: units of the dense layer between the LSTM and the classes.
        width: factor of all numbers of maps and units; 1 as in the paper, smaller ones are for quick runs.
        dropout: probability of dropout after fc6, fc7 and the dense layer; the text at hand does not give it.
    """

    frame_by_frame = True

    streams: tuple[Size, ...] = ()
    units: Size = 3000
    dense: Size = 128
    width: Width = 1.0
    dropout: DropoutRate = 0.5

    @property
    def pretrained(self) -> dict[str, Any]:
        """Table of the VGG-16 of the same width, which VGG-Face is."""
        return {"name": "vgg16", "width": self.width}

    def adapted(self, weights: Mapping[str, Tensor], module: nn.Module) -> Mapping[str, Tensor]:
        """Weights of a VGG-16 as those of every stream.

        Where a stream has another number of channels, each of them begins with the sum of the published weights over
        their channels, divided by the number of the stream's: one channel then gives what three equal ones would.
        """
        if FIRST not in weights:
            return weights
        assert isinstance(module, FramesOverTime)
        kept = {name: tensor for name, tensor in weights.items() if not name.startswith("fc8.")}
        first, result = weights[FIRST], dict[str, Tensor]()
        for number, channels in enumerate(module.channels):
            result |= {f"streams.{number}.{name}": tensor for name, tensor in kept.items()}
            if channels != first.shape[1]:
                spread = first.sum(1, keepdim=True) / channels
                result[f"streams.{number}.{FIRST}"] = spread.repeat(1, channels, 1, 1)
        return result

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (T, C, H, W); T does not matter.

        Raises:
            RecipeError: the inputs are not sequences, are too small, or have other channels than the streams.
        """
        if len(shape) != 4:
            raise RecipeError(f"elrcn takes sequences (frames, channels, height, width); got images {shape}")
        if self.streams and sum(self.streams) != shape[1]:
            raise RecipeError(
                f"network 'elrcn': streams = {list(self.streams)} take {sum(self.streams)} channels; the array has "
                f"{shape[1]}"
            )
        return FramesOverTime(self, shape[1:], classes)


class FramesOverTime(nn.Module):
    """A VGG-16 for each group of channels, an LSTM over their features side by side."""

    def __init__(self, settings: ELRCN, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.channels = settings.streams or (shape[0],)
        cnns = [Vgg((channels, *shape[1:]), settings.width, settings.dropout) for channels in self.channels]
        self.streams = nn.ModuleList(cnns)
        units, dense = scaled(settings.units, settings.width), scaled(settings.dense, settings.width)
        self.head = LstmHead(sum(cnn.features for cnn in cnns), units, (dense,), classes, settings.dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Compute logits (n, classes) of sequences (n, T, C, H, W) with the given lengths (n,)."""
        parts = zip(self.streams, x.split(self.channels, dim=2), strict=True)
        features = [features_of_frames(cnn, part, lengths) for cnn, part in parts]
        return self.head(torch.cat(features, dim=2), lengths)
