"""Training of networks that score, by the squared error, and scores of trained ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .training import LabeledBatch, Objective, Optimizer, Trainer
from .training.distributed import Process


@dataclass
class SquaredError(Objective):
    """Mean squared error of scores.

    Args:
        inputs: (n, ...) inputs of the network.
        targets: (n, ...) float32 scores, in the shape of the network's outputs.
        batch_size: inputs per step.
        generator: source of the random order of the inputs.
        logistic: whether a score is the logistic function of the network's output, and not the output itself.
    """

    inputs: np.ndarray
    targets: Tensor
    batch_size: int
    generator: torch.Generator
    logistic: bool = False

    def begin_epoch(self, epoch: int) -> Sequence[Tensor]:
        """Draw the order of the inputs."""
        return torch.randperm(len(self.inputs), generator=self.generator).split(self.batch_size)

    def load(self, batches: Sequence[Tensor], first: int) -> Iterator[LabeledBatch]:
        """Convert inputs to float32, a batch at a time."""
        for positions in batches[first:]:
            inputs = torch.from_numpy(self.inputs[positions.numpy()].astype(np.float32))
            yield LabeledBatch(inputs, self.targets[positions])

    def forward(self, module: nn.Module, inputs: Tensor) -> Tensor:
        """Compute scores (n, ...)."""
        outputs: Tensor = module(inputs)
        return outputs.sigmoid() if self.logistic else outputs

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the mean squared error."""
        return F.mse_loss(outputs, targets)


def train_scores(
    network: nn.Module,
    inputs: np.ndarray,
    targets: np.ndarray,
    seed: int,
    optimizer: Optimizer,
    *,
    epochs: int,
    batch_size: int,
    logistic: bool = False,
    **more: Any,
) -> dict[str, np.ndarray]:
    """Train a network on the CPU on the squared error of its scores.

    Args:
        network: with the weights to begin with; it is changed.
        inputs: (n, ...) inputs.
        targets: (n, ...) scores in the shape of the network's outputs; 0 to 1 where they are logistic.
        seed: seed of the order; the same inputs, weights and seed give the same weights on one machine.
        optimizer: the gradient descent method.
        epochs: passes over the inputs.
        batch_size: inputs per step.
        logistic: as of `SquaredError`.
        more: further settings of `Trainer`, e.g. `schedule`.

    Returns:
        The weights by name.
    """
    generator = torch.Generator().manual_seed(seed)
    scores = torch.from_numpy(targets.astype(np.float32))
    objective = SquaredError(inputs, scores, batch_size, generator, logistic)
    Trainer(objective, network, optimizer, epochs, generator, Process(torch.device("cpu")), **more).run()
    return {name: value.numpy() for name, value in network.state_dict().items()}


class Scorer:
    """Scores inputs with a trained network.

    Args:
        network: the network, with any weights.
        state: weights by name, as `train_scores` returns them.
        logistic: as of `SquaredError`.
    """

    def __init__(self, network: nn.Module, state: Mapping[str, np.ndarray], logistic: bool = False) -> None:
        self.network, self.logistic = network, logistic
        self.network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in state.items()})
        self.network.eval()

    @torch.no_grad()
    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Return scores (n, ...) float32 of inputs (n, ...)."""
        outputs = self.network(torch.from_numpy(inputs.astype(np.float32)))
        return np.asarray((outputs.sigmoid() if self.logistic else outputs).numpy())
