"""Training a network from scratch on labeled images, so that nobody depends on published weights."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

from ...core.errors import UsageError
from ...core.progress import ProgressCallback, no_progress
from ...networks import NETWORKS
from ..base import Settings
from ..network import torch_threads
from .distributed import distributed_context
from .image_datasets import is_synthetic, open_image_dataset, write_synthetic
from .trainer import Pretraining, Trainer

__all__ = ["Pretraining", "pretrain", "synthetic_weights"]


def pretrain(settings: Pretraining, root: Path, out: Path, progress: ProgressCallback | None = None) -> Path:
    """Train from scratch; the same call goes on after a stop. Under torchrun each process does its share.

    Args:
        settings: of the training.
        root: folder of images (see `image_datasets`).
        out: the weights, `<out>.safetensors` (the ending may be given); `<out>.csv` gets a line an epoch.
        progress: called with (what, done, total).

    Returns:
        Where the weights are: a state dict, with settings, classes, input format and scores as metadata.

    Raises:
        DataError: images that are missing or broken (named), or a damaged checkpoint.
        RecipeError: settings that do not fit the network or the images.
        UsageError: `out` holds something else already.
        RunError: the loss is no number any more.
    """
    path = out if out.suffix == ".safetensors" else out.with_name(out.name + ".safetensors")
    train, held_out = open_image_dataset(root)
    with torch_threads(), distributed_context(settings.device) as process:
        course = Trainer(settings, train, held_out, path, process)
        course.synthetic = is_synthetic(root)
        course.run(progress if progress is not None and process.is_main else no_progress)
    return path


SYNTHETIC_VERSION = 1
"""Raise it when synthetic weights change for equal settings."""


def synthetic_weights(network: Settings, cache: Path, progress: ProgressCallback | None = None, size: int = 64) -> Path:
    """Weights that were trained for a minute on drawn patterns, for trying things without ImageNet; made once.

    Args:
        network: architecture and its settings.
        cache: folder of all caches.
        progress: called with (what, done, total).
        size: pixels of a image.
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
    if not out.is_file():
        if not images.exists():
            try:
                write_synthetic(images, classes=10, per_class=60, size=round(size * 256 / 224))
            except (OSError, UsageError):
                if not is_synthetic(images):  # otherwise another process was faster
                    raise
        pretrain(settings, images, out, progress)
    return out
