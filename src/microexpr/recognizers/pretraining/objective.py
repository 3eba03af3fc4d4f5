"""What a training from scratch minimizes: cross-entropy on labeled images, scored on validation images."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...networks.training import LabeledBatch, Objective
from ...networks.training.device import autocast, memory_format
from ...networks.training.distributed import Process
from .image_datasets import ImageDataset
from .loader import BatchPlan, eval_batches, read_batches, seeded, training_plans
from .settings import Pretraining


@dataclass
class ImageClassification(Objective):
    """Cross-entropy of labeled images.

    The random numbers of a step depend on seed, epoch, step and rank alone.

    Args:
        settings: settings of the training.
        module: the network, on its device.
        train: training images.
        validation: images for the scores of each epoch; None for no scores.
        batch_size: images per step over all processes together.
        generator: source of dropout masks.
        process: device, rank and number of processes.
    """

    metrics = ("accuracy",)

    settings: Pretraining
    module: nn.Module
    train: ImageDataset
    validation: ImageDataset | None
    batch_size: int
    generator: torch.Generator
    process: Process
    _epoch: int = field(default=0, init=False)
    _began: float = field(default=0.0, init=False)
    _images: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._subtract, self._divide = (
            torch.tensor(values, device=self.process.device).view(1, 3, 1, 1) for values in self.settings.normalization
        )

    def begin_epoch(self, epoch: int) -> list[BatchPlan]:
        """Draw order and crops of the images of this process."""
        self._epoch = epoch
        ranks = (self.process.rank, self.process.world_size)
        return training_plans(len(self.train), self.batch_size, self.settings.seed, epoch, ranks)

    def load(self, batches: Sequence[BatchPlan], first: int) -> Iterator[LabeledBatch]:
        """Read images (n, 3, size, size) uint8 and labels (n,) of this process."""
        self._began, self._images = time.monotonic(), (len(batches) - first) * self.batch_size
        for step, (x, y) in enumerate(self._read(self.train, batches[first:]), first):
            seed = seeded(self.settings.seed, self._epoch, step, self.process.rank)
            self.generator.set_state(seed.get_state())
            yield LabeledBatch(x, y)

    def forward(self, module: nn.Module, inputs: Tensor) -> Tensor:
        """Compute logits (n, classes) of images (n, 3, size, size) uint8."""
        device, precision = self.process.device, self.settings.precision
        x = (inputs.to(device, non_blocking=True).float() - self._subtract) / self._divide
        with autocast(device, precision):
            logits: Tensor = module(x.contiguous(memory_format=memory_format(device, precision)))
        return logits.float()

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the mean cross-entropy."""
        return F.cross_entropy(outputs, targets)

    def measure(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """Count correct predictions."""
        return ((outputs.argmax(1) == targets).sum(),)

    def end_epoch(self, epoch: int) -> dict[str, float]:
        """Return the speed in images per second, and top-1 and top-5 accuracy (0 to 1) on the validation images."""
        speed = {"images_per_second": self._images / (time.monotonic() - self._began)}
        return speed if self.validation is None else {**speed, **self._score(self.validation)}

    def _score(self, images: ImageDataset) -> dict[str, float]:
        """Top-1 and top-5 accuracy on images cropped in the middle."""
        device, ranks = self.process.device, (self.process.rank, self.process.world_size)
        correct = torch.zeros(2, device=device, dtype=torch.float64)
        self.process.broadcast_buffers(self.module)
        self.module.eval()
        with torch.no_grad():
            for x, y in self._read(images, eval_batches(len(images), self.batch_size, ranks)):
                best = self.forward(self.module, x).topk(min(5, len(self.train.classes))).indices
                hits = best == y.to(device).view(-1, 1)
                correct += torch.stack([hits[:, 0].sum(), hits.sum()])
        top1, top5 = (self.process.sum(correct) / len(images)).tolist()
        return {"top1": top1, "top5": top5}

    def _read(self, images: ImageDataset, plans: Sequence[BatchPlan]) -> Iterator[tuple[Tensor, Tensor]]:
        pinned = self.process.device.type == "cuda"
        return read_batches(images, plans, self.settings.resize_crop, self.settings.workers, pinned)
