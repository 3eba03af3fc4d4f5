"""A backbone that is not trained in the first epochs, and a cache of the features that it computes.

A frozen backbone gives the same features in every epoch, in every fold, and in every run that starts from the same
weights. They are therefore cached on disk, a file for each image or frame of a sequence, and in memory, and only the
head is trained on them. A mirror image is an image of its own.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ..core.cache_files import read_sealed, write_sealed
from ..core.config import cache_folder
from ..networks.base import head_of
from ._classifier import Classifier
from .augmentation import Augmentation, BinaryTransform, Crop
from .batches import Batch, ClipBatches

HELD_BYTES = 256 * 2**20
"""Size in bytes of the features that a process holds in memory: every fold and seed looks up nearly the same ones."""

_held: dict[Path, Tensor] = {}


@dataclass(frozen=True)
class Freezing:
    """In which epochs the backbone of a network (all but its head, the last child) is not trained.

    A frozen backbone is in evaluation mode: running means of batch norm stay as they are, and dropout is off.

    Args:
        epochs: number of epochs from the first in which the backbone is frozen; `all` for the whole training.
        cache_features: compute the backbone's features of each image once, if there is a finite number of versions of
            an image (flips are the only augmentations, and nothing is cropped). The trained weights are the same but
            for rounding; it takes (images x versions) passes through the backbone instead of (images x epochs). Of
            sequences, those of each frame, if the network computes every frame by itself.
    """

    epochs: Annotated[int, Field(ge=0)] | Literal["all"] = 0
    cache_features: bool = True

    def is_frozen(self, epoch: int) -> bool:
        """Whether the backbone is frozen in this epoch, counted from 0."""
        return self.epochs == "all" or epoch < self.epochs

    def apply(self, module: nn.Module, epoch: int) -> None:
        """Freeze or unfreeze the backbone of a module before an epoch of training."""
        if self.epochs == 0:
            return
        _, head = head_of(module)
        trained = not self.is_frozen(epoch)
        for part in module.children():
            if part is head:
                continue
            weights = next(part.parameters(), None)
            # Going through all layers takes longer than a step of the head: it is done where something changes.
            if part.training != trained or (weights is not None and weights.requires_grad != trained):
                part.requires_grad_(trained)
                part.train(trained)

    def can_cache(self, epoch: int, augmentations: Sequence[Augmentation], crop: Crop) -> bool:
        """Whether the features of all versions of the images can be computed before this epoch."""
        return (
            self.cache_features
            and self.is_frozen(epoch)
            and not crop.size
            and all(isinstance(augmentation, BinaryTransform) for augmentation in augmentations)
        )


class FeatureCache:
    """Computes the features of single images by a frozen backbone, and keeps them in files and in memory.

    Args:
        classifier: a classifier whose backbone is frozen and in evaluation mode.
    """

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self.device = classifier.device

    @cached_property
    def _folder(self) -> Path:
        """The folder of the files; known once weights have been loaded, and the same as long as they are frozen."""
        return cache_folder() / "features" / self._backbone_digest()

    def logits(self, clips: ClipBatches) -> Tensor:
        """Compute logits (n, classes) of clips, the head of the network on their features."""
        found = (self.of_clip(clips.batch([position], self.device)) for position in range(len(clips)))
        with torch.no_grad():
            logits = [Features.of([one], clips.sequences, self.device).logits(self._classifier.module) for one in found]
        return torch.cat(logits)

    def of_clip(self, batch: Batch) -> Tensor:
        """Features (F, ...) of one image, or (T, F, ...) of the frames of one sequence; a batch of one clip."""
        if batch.lengths is None:
            return self._of_image(batch.x)
        return torch.stack([self._of_image(frame[None]) for frame in batch.x[0]])

    def _of_image(self, x: Tensor) -> Tensor:
        """Features of one image (1, C, H, W), from the cache or computed.

        Images are computed one at a time: in batches, the numbers of an image would depend on its neighbors.
        """
        path = self._folder / f"{hashlib.sha256(_bytes(x)).hexdigest()[:32]}.npy"
        cached = _held[path] if path in _held else _read(path)
        if cached is None:
            cached = self._compute(x)
            content = io.BytesIO()
            np.save(content, cached.numpy(), allow_pickle=False)
            write_sealed(path, content.getvalue())
        if len(_held) * cached.nbytes < HELD_BYTES:  # nearly all features of a process have one size
            _held[path] = cached
        return cached

    def _compute(self, x: Tensor) -> Tensor:
        """Features of one image (1, C, H, W), on the CPU."""
        captured = list[Tensor]()
        _, head = head_of(self._classifier.module)
        hook = head.register_forward_pre_hook(lambda _, inputs: captured.append(inputs[0][0]))
        sequences = len(self._classifier.shape) == 4
        with torch.no_grad():
            self._classifier.training_logits(Batch(x[None], torch.ones(1, dtype=torch.long)) if sequences else Batch(x))
        hook.remove()
        return (captured[0][0] if sequences else captured[0]).float().cpu()

    def _backbone_digest(self) -> str:
        """Fingerprint of the backbone's layers and weights, of precision and device."""
        module, computed = self._classifier.module, f"{self._classifier.precision} on {self._classifier.device.type}"
        head, layer = head_of(module)
        layers = [part for part in module.children() if part is not layer]
        digest = hashlib.sha256(repr((type(module).__name__, computed, layers)).encode())
        for name, tensor in module.state_dict().items():
            if not name.startswith(f"{head}."):
                digest.update(name.encode())
                digest.update(_bytes(tensor))
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Features:
    """What the head of a network takes of some clips.

    Attributes:
        x: (n, F, ...) of images, or (n, T, F, ...) of sequences, with zeros after the end of the shorter ones; float32.
        lengths: (n,) int64 on the CPU, the number of frames of each sequence; None for images.
    """

    x: Tensor
    lengths: Tensor | None = None

    @classmethod
    def of(cls, clips: Sequence[Tensor], sequences: bool, device: torch.device) -> Features:
        """Join the features of clips, as `FeatureCache.of_clip` returns them."""
        if not sequences:
            return cls(torch.stack(list(clips)).to(device))
        return cls(pad_sequence(list(clips), batch_first=True).to(device), torch.tensor([len(clip) for clip in clips]))

    def logits(self, module: nn.Module) -> Tensor:
        """Compute logits (n, classes) by the head of a network."""
        _, head = head_of(module)
        logits: Tensor = head(self.x) if self.lengths is None else head(self.x, self.lengths)
        return logits


