"""A small CNN on every frame, and an LSTM over the frames.

Devanaboyina 2021, methods 1 to 4: an old network (figures 3 and 5) and a new one with more dense layers and dropout
(figures 4 and 6). The text of the paper does not give the sizes of the layers: the defaults are our choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.checkpoint import checkpoint

from ..core.errors import RecipeError
from .base import NETWORKS, Architecture, Dropout, DropoutRate, Size, require_divisor

Norm = Literal["none", "batch", "group"]


@NETWORKS.register("cnn-lstm")
@dataclass(frozen=True)
class CnnLstm(Architecture):
    """The old network: convolutions, an LSTM with tanh, one dense layer to the classes.

    Args:
        maps: number of maps of each convolution, which is followed by a ReLU and max pooling; one or more.
        kernel: side of the convolutions in pixels, odd.
        pool: side and step of the pooling in pixels, 1 or more.
        norm: normalization after each convolution: `batch` over the frames of a batch (padding left out), `group` over
            the maps of one frame.
        units: number of units of the LSTM, 1 or more.
        pooling: which output of the LSTM is used: at the `last` frame, or the `mean` or `max` over the frames.
        dense: number of units of each dense layer between the LSTM and the classes.
        dropout: probability of dropout after the convolutions and after each dense layer, 0 to below 1.
        divide: divides the pixels before the first layer, not 0; 255 for bytes. The paper names no scaling: none is the
            default.
        frame_chunk: number of frames that go through the convolutions at a time; their activations are computed again
            in the backward pass instead of being stored, which saves memory and takes a third more time. 0 computes all
            frames at once.
    """

    maps: Annotated[tuple[Size, ...], Field(min_length=1)] = (16, 32, 64)
    kernel: Size = 3
    pool: Size = 2
    norm: Norm = "none"
    units: Size = 64
    pooling: Literal["last", "mean", "max"] = "last"
    dense: tuple[Size, ...] = ()
    dropout: DropoutRate = 0.0
    divide: float = 1.0
    frame_chunk: Annotated[int, Field(ge=0)] = 0

    def __post_init__(self) -> None:
        if self.kernel % 2 == 0:
            raise RecipeError(f"network '{self.name}': kernel = {self.kernel}; use an odd number")
        require_divisor(self.name, self.divide)
        if self.frame_chunk and self.norm == "batch":
            raise RecipeError(
                f"network '{self.name}': norm = 'batch' needs all frames at once; use frame_chunk = 0 or norm = 'group'"
            )

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (T, C, H, W); T does not matter.

        Raises:
            RecipeError: the inputs are not sequences, or their images are smaller than the poolings need.
        """
        if len(shape) != 4:
            raise RecipeError(f"{self.name} takes sequences (frames, height, width, channels); got images {shape}")
        smallest = self.pool ** len(self.maps)
        if min(shape[2:]) < smallest:
            raise RecipeError(
                f"{self.name} with {len(self.maps)} poolings takes {smallest}x{smallest} pixels or more; got {shape}"
            )
        return FramesThenTime(self, shape[1:], classes)


@NETWORKS.register("cnn-lstm-v2")
@dataclass(frozen=True)
class CnnLstmV2(CnnLstm):
    """The new network, with more dense layers and dropout; its settings are those of `cnn-lstm`."""

    dense: tuple[Size, ...] = (128, 64)
    dropout: DropoutRate = 0.5


class FramesThenTime(nn.Module):
    """A CNN on each frame, then an LSTM over the frames; padding after the end of a clip is never computed.

    Args:
        settings: settings of the layers.
        shape: shape of a frame, (C, H, W).
        classes: number of logits.
    """

    def __init__(self, settings: CnnLstm, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.settings = settings
        layers: list[nn.Module] = []
        for before, after in pairwise((shape[0], *settings.maps)):
            layers.append(nn.Conv2d(before, after, settings.kernel, padding=settings.kernel // 2))
            layers += _norm(settings.norm, after)
            layers += [nn.MaxPool2d(settings.pool), nn.ReLU()]  # the same result as ReLU first, with less work
        self.frame = nn.Sequential(*layers, nn.Flatten())
        height, width = (side // settings.pool ** len(settings.maps) for side in shape[1:])
        self.frame_dropout = Dropout(settings.dropout)
        self.time = nn.LSTM(settings.maps[-1] * height * width, settings.units, batch_first=True)
        head: list[nn.Module] = []
        for before, after in pairwise((settings.units, *settings.dense)):
            head += [nn.Linear(before, after), nn.ReLU(), Dropout(settings.dropout)]
        self.head = nn.Sequential(*head)
        self.fc = nn.Linear((settings.units, *settings.dense)[-1], classes)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Compute logits (n, classes) of sequences (n, T, C, H, W) with the given lengths (n,)."""
        is_frame = torch.arange(x.shape[1]).expand(len(x), -1) < lengths[:, None].cpu()  # False for padding
        features = self.frame_dropout(self._frames(x[is_frame.to(x.device)] / self.settings.divide)).float()
        padded = features.new_zeros((*is_frame.shape, features.shape[1]))
        padded[is_frame.to(x.device)] = features
        with torch.autocast(x.device.type, enabled=False):
            packed = pack_padded_sequence(padded, lengths.cpu(), batch_first=True, enforce_sorted=False)
            steps, (last, _) = self.time(packed)
            pooled = last[-1] if self.settings.pooling == "last" else self._over_time(steps)
            return self.fc(self.head(pooled))

    def _frames(self, frames: Tensor) -> Tensor:
        """Features (N, values) of frames (N, C, H, W); with channels last, pooling takes a fraction of the time."""
        frames = frames.contiguous(memory_format=torch.channels_last)
        if not self.settings.frame_chunk:
            return self.frame(frames)
        parts = frames.split(self.settings.frame_chunk)
        if not torch.is_grad_enabled():
            return torch.cat([self.frame(part) for part in parts])
        # Nothing in `frame` is random: computing it twice gives the same values.
        return torch.cat([checkpoint(self.frame, part, use_reentrant=False) for part in parts])

    def _over_time(self, steps: nn.utils.rnn.PackedSequence) -> Tensor:
        """The mean or the largest value over the frames of each clip."""
        if self.settings.pooling == "max":
            return pad_packed_sequence(steps, batch_first=True, padding_value=float("-inf"))[0].amax(1)
        outputs, lengths = pad_packed_sequence(steps, batch_first=True)
        return outputs.sum(1) / lengths[:, None].to(outputs.device)


def _norm(kind: Norm, maps: int) -> list[nn.Module]:
    if kind == "none":
        return []
    if kind == "batch":
        return [nn.BatchNorm2d(maps)]
    return [nn.GroupNorm(next(groups for groups in (8, 4, 2, 1) if maps % groups == 0), maps)]
