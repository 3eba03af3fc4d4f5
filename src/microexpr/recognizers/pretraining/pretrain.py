"""Training a network from scratch on labeled images, for users who do not want to depend on published weights.

The weights of the last epoch are written: nothing is chosen by its score on validation images.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...core.cache_files import cached_folder
from ...core.errors import DataError, RecipeError, UsageError
from ...core.progress import ProgressCallback
from ...core.tensor_files import read_metadata, read_tensors
from ...networks import NETWORKS
from ...networks.base import seeded_weights, use_generator
from ...networks.building import build_network
from ...networks.training import Checkpoint, Schedule, Trainer, torch_threads
from ...networks.training.curves import write_csv
from ...networks.training.device import memory_format
from ...networks.training.distributed import Process, distributed_context
from ...networks.weights import write_weights
from ..base import Settings
from .image_datasets import ImageDataset, is_synthetic, open_image_dataset, write_synthetic
from .loader import seeded
from .objective import ImageClassification
from .settings import Pretraining

__all__ = ["Pretraining", "pretrain", "synthetic_weights"]

NOT_IN_KEY = frozenset({"device", "workers", "checkpoint_seconds"})
"""Settings that may change when a training continues."""

SYNTHETIC_VERSION = 1
"""Raise it when synthetic weights change for equal settings."""


def pretrain(settings: Pretraining, root: Path, out: Path, progress: ProgressCallback | None = None) -> Path:
    """Train from scratch; the same call continues after a stop. Under torchrun the processes divide each batch.

    Args:
        settings: settings of the training.
        root: folder of images (see `image_datasets`).
        out: file of the weights, with or without `.safetensors`; a `.csv` beside it gets a line for each epoch.
        progress: called with (what, steps done, steps in all).

    Returns:
        File of the weights: a state dict, with settings, classes, input format and scores as metadata.

    Raises:
        DataError: images are missing or damaged (the message names one).
        RecipeError: the settings do not fit the network or the images.
        UsageError: `out` holds the weights of another training.
        RunError: the loss is not finite.
    """
    path = out if out.suffix == ".safetensors" else out.with_name(out.name + ".safetensors")
    train, validation = open_image_dataset(root)
    key = training_key(settings, train)
    if is_finished(path, key):
        return path
    with torch_threads(), distributed_context(settings.device) as process:
        trainer = build_trainer(settings, train, validation, process)
        trainer.checkpoint = Checkpoint(path.with_suffix(".checkpoint.pt"), settings.checkpoint_seconds, key)
        trainer.on_epoch = partial(write_csv, path.with_suffix(".csv"))
        if progress is not None and process.is_main:
            trainer.on_progress = partial(progress, f"training {settings.network['name']}")
        history = trainer.run()
        if process.is_main:
            metadata = weights_metadata(settings, train, history[-1])
            metadata |= {"format": "pt", "key": key, "synthetic": is_synthetic(root)}
            write_weights(path, trainer.module.state_dict(), metadata)
            trainer.checkpoint.path.unlink(missing_ok=True)
        process.barrier()
    return path


def build_trainer(
    settings: Pretraining, train: ImageDataset, validation: ImageDataset | None, process: Process
) -> Trainer:
    """Build the training loop: a network with random weights, optimizer, schedule and objective.

    Raises:
        RecipeError: a part of a batch has fewer than two images.
    """
    batch_size = min(settings.batch_size, len(train)) // process.world_size * process.world_size
    if batch_size // process.world_size // settings.parts < 2:
        need = f"{process.world_size} processes of {settings.parts} parts need 2 images each"
        raise RecipeError(f"a batch has {batch_size} of {len(train)} images; {need}")
    generator = seeded(settings.seed)
    module = build_module(settings, len(train.classes), generator, process)
    objective = ImageClassification(settings, module, train, validation, batch_size, generator, process)
    return Trainer(
        objective,
        module,
        settings.optimizer,
        settings.epochs,
        generator,
        process,
        schedule=Schedule(settings.schedule),
        schedule_per_step=True,
        warmup=settings.warmup,
        parts=settings.parts,
        require_finite=True,
    )


def build_module(settings: Pretraining, classes: int, generator: torch.Generator, process: Process) -> nn.Module:
    """Build the network with random weights, on the device of the process; dropout draws from `generator`."""
    with seeded_weights(settings.seed):
        module = build_network(NETWORKS.build(settings.network), (3, settings.size, settings.size), classes)
    use_generator(module, generator)
    layout = memory_format(process.device, settings.precision)
    return module.to(process.device).to(memory_format=layout)  # type: ignore[call-overload]


def training_key(settings: Pretraining, train: ImageDataset) -> str:
    """Return what identifies a training: the settings that change its weights, and the list of its images."""
    values = {name: value for name, value in dataclasses.asdict(settings).items() if name not in NOT_IN_KEY}
    return json.dumps([values, train.fingerprint(), len(train)], sort_keys=True)


def is_finished(path: Path, key: str) -> bool:
    """Whether the weights of this training are written already.

    Raises:
        UsageError: the file is of another training.
    """
    if not path.is_file():
        return False
    if read_metadata(path).get("key") != key:
        raise UsageError(f"'{path}' is of other settings or images; delete it or choose another name")
    return True


def weights_metadata(settings: Pretraining, train: ImageDataset, last: dict[str, float]) -> dict[str, Any]:
    """Return the metadata that are written with the weights; `last` is the last row of the history."""
    subtract, divide = settings.normalization
    return {
        "network": settings.network,
        "classes": train.classes,
        "input": {"channels": settings.channel_order, "subtract": subtract, "divide": divide, "size": settings.size},
        "images": len(train),
        "fingerprint": train.fingerprint(),
        "epochs": settings.epochs,
        **{name: last[name] for name in ("top1", "top5") if name in last},
    }


def synthetic_weights(network: Settings, cache: Path, progress: ProgressCallback | None = None, size: int = 64) -> Path:
    """Train weights for half a minute on images of patterns, which stand in for weights of ImageNet; done once.

    Args:
        network: architecture and its settings.
        cache: folder of all caches.
        progress: called with (what, steps done, steps in all).
        size: height and width of an image, in pixels.

    Returns:
        File of the weights, in the cache.
    """
    network = NETWORKS.build(network).pretrained
    images = cache / "synthetic-images" / f"patterns-{size}-v{SYNTHETIC_VERSION}"
    settings = Pretraining(
        network,
        epochs=6,
        batch_size=32,
        lr=0.02,
        warmup=1.0,
        size=size,
        workers=1,
        device="cpu",
        checkpoint_seconds=math.inf,
    )
    key = hashlib.sha256(json.dumps([network, size, SYNTHETIC_VERSION], sort_keys=True).encode()).hexdigest()[:12]
    out = cache / "synthetic-weights" / f"{network['name']}-{key}.safetensors"
    try:
        read_tensors(out)
    except DataError:  # it is missing or damaged
        out.unlink(missing_ok=True)
        side = round(size * 256 / 224)
        cached_folder(images, lambda folder: write_synthetic(folder, classes=10, per_class=60, size=side))
        pretrain(settings, images, out, progress)
    return out
