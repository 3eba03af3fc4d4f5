"""Optimizer, schedule and sampler: the tables of a recipe that say how a network is trained."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ..core.errors import RecipeError


@dataclass(frozen=True)
class Optimizer:
    """Gradient descent.

    Args:
        name: which one.
        lr: learning rate at the start.
        momentum: of `sgd`.
        weight_decay: L2 penalty (decoupled with `adamw`).
    """

    name: Literal["adam", "adamw", "sgd"] = "adam"
    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.lr < math.inf and 0 <= self.momentum < 1 and 0 <= self.weight_decay < math.inf):
            raise RecipeError(
                f"optimizer: lr = {self.lr} (above 0), momentum = {self.momentum} (0 to below 1), "
                f"weight_decay = {self.weight_decay} (0 or more)"
            )

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimizer of these weights."""
        if self.name == "sgd":
            return torch.optim.SGD(parameters, self.lr, self.momentum, weight_decay=self.weight_decay)
        kind = torch.optim.Adam if self.name == "adam" else torch.optim.AdamW
        return kind(parameters, self.lr, weight_decay=self.weight_decay)


@dataclass(frozen=True)
class Schedule:
    """How the learning rate falls.

    Args:
        name: `constant`; `step` multiplies by `factor` after every `every` epochs; `cosine` falls to 0; `poly` falls
            to 0 as (1 - share of the epochs) ** `power`.
    """

    name: Literal["constant", "step", "cosine", "poly"] = "constant"
    every: int = 20
    factor: float = 0.1
    power: float = 1.0

    def __post_init__(self) -> None:
        if self.every < 1:
            raise RecipeError(f"schedule: every = {self.every}; use 1 epoch or more")

    def lr_factor(self, epoch: float, epochs: int) -> float:
        """Share of the first learning rate in this epoch, counted from 0; within an epoch with a fraction."""
        if self.name == "step":
            return self.factor ** (epoch // self.every)
        if self.name == "cosine":
            return (1 + math.cos(math.pi * epoch / epochs)) / 2
        if self.name == "poly":
            return (1 - epoch / epochs) ** self.power
        return 1.0


@dataclass(frozen=True)
class Sampler:
    """Which training clips an epoch sees, and in which order.

    Args:
        name: `shuffle` sees each once; `oversample` draws random duplicates until every class has as many clips as
            `per_class` says.
        per_class: clips of each class an epoch; 0 for as many as the largest class has.
    """

    name: Literal["shuffle", "oversample"] = "shuffle"
    per_class: int = 0

    def __post_init__(self) -> None:
        if self.per_class < 0:
            raise RecipeError(f"sampler: per_class = {self.per_class}; use 1 or more, or 0 for the largest class's")

    def order(self, targets: Tensor, generator: torch.Generator) -> Tensor:
        """Positions of the clips of one epoch."""
        if self.name == "shuffle":
            return torch.randperm(len(targets), generator=generator)
        most = self.per_class or int(torch.bincount(targets).max())
        chosen = []
        for value in targets.unique():
            own = torch.nonzero(targets == value).flatten()
            extra = own[torch.randint(len(own), (max(0, most - len(own)),), generator=generator)]
            kept = own[torch.randperm(len(own), generator=generator)[:most]]
            chosen.append(torch.cat([kept, extra]))
        every = torch.cat(chosen)
        return every[torch.randperm(len(every), generator=generator)]
