"""Training on drawn motion: how fields become inputs, how they are changed at random, and the loss of both tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..core.progress import StepCallback
from ..core.registry import validate_settings
from ..networks.base import use_generator
from ..networks.motion import motion_inputs
from ..networks.training import LabeledBatch, Objective, Optimizer, Schedule, Trainer, split_batches
from ..networks.training.distributed import Process
from ..synthetic.motion.encoding import Encoding
from ..synthetic.motion.expressions import ANY
from ..synthetic.motion.fields import NUMBERS
from ..synthetic.motion.generator import DrawnMotion
from ..synthetic.motion.tables import CLASSES

UNITS = 2 * len(NUMBERS)
OUTPUTS = len(CLASSES) + UNITS
"""Logits of the network: the classes, then each action unit on the person's right side and on the left."""

SHOWN = 0.35
"""Strength from which on an action unit counts as shown; weaker ones count in part, as coders miss some of them."""


def mirrored(x: Tensor) -> Tensor:
    """Inputs of the mirrored faces: u changes its sign."""
    x = x.flip(3)
    return torch.cat([-x[:, :1], x[:, 1:]], dim=1)


def mirrored_outputs(classes: int) -> Tensor:
    """Where each output of the mirrored face is, behind so many logits of classes: the sides are swapped."""
    units = torch.arange(UNITS).reshape(-1, 2).flip(1).flatten() + classes
    return torch.cat([torch.arange(classes), units])


def shown(strengths: np.ndarray) -> np.ndarray:
    """How much each action unit counts as shown on each side.

    Weak ones count in part. So does a side that moves less than the other: from seven tenths of its strength on it
    counts in full, below three tenths not at all, as coders call such a movement one-sided.

    Args:
        strengths: (n, 17, 2) on the person's right and left side, 0 or more.

    Returns:
        (n, 17, 2) float32, 0 to 1.
    """
    ratio = strengths / np.maximum(strengths[..., ::-1], 1e-6)
    return np.asarray(np.minimum(strengths / SHOWN, 1) * np.clip((ratio - 0.3) / 0.4, 0, 1), np.float32)


def soft_targets(drawn: DrawnMotion, smoothing: float) -> Tensor:
    """(n, OUTPUTS) float32: class probabilities, and action units.

    The probabilities are equal for a face without an expression, and 0 for action units that have no class, so that the
    cross-entropy of the class does not count there.
    """
    classes = np.full((len(drawn), len(CLASSES)), 1 / len(CLASSES), np.float32)
    classes[drawn.labels == ANY] = 0
    known = np.flatnonzero(drawn.labels < len(CLASSES))
    classes[known] = smoothing / len(CLASSES)
    classes[known, drawn.labels[known]] += 1 - smoothing
    units = shown(drawn.strengths).reshape(len(drawn), UNITS)
    return torch.from_numpy(np.concatenate([classes, units], axis=1).astype(np.float32))


