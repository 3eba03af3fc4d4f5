"""Training of many folds beside each other in threads; with compiled steps, images are prepared once for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import torch
from torch import Tensor

from ..core.clip import Sample
from ..networks.base import FusedStep
from ..networks.training import LabeledBatch, Trainer, torch_threads
from ._objective import ClipClassification
from ._threads import fit_in_threads
from .base import Fit, Recognizer, stack


@dataclass(frozen=True, eq=False)
class FusedImages:
    """Images of all folds, prepared for a compiled step.

    Attributes:
        step: the kind of step.
        inputs: what it prepared of the images.
        rows: id of a clip -> its row in `inputs`.
        size: (H, W) of an image.
    """

    step: type[FusedStep]
    inputs: np.ndarray
    rows: dict[str, int]
    size: tuple[int, int]

    @classmethod
    def of(cls, step: type[FusedStep], samples: Sequence[Sample], array: str) -> FusedImages:
        """Prepare one array of samples, images (H, W, C)."""
        images = stack(samples, array)
        rows = {sample.id: row for row, sample in enumerate(samples)}
        return cls(step, step.prepare(images), rows, (images.shape[1], images.shape[2]))


@dataclass
class FusedClassification(ClipClassification):
    """Cross-entropy of the classes of clips, whose images were prepared for compiled steps."""

    step: FusedStep | None = None
    rows: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))

    @classmethod
    def of(cls, objective: ClipClassification, images: FusedImages) -> FusedClassification:
        """The same objective on prepared images."""
        same = {f.name: getattr(objective, f.name) for f in fields(ClipClassification) if f.init}
        module = objective.classifier.module
        step = images.step(module, images.inputs, images.size, objective.class_weights)
        return cls(**same, step=step, rows=torch.tensor([images.rows[name] for name in objective.clips.ids]))

    def _inputs(self, positions: Tensor) -> Tensor:
        return self.rows[positions]


class FusedTrainer(Trainer):
    """The training loop with compiled steps instead of torch's."""

    def train_step(self, batch: LabeledBatch) -> None:
        """Do one step of gradient descent."""
        assert isinstance(self.objective, FusedClassification) and self.objective.step is not None
        loss, correct = self.objective.step(batch.inputs, batch.targets)
        self._sums += torch.tensor([loss * len(batch), correct, len(batch)], dtype=self._sums.dtype)
        self._torch_optimizer.step()


def train_in_threads(fits: Sequence[Fit]) -> Iterator[Recognizer | Exception]:
    """Train networks beside each other: see `fit_in_threads`; neither compiled steps nor torch hold Python's lock."""
    with torch_threads(1):
        yield from fit_in_threads(fits)
