"""A network that scores every step of a sequence of regions' motion: how likely an expression of each kind is then.

After the video-level regression of Guo et al.: Boosting Micro-Expression Analysis via Prior-Guided Video-Level
Regression, ACM MM 2025 (arXiv 2508.18834): two convolutions over time, then layers that see far, one score per step,
the squared error, and a learning rate that rises and falls. Other than there, blocks of dilated convolutions (Yu and
Koltun, ICLR 2016) stand for the state-space blocks (Mamba) at two rates, which need a compiled kernel; and there is a
score for each kind of expression and no class.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from .base import seeded_weights
from .scoring import Scorer, train_scores
from .training import Optimizer, Schedule

WIDTH = 64
DILATIONS = (1, 2, 4, 8)
"""With the two convolutions before, a step sees 17 steps each way."""

WARMUP = 0.3
"""Part of the training in which the learning rate rises, as in torch's OneCycleLR."""


class SequenceNetwork(nn.Module):
    """68 098 weights for 28 channels and 2 scores.

    Args:
        channels: values per step.
        kinds: scores per step.
    """

    def __init__(self, channels: int, kinds: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(_convolution(channels, 1), nn.ReLU(), _convolution(WIDTH, 1), nn.ReLU())
        self.blocks = nn.ModuleList(_convolution(WIDTH, dilation) for dilation in DILATIONS)
        self.head = nn.Conv1d(WIDTH, kinds, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (n, kinds, T) of sequences (n, channels, T)."""
        x = self.stem(x)
        for block in self.blocks:
            x = x + F.relu(block(x))
        logits: Tensor = self.head(x)
        return logits


def _convolution(channels: int, dilation: int) -> nn.Module:
    """A convolution that repeats the ends of a sequence, so that one without change gets the same score everywhere."""
    layer = nn.Conv1d(channels, WIDTH, 3, padding=dilation, dilation=dilation, padding_mode="replicate")
    return nn.Sequential(layer, nn.BatchNorm1d(WIDTH))


def train(
    inputs: np.ndarray, targets: np.ndarray, seed: int, *, epochs: int = 50, batch_size: int = 32, lr: float = 3e-4
) -> dict[str, np.ndarray]:
    """Train the network on the CPU with Adam; the defaults are those of the public code of Guo et al.

    Args:
        inputs: (n, channels, T) sequences.
        targets: (n, kinds, T) scores, 0 to 1.
        seed: seed of weights and order; the same inputs and seed give the same weights on one machine.
        epochs: passes over the inputs.
        batch_size: sequences per step.
        lr: highest learning rate.

    Returns:
        The weights by name, float32, and counts of batches, int64.
    """
    with seeded_weights(seed):
        network = SequenceNetwork(inputs.shape[1], targets.shape[1])
    return train_scores(
        network,
        inputs,
        targets,
        seed,
        Optimizer("adam", lr),
        epochs=epochs,
        batch_size=batch_size,
        logistic=True,
        schedule=Schedule("cosine"),
        schedule_per_step=True,
        warmup=WARMUP * epochs,
    )


def scorer(state: Mapping[str, np.ndarray]) -> Scorer:
    """Return what computes scores (n, kinds, T), 0 to 1, of sequences (n, channels, T), with the weights of `train`."""
    channels, kinds = state["stem.0.0.weight"].shape[1], state["head.weight"].shape[0]
    return Scorer(SequenceNetwork(channels, kinds), state, logistic=True)
