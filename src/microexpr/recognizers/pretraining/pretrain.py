"""Training a network from scratch on labelled pictures, so that nobody depends on published weights."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

from ...core.errors import UsageError
from ...core.progress import Progress, quiet
from ...networks import NETWORKS
from ..base import Settings
from ..network import torch_threads
from .distributed import join
from .image_datasets import is_made_up, open_pictures, write_made_up
from .trainer import Course, Pretraining

__all__ = ["Pretraining", "made_up_weights", "pretrain"]


def pretrain(settings: Pretraining, root: Path, out: Path, progress: Progress | None = None) -> Path:
    """Train from scratch; the same call goes on after a stop. Under torchrun each process does its share.

    Args:
        settings: of the training.
        root: folder of pictures (see `pictures_on_disk`).
        out: the weights, `<out>.safetensors` (the ending may be given); `<out>.csv` gets a line an epoch.
        progress: called with (what, done, total).

    Returns:
        Where the weights are: a state dict, with settings, classes, input format and scores as metadata.

    Raises:
        DataError: pictures that are missing or broken (named), or a damaged checkpoint.
        RecipeError: settings that do not fit the network or the pictures.
        UsageError: `out` holds something else already.
        RunError: the loss is no number any more.
    """
    path = out if out.suffix == ".safetensors" else out.with_name(out.name + ".safetensors")
    train, held_out = open_pictures(root)
    with torch_threads(), join(settings.device) as process:
        course = Course(settings, train, held_out, path, process)
        course.made_up = is_made_up(root)
        course.run(progress if progress is not None and process.first else quiet)
    return path


MADE_UP_VERSION = 1
"""Raise it when made-up weights change for equal settings."""


def made_up_weights(network: Settings, cache: Path, progress: Progress | None = None, size: int = 64) -> Path:
    """Weights that were trained for a minute on drawn patterns, for trying things without ImageNet; made once.

    Args:
        network: architecture and its settings.
        cache: folder of all caches.
        progress: called with (what, done, total).
        size: pixels of a picture.
    """
    network = NETWORKS.build(network).pretrained
    pictures = cache / "made-up-pictures" / f"patterns-{size}-v{MADE_UP_VERSION}"
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
    key = hashlib.sha256(json.dumps([network, size, MADE_UP_VERSION], sort_keys=True).encode()).hexdigest()[:12]
    out = cache / "made-up-weights" / f"{network['name']}-{key}.safetensors"
    if not out.is_file():
        if not pictures.exists():
            try:
                write_made_up(pictures, classes=10, per_class=60, size=round(size * 256 / 224))
            except (OSError, UsageError):
                if not is_made_up(pictures):  # otherwise another process was faster
                    raise
        pretrain(settings, pictures, out, progress)
    return out
