"""Optimizer and learning-rate schedule: the tables of a recipe that say how a network is trained."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn


@dataclass(frozen=True)
class Optimizer:
    """The gradient descent method.

    Args:
        name: `adam` (Kingma and Ba 2015), `adamw` (Loshchilov and Hutter 2019) or `sgd` with momentum.
        lr: learning rate at the start, above 0.
        momentum: momentum of `sgd`, 0 to below 1; the others ignore it.
        weight_decay: L2 penalty on the weights, 0 or more; decoupled from the gradient with `adamw`.
    """

    name: Literal["adam", "adamw", "sgd"] = "adam"
    lr: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1e-3
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Build torch's optimizer of these parameters.

        It is the fused one: torch's loop reads and writes every weight about ten times a step, and takes 8 times as
        long for layers that do not fit in the processor's cache (14 times where numbers are too small for float32).
        """
        if self.name == "sgd":
            return torch.optim.SGD(parameters, self.lr, self.momentum, weight_decay=self.weight_decay, fused=True)
        kind = torch.optim.Adam if self.name == "adam" else torch.optim.AdamW
        return kind(parameters, self.lr, weight_decay=self.weight_decay, fused=True)


@dataclass(frozen=True)
class Schedule:
    """How the learning rate falls during a training.

    Args:
        name: `constant`; `step` multiplies by `factor` after every `every` epochs; `cosine` falls to 0 along half a
            cosine; `poly` falls to 0 as (1 - epoch / epochs) ** `power`.
        every: epochs between two steps of `step`, 1 or more.
        factor: multiplier of the learning rate at each step of `step`, above 0.
        power: exponent of `poly`, 0 or more; 1 is a straight line.
    """

    name: Literal["constant", "step", "cosine", "poly"] = "constant"
    every: Annotated[int, Field(ge=1)] = 20
    factor: Annotated[float, Field(gt=0)] = 0.1
    power: Annotated[float, Field(ge=0)] = 1.0

    def lr_factor(self, epoch: float, epochs: int) -> float:
        """Return the multiplier of the initial learning rate.

        Args:
            epoch: epochs done so far; a fraction within an epoch.
            epochs: epochs of the whole training.
        """
        if self.name == "step":
            return self.factor ** (epoch // self.every)
        if self.name == "cosine":
            return (1 + math.cos(math.pi * epoch / epochs)) / 2
        if self.name == "poly":
            return (1 - epoch / epochs) ** self.power
        return 1.0
