"""A backbone that is not trained in the first epochs, and a cache of the features that it computes.

A frozen backbone gives the same features in every epoch, in every fold, and in every run that starts from the same
weights. They are therefore cached on disk, a file for each image, and only the head is trained on them.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from ..core.cache_files import read_sealed, write_sealed
from ..core.config import cache_folder
from ..networks.base import head_of
from ._classifier import Classifier
from .augmentation import Augmentation, BinaryTransform, Crop
from .batches import Batch, ClipBatches


@dataclass(frozen=True)
class Freezing:
    """In which epochs the backbone of a network (all but its head, the last child) is not trained.

    A frozen backbone is in evaluation mode: running means of batch norm stay as they are, and dropout is off.

    Args:
        epochs: number of epochs from the first in which the backbone is frozen; `all` for the whole training.
        cache_features: compute the backbone's features of each image once, if there is a finite number of versions of
            an image (flips are the only augmentations, and nothing is cropped). The trained weights are the same but
            for rounding; it takes (images x versions) passes through the backbone instead of (images x epochs).
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
        for part in module.children():
            if part is not head:
                part.requires_grad_(not self.is_frozen(epoch))
                part.train(not self.is_frozen(epoch))

    def can_cache(self, epoch: int, augmentations: Sequence[Augmentation], crop: Crop) -> bool:
        """Whether the features of all versions of the images can be computed before this epoch."""
        return (
            self.cache_features
            and self.is_frozen(epoch)
            and not crop.size
            and all(isinstance(augmentation, BinaryTransform) for augmentation in augmentations)
        )


class BackboneFeatures:
    """Features that a frozen backbone computes of each version of each image: (n, 2 ** transforms, ...) float32.

    Args:
        classifier: a classifier whose backbone is frozen and in evaluation mode.
        clips: the images.
        transforms: the augmentations in order; bit i of a version's number is 1 if transform i was applied.
    """

    def __init__(self, classifier: Classifier, clips: ClipBatches, transforms: Sequence[Augmentation]) -> None:
        self._classifier = classifier
        self._transforms = [transform for transform in transforms if isinstance(transform, BinaryTransform)]
        self._folder = cache_folder() / "features" / self._backbone_digest()
        device = classifier.device
        values = [self._of_image(clips.batch([position], device).x) for position in range(len(clips))]
        self._values = torch.stack(values).to(device)

    def look_up(self, positions: Tensor, generator: torch.Generator) -> Tensor:
        """Return the features of the images at these positions, in versions that the generator draws."""
        version = torch.zeros(len(positions), dtype=torch.long)
        for number, transform in enumerate(self._transforms):
            version += transform.chosen(len(positions), generator).long() << number
        device = self._values.device
        return self._values[positions.to(device), version.to(device)]

    def _of_image(self, x: Tensor) -> Tensor:
        """Features of all versions of one image, from the cache or computed.

        Images are computed one at a time: in batches, the numbers of an image would depend on its neighbors.
        """
        path = self._folder / f"{hashlib.sha256(x.cpu().numpy().tobytes()).hexdigest()[:32]}.npy"
        cached = _read(path)
        if cached is not None:
            return cached
        for transform in self._transforms:
            x = torch.cat([x, transform.transformed(x)])
        captured = list[Tensor]()
        _, head = head_of(self._classifier.module)
        hook = head.register_forward_pre_hook(lambda _, inputs: captured.append(inputs[0]))
        with torch.no_grad():
            self._classifier.training_logits(Batch(x))
        hook.remove()
        value = captured[0].float().cpu()
        content = io.BytesIO()
        np.save(content, value.numpy(), allow_pickle=False)
        write_sealed(path, content.getvalue())
        return value

    def _backbone_digest(self) -> str:
        """Fingerprint of the backbone's weights, of precision and device, and of the transforms."""
        module, computed = self._classifier.module, f"{self._classifier.precision} on {self._classifier.device.type}"
        head, _ = head_of(module)
        digest = hashlib.sha256(repr((type(module).__name__, computed, self._transforms)).encode())
        for name, tensor in module.state_dict().items():
            if not name.startswith(f"{head}."):
                digest.update(name.encode() + tensor.cpu().numpy().tobytes())
        return digest.hexdigest()[:16]


def _read(path: Path) -> Tensor | None:
    """Features from a file; None if there is no such file, or if it is damaged."""
    content = read_sealed(path)
    return None if content is None else torch.from_numpy(np.load(io.BytesIO(content), allow_pickle=False))
