"""One training from scratch: its settings and its loop.

The defaults are those of the ResNet10's authors (Simon, Rodner, Denzler, arXiv 1612.01452, their `solver.prototxt`):
gradient descent with momentum 0.9, weight decay 1e-4, batches of 256, a learning rate that falls from 0.1 to 0 in a
straight line over 320 000 steps (64 epochs of ImageNet); shorter side 256, random cut of 224, mirrored half the time.
The weights written are those of the last epoch: no image of `val` chooses anything.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor, nn

from ...core.errors import DataError, RecipeError, RunError, UsageError
from ...core.files import read_metadata, write_atomically
from ...core.progress import ProgressCallback
from ...networks import NETWORKS
from ...networks.base import use_generator
from ..base import Settings
from ..optimization import Optimizer, Schedule
from .distributed import Process
from .image_datasets import ImageDataset
from .loader import ResizeCrop, eval_batches, read_batches, seeded, training_plans

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of red, green and blue from 0 to 1, as timm and torchvision use them."""

RAW_BGR = frozenset({"resnet10"})
"""Networks that take blue, green, red from 0 to 255 as they are: their first layer normalizes."""

NOT_IN_KEY = frozenset({"device", "workers", "checkpoint_seconds"})


@dataclass(frozen=True)
class Pretraining:
    """Settings.

    Args:
        network: architecture and its settings.
        epochs, batch_size: the batch is that of all processes together.
        parts: a batch goes through in so many parts whose gradients are added, where it does not fit in memory whole.
        lr, momentum, weight_decay: of the gradient descent.
        schedule: `poly` lets the rate fall to 0 in a straight line, `cosine` along a cosine, a step at a time.
        warmup: epochs in which the rate rises from nearly 0 to where the schedule has it.
        size: pixels of a training image.
        resize: pixels of the shorter side before it is cut; 0 for 256 / 224 of `size`.
        channels: order of the channels; `auto` for what the network's published weights expect.
        subtract, divide: (x - subtract) / divide of 0..255, for each channel in that order; None as `channels`.
        precision: `fp32`, or `bf16` with channels-last memory.
        workers: threads that read images, in each process.
        device: `cpu`, `cuda`, or `auto` for a GPU if there is one.
        seed: of weights, order, cuts and masks.
        checkpoint_seconds: how often what is needed to go on is written; inf for never.
    """

    network: Settings = field(default_factory=lambda: {"name": "resnet10"})
    epochs: int = 64
    batch_size: int = 256
    parts: int = 1
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-4
    schedule: Literal["poly", "cosine"] = "poly"
    warmup: float = 0.0
    size: int = 224
    resize: int = 0
    channels: Literal["auto", "bgr", "rgb"] = "auto"
    subtract: tuple[float, float, float] | None = None
    divide: tuple[float, float, float] | None = None
    precision: Literal["fp32", "bf16"] = "fp32"
    workers: int = 4
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = 0
    checkpoint_seconds: float = 120.0

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 2), ("parts", 1), ("size", 1), ("workers", 1)):
            if getattr(self, name) < least:
                raise RecipeError(f"pretraining: {name} = {getattr(self, name)}; use {least} or more")
        if 0 < self.resize < self.size:
            raise RecipeError(f"pretraining: resize = {self.resize} is less than size = {self.size}")
        if self.divide is not None and 0 in self.divide:
            raise RecipeError(f"pretraining: divide = {self.divide}; use numbers that are not zero")
        NETWORKS.build(self.network)  # a misspelled setting is found before any work is done

    @property
    def order(self) -> str:
        """`bgr` or `rgb`."""
        if self.channels != "auto":
            return self.channels
        return "bgr" if self.network["name"] in RAW_BGR else "rgb"

    @property
    def scale(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """What is subtracted from each channel and what divides it, of 0..255 and in their order."""
        raw = self.network["name"] in RAW_BGR
        turn = -1 if self.order == "bgr" else 1
        mean = (0.0, 0.0, 0.0) if raw else tuple(255 * value for value in IMAGENET_MEAN[::turn])
        spread = (1.0, 1.0, 1.0) if raw else tuple(255 * value for value in IMAGENET_STD[::turn])
        return self.subtract or mean, self.divide or spread

    @property
    def cut(self) -> ResizeCrop:
        """How images come to their size."""
        return ResizeCrop(self.resize or round(self.size * 256 / 224), self.size, self.order == "bgr")


class Trainer:
    """One training: `run` is the loop over epochs, `train_step` one step of it."""

    synthetic = False

    def __init__(
        self, settings: Pretraining, train: ImageDataset, held_out: ImageDataset | None, path: Path, process: Process
    ) -> None:
        self.settings, self.train, self.held_out, self.path, self.process = settings, train, held_out, path, process
        self.batch = min(settings.batch_size, len(train)) // process.world_size * process.world_size
        if self.batch // process.world_size // settings.parts < 2:
            need = f"{process.world_size} processes of {settings.parts} parts need 2 images each"
            raise RecipeError(f"a batch has {self.batch} of {len(train)} images; {need}")
        self.steps = len(train) // self.batch
        self.fingerprint = train.fingerprint()
        wanted = {k: v for k, v in dataclasses.asdict(settings).items() if k not in NOT_IN_KEY}
        self.key = json.dumps([wanted, self.fingerprint, len(train)], sort_keys=True)
        self.checkpoint = path.with_suffix(".checkpoint.pt")
        self.epoch, self.step, self.history = 0, 0, list[dict[str, float]]()

    def run(self, progress: ProgressCallback) -> None:
        """All epochs, then the weights; nothing if they are there."""
        if self._finished():
            return
        self.begin()
        self._resume()
        self.process.barrier()
        saved = time.monotonic()
        while self.epoch < self.settings.epochs:
            begin, seen = time.monotonic(), (self.steps - self.step) * self.batch
            for x, y in self._batches():
                self.train_step(x, y)
                self.step += 1
                progress(self._title, self.epoch * self.steps + self.step, self.settings.epochs * self.steps)
                if time.monotonic() - saved >= self.settings.checkpoint_seconds and self.step < self.steps:
                    self._checkpoint()
                    saved = time.monotonic()
            self._end_epoch(seen / (time.monotonic() - begin))
            if time.monotonic() - saved >= self.settings.checkpoint_seconds:
                self._checkpoint()
                saved = time.monotonic()
        if self.process.is_main:
            self._write()
        self.process.barrier()

    @property
    def _title(self) -> str:
        return f"training {self.settings.network['name']}"

    def begin(self) -> None:
        """Fresh weights on the device, optimizer, schedule."""
        s = self.settings
        self.device = self.process.device
        self.masks = seeded(s.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(s.seed)
            module = NETWORKS.build(s.network).build((3, s.size, s.size), len(self.train.classes))
        use_generator(module, self.masks)
        layout = torch.channels_last if s.precision == "bf16" else torch.contiguous_format
        self.module: nn.Module = module.to(self.device, memory_format=layout)  # type: ignore[call-overload]
        self.wrapped = self.process.wrap(self.module)
        self.optimizer = Optimizer("sgd", s.lr, s.momentum, s.weight_decay).build(self.module.parameters())
        self.schedule = Schedule(s.schedule)
        self.subtract, self.divide = (torch.tensor(v, device=self.device).view(1, 3, 1, 1) for v in s.scale)
        self.totals = torch.zeros(3, device=self.device, dtype=torch.float64)  # loss, right guesses, images

    def _batches(self) -> Iterable[tuple[Tensor, Tensor]]:
        """What is left of this epoch."""
        s, share = self.settings, (self.process.rank, self.process.world_size)
        plans = training_plans(len(self.train), self.batch, s.seed, self.epoch, share)
        self.wrapped.train()
        return read_batches(self.train, plans[self.step :], s.cut, s.workers, self.device.type == "cuda")

    def train_step(self, x: Tensor, y: Tensor) -> None:
        """One step on (n, 3, size, size) uint8 and labels (n,), both of this process."""
        s = self.settings
        done = self.epoch + self.step / self.steps
        risen = min(1.0, (done + 1 / self.steps) / s.warmup) if s.warmup > 0 else 1.0
        for group in self.optimizer.param_groups:
            group["lr"] = s.lr * self.schedule.lr_factor(done, s.epochs) * risen
        self.masks.set_state(seeded(s.seed, self.epoch, self.step, self.process.rank).get_state())
        self.optimizer.zero_grad(set_to_none=True)
        parts = list(zip(x.chunk(s.parts), y.chunk(s.parts), strict=True))
        for number, (part, truth) in enumerate(parts, 1):
            alone = number < len(parts) and isinstance(self.wrapped, nn.parallel.DistributedDataParallel)
            with self.wrapped.no_sync() if alone else nullcontext():  # type: ignore[operator]
                truth = truth.to(self.device, non_blocking=True)
                logits = self._logits(self.wrapped, part)
                loss = F.cross_entropy(logits, truth)
                (loss * (len(part) / len(x))).backward()
            right = (logits.detach().argmax(1) == truth).sum()
            self.totals += torch.stack([loss.detach() * len(part), right, torch.full_like(right, len(part))])
        self.optimizer.step()

    def _logits(self, module: nn.Module, x: Tensor) -> Tensor:
        """Of (n, 3, size, size) uint8."""
        x = (x.to(self.device, non_blocking=True).float() - self.subtract) / self.divide
        if self.settings.precision == "bf16":
            with torch.autocast(self.device.type, torch.bfloat16):
                return module(x.contiguous(memory_format=torch.channels_last)).float()
        return module(x.contiguous())

    def _end_epoch(self, speed: float) -> None:
        """A line of the history; every process comes to the same numbers."""
        loss, right, seen = self.process.sum(self.totals).tolist()
        self._check(loss)
        row = {"epoch": self.epoch + 1.0, "loss": loss / seen, "accuracy": right / seen, "images_per_second": speed}
        self.history.append({**row, **self._score()})
        self.totals.zero_()
        self.epoch, self.step = self.epoch + 1, 0
        if self.process.is_main:
            text = io.StringIO()
            table = csv.DictWriter(text, list(self.history[0]))
            table.writeheader()
            table.writerows({k: f"{v:.6g}" for k, v in line.items()} for line in self.history)
            write_atomically(self.path.with_suffix(".csv"), text.getvalue().encode())

    def _score(self) -> dict[str, float]:
        """Top-1 and top-5 on the images kept for validation, cut in the middle; fractions from 0 to 1."""
        if self.held_out is None:
            return {}
        s, right = self.settings, torch.zeros(2, device=self.device, dtype=torch.float64)
        self.process.broadcast_buffers(self.module)
        self.module.eval()
        plans = eval_batches(len(self.held_out), self.batch, (self.process.rank, self.process.world_size))
        with torch.no_grad():
            for x, y in read_batches(self.held_out, plans, s.cut, s.workers, self.device.type == "cuda"):
                best = self._logits(self.module, x).topk(min(5, len(self.train.classes))).indices
                hits = best == y.to(self.device).view(-1, 1)
                right += torch.stack([hits[:, 0].sum(), hits.sum()])
        top1, top5 = (self.process.sum(right) / len(self.held_out)).tolist()
        return {"top1": top1, "top5": top5}

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise RunError(
                f"the loss is no number in epoch {self.epoch + 1}; use a learning rate below {self.settings.lr}"
            )

    def _checkpoint(self) -> None:
        """Everything that the steps to come depend on; what they draw depends on epoch and step alone."""
        if not self.process.is_main:
            return
        self._check(float(self.totals[0]))
        content = io.BytesIO()
        state = {
            "key": self.key,
            "module": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "totals": self.totals,  # of the first process; what is logged is then a mean over its share
            "position": [self.epoch, self.step],
            "history": self.history,
        }
        torch.save(state, content)
        write_atomically(self.checkpoint, content.getvalue())

    def _resume(self) -> None:
        if not self.checkpoint.is_file():
            return
        try:
            state: dict[str, Any] = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
            if state["key"] == self.key:
                self.module.load_state_dict(state["module"])
                self.optimizer.load_state_dict(state["optimizer"])
                self.totals.copy_(state["totals"])
                (self.epoch, self.step), self.history = state["position"], list(state["history"])
        except Exception as fault:  # the parser of a damaged file may stumble anywhere
            raise DataError(f"checkpoint '{self.checkpoint}' is damaged ({type(fault).__name__}); delete it") from None
        if state["key"] != self.key:
            raise UsageError(f"'{self.checkpoint}' is of other settings or images; delete it or choose another name")

    def _finished(self) -> bool:
        if not self.path.is_file():
            return False
        if read_metadata(self.path).get("key") != self.key:
            raise UsageError(f"'{self.path}' is of other settings or images; delete it or choose another name")
        return True

    def _write(self) -> None:
        s, last = self.settings, self.history[-1]
        subtract, divide = s.scale
        about: dict[str, Any] = {
            "network": s.network,
            "classes": self.train.classes,
            "input": {"channels": s.order, "subtract": subtract, "divide": divide, "size": s.size},
            "images": len(self.train),
            "fingerprint": self.fingerprint,
            "epochs": s.epochs,
            "synthetic": self.synthetic,
            **{name: last[name] for name in ("top1", "top5") if name in last},
        }
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in about.items()}
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in self.module.state_dict().items()}
        write_atomically(self.path, save(weights, metadata={"format": "pt", "key": self.key, **texts}))
        self.checkpoint.unlink(missing_ok=True)