@dataclass
class BackboneFeatures:
    """Features of each version of each training clip.

    Args:
        cache: computes them.
        clips: images, or sequences, whose frames are all changed alike.
        transforms: the augmentations in order; bit i of a version's number is 1 if transform i was applied.
    """

    cache: FeatureCache
    clips: ClipBatches
    transforms: Sequence[Augmentation]
    _values: list[list[Tensor]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._binary = [transform for transform in self.transforms if isinstance(transform, BinaryTransform)]
        self._values = [self._versions(position) for position in range(len(self.clips))]

    def look_up(self, positions: Tensor, generator: torch.Generator) -> Features:
        """Return the features of the clips at these positions, in versions that the generator draws."""
        version = torch.zeros(len(positions), dtype=torch.long)
        for number, transform in enumerate(self._binary):
            version += transform.chosen(len(positions), generator).long() << number
        chosen = [self._values[n][v] for n, v in zip(positions.tolist(), version.tolist(), strict=True)]
        return Features.of(chosen, self.clips.sequences, self.cache.device)

    def _versions(self, position: int) -> list[Tensor]:
        batch = self.clips.batch([position], self.cache.device)
        versions = [batch.x[0] if self.clips.sequences else batch.x]
        for transform in self._binary:
            versions += [transform.transformed(images) for images in versions]
        return [
            self.cache.of_clip(Batch(x[None], batch.lengths) if self.clips.sequences else Batch(x)) for x in versions
        ]


def _bytes(tensor: Tensor) -> memoryview:
    """The bytes of a tensor, which are not copied where they are in order in memory."""
    return tensor.cpu().contiguous().numpy().reshape(-1).view(np.uint8).data


def _read(path: Path) -> Tensor | None:
    """Features from a file; None if there is no such file, or if it is damaged."""
    content = read_sealed(path)
    return None if content is None else torch.from_numpy(np.load(io.BytesIO(content), allow_pickle=False))
