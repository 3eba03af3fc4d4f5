"""SOFTNet: a shallow three-stream network that scores how much a piece of optical flow looks like an expression.

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
from .base import NETWORKS, Architecture

MAPS = (3, 5, 8)
State = Mapping[str, np.ndarray]


@NETWORKS.register("softnet")
@dataclass(frozen=True)
class SOFTNet(Architecture):
    """314 817 weights for 3 channels of 42x42 and one score.

    Args:
        hidden: units of the layer before the score.
    """

    hidden: int = 400

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """The module for (3, H, W)."""
        if len(shape) != 3 or shape[0] != 3 or min(shape[1:]) < 4:
            raise RecipeError(f"softnet takes 3 channels of 4x4 pixels or more (42x42 in the paper); got {shape}")
        return ThreeStreams(shape, classes, self.hidden)


class ThreeStreams(nn.Module):
    """Streams of 3, 5 and 8 maps, one a channel."""

    def __init__(self, shape: tuple[int, ...], classes: int, hidden: int) -> None:
        super().__init__()
        self.streams = nn.ModuleList(nn.Conv2d(1, maps, 5, padding=2) for maps in MAPS)
        height, width = (math.ceil(math.ceil(side / 3) / 2) for side in shape[1:])
        self.fc = nn.Linear(sum(MAPS) * height * width, hidden)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, H, W) to (n, classes)."""
        maps = [
            F.max_pool2d(F.relu(stream(x[:, i : i + 1])), 3, ceil_mode=True) for i, stream in enumerate(self.streams)
        ]
        return self.head(F.relu(self.fc(F.max_pool2d(torch.cat(maps, dim=1), 2, ceil_mode=True).flatten(1))))


def train(
    inputs: np.ndarray, targets: np.ndarray, seed: int, *, epochs: int = 10, batch: int = 12, lr: float = 5e-4
) -> dict[str, np.ndarray]:
    """Weights learned from (n, 3, H, W) inputs and (n,) targets: stochastic gradient descent on the squared error.

    The same inputs and seed give the same weights on one machine.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = SOFTNet().build(inputs.shape[1:], 1)
    draws = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(net.parameters(), lr, momentum=0.9)
    wanted = torch.from_numpy(targets.astype(np.float32))
    for _ in range(epochs):
        for part in torch.randperm(len(inputs), generator=draws).split(batch):
            here = torch.from_numpy(inputs[part.numpy()].astype(np.float32))
            optimizer.zero_grad()
            F.mse_loss(net(here)[:, 0], wanted[part]).backward()
            optimizer.step()
    return {name: value.numpy() for name, value in net.state_dict().items()}


class Scorer:
    """A trained network.

    Args:
        state: what `train` gave.
        shape: of one input.
    """

    def __init__(self, state: State, shape: tuple[int, ...]) -> None:
        self.net = SOFTNet().build(shape, 1)
        self.net.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in state.items()})
        self.net.eval()

    @torch.no_grad()
    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """(n,) scores of (n, 3, H, W) inputs."""
        return np.asarray(self.net(torch.from_numpy(inputs.astype(np.float32)))[:, 0].numpy())
