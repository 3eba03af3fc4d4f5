"""A small CNN on every frame, and an LSTM over the frames.

Devanaboyina 2021, methods 1 to 4: an old network (its figures 3 and 5) and a new one with more dense layers and dropout
(figures 4 and 6). The sizes of the layers stand in figures only, which are not in the text: the defaults are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.checkpoint import checkpoint

from ..core.errors import RecipeError
from .base import NETWORKS, Architecture, Dropout

Norm = Literal["none", "batch", "group"]


@NETWORKS.register("cnn-lstm")
@dataclass(frozen=True)
class CnnLstm(Architecture):
    """The old one: convolutions, an LSTM with tanh, one dense layer to the classes.

    Args:
        maps: number of maps of each convolution, which a ReLU and max pooling follow.
        kernel: side of the convolutions in pixels, odd.
        pool: side and step of the pooling in pixels.
        norm: after each convolution: `batch` over the real frames of a batch, `group` over a frame's own maps.
        units: number of units of the LSTM.
        pooling: what goes on from the LSTM: its output at the `last` frame, or the `mean` or `max` over the frames.
        dense: units of each dense layer between the LSTM and the classes.
        dropout: probability of dropout after the convolutions and after each dense layer, 0 to below 1.
        divide: what pixels are divided by first; 255 for bytes. The paper names no scaling, and so none is the default.
        frame_chunk: frames that go through the convolutions at a time; what they leave is then computed again on the
            way back instead of being stored, which saves memory and costs a third more time. 0 takes all at once.
    """

    maps: tuple[int, ...] = (16, 32, 64)
    kernel: int = 3
    pool: int = 2
    norm: Norm = "none"
    units: int = 64
    pooling: Literal["last", "mean", "max"] = "last"
    dense: tuple[int, ...] = ()
    dropout: float = 0.0
    divide: float = 1.0
    frame_chunk: int = 0

    def __post_init__(self) -> None:
        sizes = (*self.maps, *self.dense, self.kernel, self.pool, self.units)
        for wrong, text in (
            (not self.maps, "maps = []; name one convolution or more"),
            (min(sizes) < 1, f"a size is {min(sizes)}; use 1 or more"),
            (self.kernel % 2 == 0, f"kernel = {self.kernel}; use an odd number"),
            (not 0 <= self.dropout < 1, f"dropout = {self.dropout}; use a number from 0 to below 1"),
            (self.divide == 0, "divide = 0; use a number that is not zero"),
            (self.frame_chunk < 0, f"frame_chunk = {self.frame_chunk}; use 0 or more frames"),
            (
                self.frame_chunk and self.norm == "batch",
                "norm = 'batch' needs all frames at once; use frame_chunk = 0 or 'group'",
            ),
        ):
            if wrong:
                raise RecipeError(f"network '{self.name}': {text}")

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """The module for (T, C, H, W); T does not matter.

        Raises:
            RecipeError: no sequences, or images that the pooling leaves nothing of.
        """
        if len(shape) != 4:
            raise RecipeError(f"{self.name} takes sequences (frames, height, width, channels); got images {shape}")
        least = self.pool ** len(self.maps)
        if min(shape[2:]) < least:
            raise RecipeError(
                f"{self.name} with {len(self.maps)} poolings takes {least}x{least} pixels or more; got {shape}"
            )
        return FramesThenTime(self, shape[1:], classes)


@NETWORKS.register("cnn-lstm-v2")
@dataclass(frozen=True)
class CnnLstmV2(CnnLstm):
    """The new one, with more dense layers and dropout; settings as those of the old one."""

    dense: tuple[int, ...] = (128, 64)
    dropout: float = 0.5


class FramesThenTime(nn.Module):
    """Only real frames are ever looked at: neither the CNN nor the LSTM sees what stands after a clip's end.

    Args:
        settings: of the layers.
        shape: of a frame, (C, H, W).
        classes: number of logits.
    """

    def __init__(self, settings: CnnLstm, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.settings = settings
        layers: list[nn.Module] = []
        for before, after in pairwise((shape[0], *settings.maps)):
            layers.append(nn.Conv2d(before, after, settings.kernel, padding=settings.kernel // 2))
            layers += _norm(settings.norm, after)
            layers += [nn.MaxPool2d(settings.pool), nn.ReLU()]  # the other way round gives the same, for more work
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
        """(n, T, C, H, W) sequences and their (n,) lengths to (n, classes) logits."""
        real = torch.arange(x.shape[1]).expand(len(x), -1) < lengths[:, None].cpu()
        seen = self.frame_dropout(self._frames(x[real.to(x.device)] / self.settings.divide)).float()
        padded = seen.new_zeros((*real.shape, seen.shape[1]))
        padded[real.to(x.device)] = seen
        with torch.autocast(x.device.type, enabled=False):
            packed = pack_padded_sequence(padded, lengths.cpu(), batch_first=True, enforce_sorted=False)
            steps, (last, _) = self.time(packed)
            read = last[-1] if self.settings.pooling == "last" else self._over_time(steps)
            return self.fc(self.head(read))

    def _frames(self, frames: Tensor) -> Tensor:
        """(N, C, H, W) to (N, values). With channels last, pooling takes a fraction of the time."""
        frames = frames.contiguous(memory_format=torch.channels_last)
        if not self.settings.frame_chunk:
            return self.frame(frames)
        parts = frames.split(self.settings.frame_chunk)
        if not torch.is_grad_enabled():
            return torch.cat([self.frame(part) for part in parts])
        # Nothing in `frame` draws at random: computing it twice gives the same.
        return torch.cat([checkpoint(self.frame, part, use_reentrant=False) for part in parts])

    def _over_time(self, steps: nn.utils.rnn.PackedSequence) -> Tensor:
        """The mean or the largest value over each clip's own frames."""
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
