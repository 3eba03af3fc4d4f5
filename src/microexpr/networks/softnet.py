"""SOFTNet: a shallow three-stream network that scores how likely optical flow is part of an expression.

Liong, See, Wong: Shallow Optical Flow Three-Stream CNN for Macro- and Micro-Expression Spotting from Long Videos, ICIP
2021. One stream each for u, v and strain.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..core.errors import RecipeError
from .base import NETWORKS, Architecture, Size, seeded_weights
from .training import LabeledBatch, Objective, Optimizer, Trainer
from .training.distributed import Process

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


@dataclass
class SquaredError(Objective):
    """Mean squared error of one score per input.

    Args:
        inputs: (n, 3, H, W) flow of each step.
        targets: (n,) float32 scores.
        batch_size: inputs per step.
        generator: source of the random order of the inputs.
    """

    inputs: np.ndarray
    targets: Tensor
    batch_size: int
    generator: torch.Generator

    def begin_epoch(self, epoch: int) -> Sequence[Tensor]:
        """Draw the order of the inputs."""
        return torch.randperm(len(self.inputs), generator=self.generator).split(self.batch_size)

    def load(self, batches: Sequence[Tensor], first: int) -> Iterator[LabeledBatch]:
        """Convert inputs to float32, a batch at a time."""
        for positions in batches[first:]:
            inputs = torch.from_numpy(self.inputs[positions.numpy()].astype(np.float32))
            yield LabeledBatch(inputs, self.targets[positions])

    def forward(self, module: nn.Module, inputs: Tensor) -> Tensor:
        """Compute scores (n,)."""
        scores: Tensor = module(inputs)[:, 0]
        return scores

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the mean squared error."""
        return F.mse_loss(outputs, targets)


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
    generator = torch.Generator().manual_seed(seed)
    objective = SquaredError(inputs, torch.from_numpy(targets.astype(np.float32)), batch_size, generator)
    optimizer = Optimizer("sgd", lr, momentum=0.9)
    Trainer(objective, network, optimizer, epochs, generator, Process(torch.device("cpu"))).run()
    return {name: value.numpy() for name, value in network.state_dict().items()}


class Scorer:
    """Scores inputs with a trained SOFTNet.

    Args:
        state: weights by name, as `train` returns them.
        shape: (3, H, W) of one input.
    """

    def __init__(self, state: Mapping[str, np.ndarray], shape: tuple[int, ...]) -> None:
        self.network = SOFTNet().build(shape, 1)
        self.network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in state.items()})
        self.network.eval()

    @torch.no_grad()
    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Return scores (n,) float32 of inputs (n, 3, H, W)."""
        return np.asarray(self.network(torch.from_numpy(inputs.astype(np.float32)))[:, 0].numpy())
