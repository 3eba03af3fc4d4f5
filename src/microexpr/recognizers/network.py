"""Networks and the one training loop that all of them share.

Learning runs down a stair of short methods: `_fit`, `_train`, `_epoch`, `_step`. Every random draw (weights, order,
augmentation, dropout) comes from the recognizer's own seed, never from a global generator: a fold gives the same
numbers alone, beside others, in another process, or after a stop.
"""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..core.clip import Sample
from ..core.errors import DataError, RecipeError
from ..core.files import CHECKPOINT, write_atomically
from ..core.registry import validate_settings
from ..networks import NETWORKS
from ..networks.base import use_generator
from ..networks.weights import load_weights, read_weights, transfer_weights
from .augmentation import AUGMENTATIONS, Crop
from .base import RECOGNIZERS, Recognizer, Settings, State, softmax
from .batches import Batch, ClipBatches
from .freezing import Features, Freezing
from .normalization import DatasetScaler
from .optimization import Optimizer, Sampler, Schedule


@RECOGNIZERS.register("network")
@dataclass
class Network(Recognizer):
    """A network trained by gradient descent on one array of the samples; cross-entropy loss.

    The number of epochs is fixed beforehand: no clip of a test person, and no score on one, reaches this class.

    Args:
        network: architecture and its settings.
        optimizer: `name` (adam, adamw, sgd), `lr`, `momentum`, `weight_decay`.
        schedule: of the learning rate: `name` (constant, step, cosine), `every`, `factor`.
        sampler: `name` (shuffle, oversample), `per_class`.
        augment: what is done to training images at random.
        crop: `size`, and where to cut in training (`train`) and testing (`test`); nothing is cut without it.
        freeze: `epochs` in which all but the network's head keeps its weights.
        epochs, batch_size: of the training.
        normalize: divide each channel by its root mean square over the training clips of the same data set.
        class_weights: weigh the loss of a class inversely to its number of training clips.
        precision: of learning, `fp32` or `bf16` (with channels last; about twice as fast, other numbers).
        array: which array: (H, W, C) images, or (T, H, W, C) sequences whose lengths may differ.
        validation_fraction: share of the training people, drawn from the seed, that are kept apart: nothing is learned
            from or chosen by them, the curves get their loss and accuracy.
        memory_gib: GiB of clips that are kept in memory; those beyond are read from the cache for each batch.
        device: `cpu`, `cuda`, or `auto` for a GPU if there is one.
        threads: of torch. Folds that run beside each other want 1; more only help a stage that is learned alone.
        checkpoint_seconds: how often a stop may cost that much, at the most.
    """

    network: Settings = field(default_factory=lambda: {"name": "ststnet"})
    optimizer: Settings = field(default_factory=dict)
    schedule: Settings = field(default_factory=dict)
    sampler: Settings = field(default_factory=dict)
    augment: tuple[Settings, ...] = ()
    crop: Settings = field(default_factory=dict)
    freeze: Settings = field(default_factory=dict)
    epochs: int = 500
    batch_size: int = 256
    normalize: bool = False
    class_weights: bool = False
    precision: Literal["fp32", "bf16"] = "fp32"
    array: str = "image"
    validation_fraction: float = 0.0
    memory_gib: float = 4.0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = 1
    checkpoint_seconds: float = 20.0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 2:
            raise RecipeError(f"epochs = {self.epochs}, batch_size = {self.batch_size}: at least 1 epoch of 2 clips")
        if self.threads < 1:
            raise RecipeError(f"threads = {self.threads}: use 1 or more")
        if not 0 <= self.validation_fraction < 1:
            raise RecipeError(f"validation_fraction = {self.validation_fraction}; use a fraction from 0 to below 1")
        if self.memory_gib < 0:
            raise RecipeError(f"memory_gib = {self.memory_gib}; use 0 GiB or more")
        self.scales_: DatasetScaler | None = None
        self._parts(), self._freezing()  # a misspelled setting is found before any work is done

    def _parts(self) -> tuple[Any, Optimizer, Schedule, Sampler, list[Any], Crop]:
        return (
            NETWORKS.build(self.network),
            validate_settings(Optimizer, self.optimizer, "optimizer"),
            validate_settings(Schedule, self.schedule, "schedule"),
            validate_settings(Sampler, self.sampler, "sampler"),
            [AUGMENTATIONS.build(one) for one in self.augment],
            validate_settings(Crop, self.crop, "crop"),
        )

    def _freezing(self) -> Freezing:
        return validate_settings(Freezing, self.freeze, "freeze")

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        with torch_threads(self.threads):
            self._learn(samples, torch.from_numpy(targets), self._apart(groups), init)

    def _apart(self, groups: Sequence[str]) -> list[bool]:
        """Which clips are of the people kept apart; drawn by themselves, so that training draws as it would without."""
        people = sorted(set(groups))
        count = max(1, round(self.validation_fraction * len(people))) if self.validation_fraction else 0
        if 0 < len(people) <= count:
            raise RecipeError(
                f"validation_fraction = {self.validation_fraction} leaves nobody of {len(people)} people to learn from"
            )
        order = torch.randperm(len(people), generator=torch.Generator().manual_seed(self.seed))
        apart = {people[i] for i in order[:count].tolist()}
        return [person in apart for person in groups]

    def _learn(self, samples: Sequence[Sample], targets: Tensor, apart: Sequence[bool], init: State | None) -> None:
        taught = [s for s, out in zip(samples, apart, strict=True) if not out]
        self.scales_ = DatasetScaler.learn(taught, self.array) if self.normalize else None
        shown = self._clips(taught)
        held = self._clips([s for s, out in zip(samples, apart, strict=True) if out]) if any(apart) else None
        out = torch.tensor(apart)
        self.generator_ = torch.Generator().manual_seed(self.seed)
        self._begin(self._parts()[5].shape(shown.shape))
        if init is not None:
            transfer_weights(self.module_, {k: torch.from_numpy(np.array(v)) for k, v in init.items() if k[0] != "_"})
        self._train(shown, targets[~out], lambda: {} if held is None else self._held_out(held, targets[out]))
        self.module_.eval()

    def _begin(self, shape: tuple[int, ...]) -> None:
        """A fresh module, moved to the device; its weights are drawn from the seed."""
        architecture = self._parts()[0]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.module_: nn.Module = architecture.build(shape, len(self.classes))
        self.shape_ = shape
        use_generator(self.module_, getattr(self, "generator_", torch.Generator()))
        chosen = ("cuda" if torch.cuda.is_available() else "cpu") if self.device == "auto" else self.device
        self.device_ = torch.device(chosen)
        self.module_.to(self.device_)
        if self.precision == "bf16":
            self.module_.to(memory_format=torch.channels_last)

    def _train(self, clips: ClipBatches, targets: Tensor, judge: Callable[[], dict[str, float]]) -> None:
        _, optimizer, schedule, sampler, *_ = self._parts()
        self.optimizer_ = optimizer.build(self.module_.parameters())
        counts = torch.bincount(targets, minlength=len(self.classes)).clamp(min=1)
        weight = (len(targets) / (len(self.classes) * counts)).to(self.device_) if self.class_weights else None
        epoch = self._resume()
        features = self._features(clips)
        if self.device_.type == "cuda" and features is None:
            clips.cache_on_device(self.device_, torch.cuda.mem_get_info(self.device_)[0] / 3)
        board, self.saved_ = _Board(self.folder, len(self.history_)), time.monotonic()
        for number in range(len(self.history_), self.epochs):
            for group in self.optimizer_.param_groups:
                group["lr"] = optimizer.lr * schedule.lr_factor(number, self.epochs)
            if epoch is None:
                order = sampler.order(targets, self.generator_)
                sums = torch.zeros(2, dtype=torch.float64, device=self.device_)
                epoch = Epoch(list(batches(order, self.batch_size)), sums)
            self._epoch(clips, targets, epoch, weight, features if self._freezing().holds(number) else None)
            self.history_.append({"epoch": number + 1.0, **epoch.means(), **judge()})
            board.add(self.history_[-1])
            epoch = None
        board.close()

    def _features(self, clips: ClipBatches) -> Features | None:
        """What a frozen backbone makes of all images, where that can be computed once."""
        augment, crop = self._parts()[4:]
        if clips.sequences or not self._freezing().can_compute_once(len(self.history_), augment, crop):
            return None
        place = f"{self.precision} on {self.device_.type}"
        return Features(self.module_.eval(), self._logits, clips, augment, place)

    def _epoch(
        self, clips: ClipBatches, targets: Tensor, epoch: Epoch, weight: Tensor | None, features: Features | None = None
    ) -> None:
        """What is left of one pass over the batches."""
        self._freezing().hold(self.module_.train(), len(self.history_))
        augment, crop = self._parts()[4:]
        while epoch.done < len(epoch.batches):
            which = epoch.batches[epoch.done]
            y = targets[which].to(self.device_)
            if features is not None:
                loss, logits = self._step(partial(features.answers, which, self.generator_), y, weight)
            else:
                batch = clips.batch(which.tolist(), self.device_)
                for change in (*augment, crop.training):
                    batch = batch.transformed(partial(change, generator=self.generator_), self.generator_)
                loss, logits = self._step(partial(self._logits, batch), y, weight)
            epoch.add(len(which), loss, (logits.argmax(1) == y).sum())
            self.on_progress_(len(self.history_) * len(epoch.batches) + epoch.done, self.epochs * len(epoch.batches))
            if self.folder is not None and time.monotonic() - self.saved_ >= self.checkpoint_seconds:
                self._checkpoint(self.folder, epoch)

    def _step(self, answer: Callable[[], Tensor], y: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
        self.optimizer_.zero_grad()
        logits = answer()
        loss = F.cross_entropy(logits, y, weight)
        loss.backward()
        self.optimizer_.step()
        return loss.detach(), logits.detach()

    def _logits(self, batch: Batch) -> Tensor:
        """Sequences go in with their lengths: what stands after the end of one is never looked at."""
        if self.precision == "bf16":
            with torch.autocast(self.device_.type, torch.bfloat16):
                return self._exact_logits(batch).float()
        return self._exact_logits(batch)

    def _exact_logits(self, batch: Batch) -> Tensor:
        """In float32: answers are the same wherever the model is asked, exported or not."""
        if batch.lengths is not None:
            return self.module_(batch.x, batch.lengths)
        layout = torch.channels_last if self.precision == "bf16" else torch.preserve_format
        return self.module_(batch.x.to(memory_format=layout))

    def _clips(self, samples: Sequence[Sample]) -> ClipBatches:
        return ClipBatches(samples, self.array, self.memory_gib * 2**30, self.scales_)

    def _held_out(self, clips: ClipBatches, targets: Tensor) -> dict[str, float]:
        """How it does on the people kept apart."""
        self.module_.eval()
        probabilities = torch.from_numpy(self._answers(clips))
        right = (probabilities.argmax(1) == targets).double().mean()
        loss = F.nll_loss(probabilities.clamp(min=1e-12).log(), targets)
        return {"val_loss": float(loss), "val_accuracy": float(right)}

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        clips = self._clips(samples)
        shape = self._parts()[5].shape(clips.shape)
        if shape != self.shape_:
            raise RecipeError(f"images are {shape}, those it learned from were {self.shape_}")
        with torch_threads(self.threads):
            return self._answers(clips)

    def _answers(self, clips: ClipBatches) -> np.ndarray:
        """(n, classes) probabilities: the mean over the views of each clip."""
        crop, probabilities = self._parts()[5], []
        with torch.no_grad():
            for first in range(0, len(clips), self.batch_size):
                positions = range(first, min(first + self.batch_size, len(clips)))
                views = clips.batch(positions, self.device_).views(crop.testing)
                of_views = [softmax(self._exact_logits(view).cpu().double().numpy()) for view in views]
                probabilities.append(np.mean(of_views, axis=0))
        return np.concatenate(probabilities)

    def state(self) -> State:
        """Every weight and running mean, by the module's names; what is kept beside them begins with `_`."""
        weights = {name: tensor.cpu().numpy() for name, tensor in self.module_.state_dict().items()}
        scales = {} if self.scales_ is None else self.scales_.state()
        return {**weights, "_shape": np.array(self.shape_), **scales}

    def _restore(self, state: State) -> None:
        weights = {name: torch.from_numpy(np.array(array)) for name, array in state.items() if name[0] != "_"}
        self.scales_ = DatasetScaler.restored(state)
        if self.device == "cuda" and not torch.cuda.is_available():
            self.device = "auto"  # learned on a GPU, asked on another machine
        self._begin(tuple(int(n) for n in state["_shape"]))
        load_weights(self.module_, weights, "the file")
        self.module_.eval()

    def _checkpoint(self, folder: Path, epoch: Epoch) -> None:
        """Everything that the steps to come depend on."""
        content = io.BytesIO()
        state = {
            "module": self.module_.state_dict(),
            "optimizer": self.optimizer_.state_dict(),
            "generator": self.generator_.get_state(),
            "history": self.history_,
            "epoch": dataclasses.asdict(epoch),
        }
        torch.save(state, content)
        write_atomically(folder / CHECKPOINT, content.getvalue())
        self.saved_ = time.monotonic()

    def _resume(self) -> Epoch | None:
        """Take up a checkpoint, if there is one: the epoch that it was made in."""
        path = None if self.folder is None else self.folder / CHECKPOINT
        if path is None or not path.is_file():
            return None
        try:
            state: Mapping[str, Any] = torch.load(path, map_location=self.device_, weights_only=True)
            epoch = Epoch(**state["epoch"])
        except (RuntimeError, EOFError, ValueError, KeyError, TypeError):
            return None  # damaged, or of an older version: begin anew
        self.module_.load_state_dict(state["module"])
        self.optimizer_.load_state_dict(state["optimizer"])
        self.generator_.set_state(state["generator"].cpu())
        self.history_ = list(state["history"])
        epoch.batches = [batch.cpu() for batch in epoch.batches]
        return epoch


@RECOGNIZERS.register("per-subject-weights")
@dataclass
class PerSubjectWeights(Network):
    """A network whose weights somebody has published fold by fold; nothing is learned here.

    STSTNet's authors publish one file a person, trained without that person, named after the person
    (`sub01.pth`, `s01.pth`, `006.pth`).

    Args:
        weights: folder with `<person>.pth` or `<person>.safetensors`.
    """

    weights: str = ""

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        person = self.fold.rsplit("/", 1)[-1]
        tried = [Path(self.weights).expanduser() / f"{person}.{ending}" for ending in ("safetensors", "pth")]
        path = next((path for path in tried if path.is_file()), None)
        if not self.weights or path is None:
            need = f"set recognizer.weights to a folder that has {person}.pth"
            raise DataError(f"no weights for '{person}' in '{self.weights}'; {need}")
        self._begin(self._clips(samples[:1]).shape)
        load_weights(self.module_, read_weights(path), f"'{path}'")
        self.module_.eval()


@dataclass
class Epoch:
    """One pass over the training images, as far as it has come.

    Attributes:
        batches: positions of the images of each step.
        done: steps that are done.
        sums: (2,) float64 of the images so far: their loss, and how many were guessed right. It stays on the device,
            for a GPU that is asked after each step stands still meanwhile.
        seen: images so far.
    """

    batches: list[Tensor]
    sums: Tensor
    done: int = 0
    seen: int = 0

    def add(self, n: int, loss: Tensor, right: Tensor) -> None:
        """One more step of n images with this mean loss."""
        self.done, self.seen = self.done + 1, self.seen + n
        self.sums += torch.stack([loss.double() * n, right.double()])

    def means(self) -> dict[str, float]:
        """Mean loss and accuracy of what was seen."""
        loss, right = (self.sums / self.seen).tolist()
        return {"loss": loss, "accuracy": right}


def batches(order: Tensor, size: int) -> Iterator[Tensor]:
    """Positions in batches of `size`; a last one of a single clip joins the one before (batch norm needs two)."""
    parts = list(order.split(size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    yield from parts


@contextmanager
def torch_threads(n: int = 1) -> Iterator[None]:
    """So many torch threads inside. One gives the same sums on every machine, and beats two beside a busy core."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Board:
    """TensorBoard curves, where there is a folder to keep them in."""

    def __init__(self, folder: Path | None, begin: int) -> None:
        self.writer: Any = None
        if folder is not None:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(folder), purge_step=begin + 1)

    def add(self, values: Mapping[str, float]) -> None:
        if self.writer is not None:
            for name in values.keys() - {"epoch"}:
                place = name.replace("val_", "validation/") if name.startswith("val_") else f"train/{name}"
                self.writer.add_scalar(place, values[name], int(values["epoch"]))

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