@dataclass
class MotionObjective(Objective):
    """Cross-entropy of the class, and binary cross-entropy of the action units, on randomly changed fields.

    Args:
        images: (n, H, W, 3) drawn fields as they are written down.
        targets: (n, classes + UNITS) as of `soft_targets`; there may be more classes than are drawn.
        encoding: how the fields are written down.
        batch_size: fields per step.
        generator: source of all random numbers.
        mixup: as the parameter of the beta distribution of Zhang et al. 2018, which mix pairs; 0 mixes none.
        style: size of the random changes of gain, sharpness and strain, 1 for the usual ones.
        unit_weight: weight of the loss of the action units.
    """

    metrics = ("accuracy",)

    images: np.ndarray
    targets: Tensor
    encoding: Encoding
    batch_size: int
    generator: torch.Generator
    mixup: float = 0.3
    style: float = 1.0
    unit_weight: float = 2.0
    _sides: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self._classes = self.targets.shape[1] - UNITS
        self._sides = mirrored_outputs(self._classes)

    def begin_epoch(self, epoch: int) -> list[Tensor]:
        """Draw the order of the fields."""
        order = torch.randperm(len(self.images), generator=self.generator)
        return split_batches(order, self.batch_size)

    def load(self, batches: Sequence[Tensor], first: int) -> Iterator[LabeledBatch]:
        """Load fields; mirror half of them, change their style, mix pairs."""
        for positions in batches[first:]:
            x, y = self.inputs(positions), self.targets[positions]
            flip = self._uniform(len(x)) < 0.5
            x = torch.where(flip[:, None, None, None], mirrored(x), x)
            y = torch.where(flip[:, None], y[:, self._sides], y)
            x, y = self._mixed(self._styled(x) if self.style else x, y)
            yield LabeledBatch(x.contiguous(memory_format=torch.channels_last), y)

    def inputs(self, positions: Tensor) -> Tensor:
        """(n, 3, H, W) float32 inputs of the network for the fields at these positions."""
        return motion_inputs(self.images[positions.numpy()], self.encoding)

    def forward(self, module: nn.Module, inputs: Tensor) -> Tensor:
        """Compute logits (n, OUTPUTS)."""
        logits: Tensor = module(inputs)
        return logits

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the weighted sum of both losses."""
        count = self._classes
        classes = F.cross_entropy(outputs[:, :count], targets[:, :count])
        units = F.binary_cross_entropy_with_logits(outputs[:, count:], targets[:, count:])
        return classes + self.unit_weight * units

    def measure(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """Count fields whose largest class is right."""
        count = self._classes
        return ((outputs[:, :count].argmax(1) == targets[:, :count].argmax(1)).sum(),)

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator)

    def _log_normal(self, n: int, channels: int, deviation: float) -> Tensor:
        draws = torch.randn((n, channels, 1, 1), generator=self.generator)
        return (draws * deviation * self.style).exp()

    def _styled(self, x: Tensor) -> Tensor:
        """Change gains of u and v, power and gain of the strain; drop the strain or blur all."""
        n = len(x)
        flow = x[:, :2] * self._log_normal(n, 2, 0.25)
        strain = (x[:, 2:] + 1).clamp(min=0) ** self._log_normal(n, 1, 0.25) * self._log_normal(n, 1, 0.25) - 1
        strain = strain * (self._uniform(n, 1, 1, 1) >= 0.15 * self.style)
        x = torch.cat([flow, strain], dim=1)
        blurred = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        share = self._uniform(n, 1, 1, 1) * (self._uniform(n, 1, 1, 1) < 0.4)
        return x + (blurred - x) * share

    def _mixed(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        if self.mixup == 0:
            return x, y
        order = torch.randperm(len(x), generator=self.generator)
        share = self._uniform(len(x), 1) ** (1 / self.mixup) / 2  # nearly the smaller share of a beta distribution
        image = share[..., None, None]
        return x + (x[order] - x) * image, y + (y[order] - y) * share


def train_on_motion(
    objective: MotionObjective,
    module: nn.Module,
    optimizer: Mapping[str, Any],
    epochs: int,
    on_progress: StepCallback,
    member: tuple[int, int] = (0, 1),
    on_epoch: Callable[[int], None] | None = None,
) -> list[dict[str, float]]:
    """Train a network on drawn motion: a warm-up over three tenths of the steps, then a cosine; the last epoch counts.

    Args:
        objective: the fields and the loss; its generator is that of the training, dropout included.
        module: the network, which is changed and left for prediction.
        optimizer: settings of `Optimizer`.
        epochs: passes over the fields, 1 or more.
        on_progress: called with (steps done, steps in all) of all networks.
        member: number of this network, from 0, and number of networks that are trained one after the other.
        on_epoch: called with the number of each epoch, from 1, when it is done.

    Returns:
        The loss and the accuracy of each epoch, which is counted over all networks.
    """
    number, count = member
    use_generator(module, objective.generator)
    trainer = Trainer(
        objective,
        module,
        validate_settings(Optimizer, optimizer, "optimizer"),
        epochs,
        objective.generator,
        Process(torch.device("cpu")),
        schedule=Schedule("cosine"),
        schedule_per_step=True,
        warmup=0.3 * epochs,
        require_finite=True,
        on_progress=lambda done, total: on_progress(number * total + done, count * total),
        on_epoch=None if on_epoch is None else lambda history: on_epoch(len(history)),
    )
    history = trainer.run()
    module.eval()
    return [{**row, "epoch": row["epoch"] + number * epochs} for row in history]
