"""What networks share that compute features of each frame by a CNN, and follow them over time by an LSTM."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from .devanaboyina import dense_head


def features_of_frames(cnn: nn.Module, x: Tensor, lengths: Tensor) -> Tensor:
    """Features (n, T, values) float32 of the frames of sequences (n, T, C, H, W); zeros for padding, which costs
    nothing.

    Args:
        cnn: computes features (m, values) of images (m, C, H, W).
        x: the sequences.
        lengths: (n,) number of frames of each.
    """
    is_frame = (torch.arange(x.shape[1]).expand(len(x), -1) < lengths[:, None].cpu()).to(x.device)  # False for padding
    features = cnn(x[is_frame]).float()
    padded = features.new_zeros((*is_frame.shape, features.shape[1]))
    padded[is_frame] = features
    return padded


class LstmHead(nn.Module):
    """An LSTM over features of frames, and dense layers on its output at the last frame of each clip.

    Args:
        width: number of features of a frame.
        units: number of units of the LSTM.
        dense: number of units of each dense layer before the last.
        classes: number of logits.
        dropout: probability of dropout after each of these dense layers.
    """

    def __init__(self, width: int, units: int, dense: tuple[int, ...], classes: int, dropout: float) -> None:
        super().__init__()
        self.time = nn.LSTM(width, units, batch_first=True)
        self.dense = dense_head(units, dense, classes, dropout)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Compute logits (n, classes) of features (n, T, width) of clips with the given lengths (n,)."""
        with torch.autocast(features.device.type, enabled=False):
            packed = pack_padded_sequence(features, lengths.cpu(), batch_first=True, enforce_sorted=False)
            return self.dense(self.time(packed)[1][0][-1])


def convolutions(channels: int, groups: tuple[tuple[int, ...], ...]) -> OrderedDict[str, nn.Module]:
    """Groups of 3x3 convolutions with ReLU, each group followed by 2x2 max pooling, named as in VGG (`conv2_1`).

    Args:
        channels: of the images.
        groups: number of maps of each convolution, group by group.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, maps in enumerate(groups, 1):
        for part, wide in enumerate(maps, 1):
            layers[f"conv{number}_{part}"] = nn.Conv2d(channels, wide, 3, padding=1)
            layers[f"relu{number}_{part}"], channels = nn.ReLU(), wide
        layers[f"pool{number}"] = nn.MaxPool2d(2)
    return layers
