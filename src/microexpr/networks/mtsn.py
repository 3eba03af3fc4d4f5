"""MTSN: one shallow network on two flows, over a short and over a longer time, scores how far an expression is.

Liong, Liong, See, Chan: MTSN, a Multi-Temporal Stream Network for Spotting Facial Macro- and Micro-Expression with Hard
and Soft Pseudo-labels, FME 2022; layers as in its public code, where both flows share the streams of SOFTNet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..core.errors import RecipeError
from .base import NETWORKS, Architecture, Size, seeded_weights
from .scoring import Scorer, train_scores
from .softnet import MAPS
from .training import Optimizer


@NETWORKS.register("mtsn")
@dataclass(frozen=True)
class MTSN(Architecture):
    """66 209 weights for two flows of 3 channels of 28x28 and one score.

    Args:
        hidden: number of units of the layer before the score, 1 or more.
    """

    hidden: Size = 128

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (6, H, W): the 3 channels of the flow over the longer time, then of the other."""
        if len(shape) != 3 or shape[0] != 6 or min(shape[1:]) < 6:
            raise RecipeError(f"mtsn takes 6 channels of 6x6 pixels or more (28x28 in the public code); got {shape}")
        return TwoFlows(shape, classes, self.hidden)


class TwoFlows(nn.Module):
    """Streams of 3, 5 and 8 maps, the same for both flows."""

    def __init__(self, shape: tuple[int, ...], classes: int, hidden: int) -> None:
        super().__init__()
        self.streams = nn.ModuleList(nn.Conv2d(1, maps, 5, padding=2) for maps in MAPS)
        height, width = (side // 3 // 2 for side in shape[1:])
        self.fc = nn.Linear(2 * sum(MAPS) * height * width, hidden)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (n, classes) of flows (n, 6, H, W)."""
        both = torch.cat([self._features(x[:, :3]), self._features(x[:, 3:])], dim=1)
        return self.head(F.relu(self.fc(both)))

    def _features(self, flow: Tensor) -> Tensor:
        maps = [F.max_pool2d(F.relu(stream(flow[:, i : i + 1])), 3) for i, stream in enumerate(self.streams)]
        return F.max_pool2d(torch.cat(maps, dim=1), 2).flatten(1)


def train(
    inputs: np.ndarray, targets: np.ndarray, seed: int, *, epochs: int = 10, batch_size: int = 128, lr: float = 5e-5
) -> dict[str, np.ndarray]:
    """Train MTSN on the CPU with Adam on the squared error; the defaults are those of the public code.

    Args:
        inputs: (n, 6, H, W): u, v and strain of the flow over the longer time, then of the other.
        targets: (n,) scores, 0 to 1.
        seed: seed of weights and order; the same inputs and seed give the same weights on one machine.
        epochs: passes over the inputs.
        batch_size: inputs per step.
        lr: learning rate.

    Returns:
        The weights by name, float32.
    """
    with seeded_weights(seed):
        network = MTSN().build(inputs.shape[1:], 1)
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    optimizer, scores = Optimizer("adam", lr), targets[:, None]
    return train_scores(network, inputs, scores, seed, optimizer, epochs=epochs, batch_size=batch_size, logistic=True)


def scorer(state: Mapping[str, np.ndarray], shape: tuple[int, ...]) -> Scorer:
    """Return what computes scores (n, 1), 0 to 1, of inputs (n, 6, H, W), with the weights that `train` returned."""
    return Scorer(MTSN().build(shape, 1), state, logistic=True)
