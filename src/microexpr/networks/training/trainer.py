"""The training loop: gradient descent over epochs of batches, with checkpoints, curves and progress.

What is trained is an `Objective`: it draws the batches of an epoch, loads them, and computes outputs and loss. The
`Trainer` owns everything else. A training that was stopped continues where its checkpoint was saved; on a CPU in fp32
the weights are then the same, bit for bit, as without the stop.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...core.errors import RunError
from ...core.progress import StepCallback, no_step_progress
from .checkpoint import Checkpoint
from .curves import History
from .distributed import Process
from .optimization import Optimizer, Schedule


@dataclass(frozen=True)
class LabeledBatch:
    """Inputs of a network and its target outputs.

    Attributes:
        inputs: n inputs, of whatever type the objective's `forward` takes.
        targets: (n,) classes (int64) or values (float32).
    """

    inputs: Any
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def split(self, parts: int) -> list[LabeledBatch]:
        """Divide it into equal parts; their inputs must be a tensor."""
        if parts == 1:
            return [self]
        chunks = zip(self.inputs.chunk(parts), self.targets.chunk(parts), strict=True)
        return [LabeledBatch(inputs, targets) for inputs, targets in chunks]


class Objective(ABC):
    """What a training minimizes: its batches, its outputs and its loss.

    All random numbers come from the generator that the trainer has too.
    """

    metrics: ClassVar[tuple[str, ...]] = ()
    """Names of what `measure` returns; their means over an epoch are columns of the curves beside `loss`."""

    def prepare(self, epoch: int) -> None:  # noqa: B027
        """Prepare the training, once, after a checkpoint was read and before the next epoch."""

    @abstractmethod
    def begin_epoch(self, epoch: int) -> Sequence[Any]:
        """Draw the batches of an epoch, counted from 0, without loading them. The module is in training mode."""

    @abstractmethod
    def load(self, batches: Sequence[Any], first: int) -> Iterable[LabeledBatch]:
        """Load the batches, from number `first` on; the trainer takes a batch when it has done the step before.

        Args:
            batches: what `begin_epoch` returned.
            first: number of the first batch that is not done yet.
        """

    @abstractmethod
    def forward(self, module: nn.Module, inputs: Any) -> Tensor:
        """Compute the outputs in float32; `module` averages gradients over all processes."""

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the mean loss of a batch, a scalar."""

    def measure(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """Compute the sum over a batch of each of `metrics`, e.g. the number of correct predictions."""
        return ()

    def end_epoch(self, epoch: int) -> dict[str, float]:
        """Return more columns of the curves, e.g. scores on validation samples."""
        return {}


@dataclass
class Trainer:
    """Trains a module.

    Args:
        objective: batches and loss.
        module: the network, on its device.
        optimizer: the gradient descent method.
        epochs: length of the whole training.
        generator: source of all random numbers of the objective and of the module's dropout.
        process: device, rank and number of processes.
        schedule: how the learning rate falls.
        schedule_per_step: change the learning rate at every step instead of every epoch.
        warmup: epochs in which the learning rate rises from nearly 0 to that of the schedule.
        parts: a batch is divided into so many parts whose gradients are added, where it does not fit in memory.
        checkpoint: where the training continues after a stop; None saves nothing.
        require_finite: raise an error when the mean loss of an epoch is infinite or not a number.
        on_progress: called with (steps done, steps in all) after every step.
        on_epoch: called with the whole history after every epoch, in the first process only.

    Attributes:
        history: a row per epoch: `epoch` (from 1), mean `loss` and metrics, and what the objective adds.
    """

    objective: Objective
    module: nn.Module
    optimizer: Optimizer
    epochs: int
    generator: torch.Generator
    process: Process
    schedule: Schedule = field(default_factory=Schedule)
    schedule_per_step: bool = False
    warmup: float = 0.0
    parts: int = 1
    checkpoint: Checkpoint | None = None
    require_finite: bool = True
    on_progress: StepCallback = no_step_progress
    on_epoch: Callable[[History], None] | None = None

    history: list[dict[str, float]] = field(default_factory=list, init=False)
    epoch: int = field(default=0, init=False)
    step: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._parallel = self.process.wrap(self.module)
        self._torch_optimizer = self.optimizer.build(self.module.parameters())
        columns = len(self.objective.metrics) + 2  # loss, metrics, number of samples; stays on the device
        self._sums = torch.zeros(columns, dtype=torch.float64, device=self.process.device)
        self._generator_at_epoch = self.generator.get_state()
        self._generator_at_step: Tensor | None = None

    def run(self) -> list[dict[str, float]]:
        """Train all epochs that are left.

        Returns:
            The history.

        Raises:
            UsageError: the checkpoint is of other settings or data.
            RunError: the loss is infinite or not a number, where that is not allowed.
        """
        self._resume()
        self.process.barrier()
        self.objective.prepare(self.epoch)
        while self.epoch < self.epochs:
            self._run_epoch()
        return self.history

    def _run_epoch(self) -> None:
        """Train what is left of one epoch."""
        # Of a frozen backbone, going through all layers takes longer than a step. The module of several processes is
        # around the one that the objective scores, and does not know in which mode that is.
        if not self.module.training:
            self._parallel.train()
        self._generator_at_epoch = self.generator.get_state()
        batches = self.objective.begin_epoch(self.epoch)
        if self._generator_at_step is not None:  # the epoch was begun before a stop
            self.generator.set_state(self._generator_at_step)
            self._generator_at_step = None
        for batch in self.objective.load(batches, self.step):
            self._set_learning_rate(len(batches))
            self.train_step(batch)
            self.step += 1
            self.on_progress(self.epoch * len(batches) + self.step, self.epochs * len(batches))
            if self.step < len(batches):
                self._save_if_due()
        self._end_epoch()
        self._generator_at_epoch = self.generator.get_state()
        self._save_if_due()

    def train_step(self, batch: LabeledBatch) -> None:
        """Do one step of gradient descent."""
        self._torch_optimizer.zero_grad(set_to_none=True)
        parts = batch.split(self.parts)
        for number, part in enumerate(parts, 1):
            with self._gradients_stay_local(last=number == len(parts)):
                targets = part.targets.to(self.process.device, non_blocking=True)
                outputs = self.objective.forward(self._parallel, part.inputs)
                loss = self.objective.loss(outputs, targets)
                (loss * (len(part) / len(batch))).backward()
            measured = self.objective.measure(outputs.detach(), targets)
            sums = [loss.detach().double() * len(part), *(value.double() for value in measured)]
            self._sums += torch.stack([*sums, torch.full_like(sums[0], len(part))])
        self._torch_optimizer.step()

    def _gradients_stay_local(self, last: bool) -> AbstractContextManager[object]:
        """Return a context for one part of a batch: only the last part exchanges gradients between processes."""
        if last or not isinstance(self._parallel, nn.parallel.DistributedDataParallel):
            return nullcontext()
        return self._parallel.no_sync()

    def _set_learning_rate(self, steps: int) -> None:
        done = self.epoch + self.step / steps
        warm = min(1.0, (done + 1 / steps) / self.warmup) if self.warmup > 0 else 1.0
        factor = self.schedule.lr_factor(done if self.schedule_per_step else self.epoch, self.epochs)
        for group in self._torch_optimizer.param_groups:
            group["lr"] = self.optimizer.lr * factor * warm

    def _end_epoch(self) -> None:
        """Add a row to the history; every process comes to the same numbers."""
        *sums, samples = self.process.sum(self._sums).tolist()
        self._check_finite(sums[0])
        means = {name: value / samples for name, value in zip(("loss", *self.objective.metrics), sums, strict=True)}
        self.history.append({"epoch": self.epoch + 1.0, **means, **self.objective.end_epoch(self.epoch)})
        self._sums.zero_()
        self.epoch += 1
        self.step = 0
        if self.on_epoch is not None and self.process.is_main:
            self.on_epoch(self.history)

    def _check_finite(self, loss: float) -> None:
        if self.require_finite and not math.isfinite(loss):
            raise RunError(
                f"the loss is not a finite number in epoch {self.epoch + 1}; "
                f"use a learning rate below {self.optimizer.lr}"
            )

    def _save_if_due(self) -> None:
        """Save everything on which the steps to come depend."""
        if self.checkpoint is None or not self.checkpoint.due or not self.process.is_main:
            return
        self._check_finite(float(self._sums[0]))
        self.checkpoint.save(
            {
                "module": self.module.state_dict(),
                "optimizer": self._torch_optimizer.state_dict(),
                "sums": self._sums,  # of the first process: the curves then show a mean over its part of the batches
                "epoch": self.epoch,
                "step": self.step,
                "history": self.history,
                "generator_at_epoch": self._generator_at_epoch,
                "generator_at_step": self.generator.get_state(),
            }
        )

    def _resume(self) -> None:
        """Take over the state of a checkpoint, if there is one."""
        names = {"module", "optimizer", "sums", "epoch", "step", "history", "generator_at_epoch", "generator_at_step"}
        state = None if self.checkpoint is None else self.checkpoint.load(names, self.process.device)
        if state is None:
            return
        self.module.load_state_dict(state["module"])
        self._torch_optimizer.load_state_dict(state["optimizer"])
        self._sums.copy_(state["sums"])
        self.epoch, self.step, self.history = state["epoch"], state["step"], list(state["history"])
        self.generator.set_state(state["generator_at_epoch"].cpu())
        if self.step:
            self._generator_at_step = state["generator_at_step"].cpu()
