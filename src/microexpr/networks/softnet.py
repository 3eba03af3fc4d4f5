"""SOFTNet: a shallow three-stream network that scores how likely optical flow is part of an expression.

Liong, See, Wong: Shallow Optical Flow Three-Stream CNN for Macro- and Micro-Expression Spotting from Long Videos, ICIP
2021. One stream each for u, v and strain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..core.errors import RecipeError
from .base import NETWORKS, Architecture, Size, seeded_weights
from .scoring import Scorer, train_scores
from .training import Optimizer

MAPS = (3, 5, 8)
"""Number of maps of each stream."""


@NETWORKS.register("softnet")
@dataclass(frozen=True)
class SOFTNet(Architecture):
    """314 817 weights for 3 channels of 42x42 and one score.

    Args:
        hidden: number of units of the layer before the score, 1 or more.
    """

    hidden: Size = 400

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (3, H, W)."""
        if len(shape) != 3 or shape[0] != 3 or min(shape[1:]) < 4:
            raise RecipeError(f"softnet takes 3 channels of 4x4 pixels or more (42x42 in the paper); got {shape}")
        return ThreeStreams(shape, classes, self.hidden)


class ThreeStreams(nn.Module):
    """Streams of 3, 5 and 8 maps, one stream for each channel."""

    def __init__(self, shape: tuple[int, ...], classes: int, hidden: int) -> None:
        super().__init__()
        self.streams = nn.ModuleList(nn.Conv2d(1, maps, 5, padding=2) for maps in MAPS)
        height, width = (math.ceil(math.ceil(side / 3) / 2) for side in shape[1:])
        self.fc = nn.Linear(sum(MAPS) * height * width, hidden)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Compute scores (n, classes) of flow (n, 3, H, W)."""
        maps = [
            F.max_pool2d(F.relu(stream(x[:, i : i + 1])), 3, ceil_mode=True) for i, stream in enumerate(self.streams)
        ]
        return self.head(F.relu(self.fc(F.max_pool2d(torch.cat(maps, dim=1), 2, ceil_mode=True).flatten(1))))


def train(
    inputs: np.ndarray, targets: np.ndarray, seed: int, *, epochs: int = 10, batch_size: int = 12, lr: float = 5e-4
) -> dict[str, np.ndarray]:
    """Train SOFTNet on the CPU by stochastic gradient descent on the squared error.

    Args:
        inputs: (n, 3, H, W) flow of each step: u, v and strain.
        targets: (n,) scores, 0 to 1.
        seed: seed of weights and order; the same inputs and seed give the same weights on one machine.
        epochs: passes over the inputs.
        batch_size: inputs per step.
        lr: learning rate.

    Returns:
        The weights by name, float32.
    """
    with seeded_weights(seed):
        network = SOFTNet().build(inputs.shape[1:], 1)
    optimizer = Optimizer("sgd", lr, momentum=0.9)
    return train_scores(network, inputs, targets[:, None], seed, optimizer, epochs=epochs, batch_size=batch_size)


def scorer(state: Mapping[str, np.ndarray], shape: tuple[int, ...]) -> Scorer:
    """Return what computes scores (n, 1) of inputs (n, 3, H, W), with the weights that `train` returned."""
    return Scorer(SOFTNet().build(shape, 1), state)
