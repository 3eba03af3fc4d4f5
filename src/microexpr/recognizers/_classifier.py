"""A network on its device that classifies batches of clips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..networks import Architecture
from ..networks.base import seeded_weights, use_generator
from ..networks.building import build_network
from ..networks.training.device import Precision, autocast
from .augmentation import Crop
from .base import softmax
from .batches import Batch, ClipBatches


@dataclass(frozen=True)
class Classifier:
    """A network, with all that its predictions depend on.

    Attributes:
        module: the network, on `device`.
        shape: shape of one input without the batch, after the crop, channels first; 0 stands for any number of frames.
        device: where the module computes.
        precision: precision of the training; predictions are always computed in float32.
        layout: of the weights and of images, in memory.
        crop: how images are cropped.
    """

    module: nn.Module
    shape: tuple[int, ...]
    device: torch.device
    precision: Precision
    layout: torch.memory_format
    crop: Crop

    def training_logits(self, batch: Batch) -> Tensor:
        """Compute logits (n, classes) float32 in the precision of training."""
        with autocast(self.device, self.precision):
            logits = self.logits(batch)
        return logits.float()

    def logits(self, batch: Batch) -> Tensor:
        """Compute logits (n, classes) in float32, so that an exported model predicts the same probabilities.

        The lengths of sequences are passed to the module, which ignores the padding after their ends.
        """
        if batch.lengths is not None:
            sequence_logits: Tensor = self.module(batch.x, batch.lengths)
            return sequence_logits
        logits: Tensor = self.module(batch.x.contiguous(memory_format=self.layout))
        return logits

    def probabilities(self, clips: ClipBatches, batch_size: int) -> np.ndarray:
        """Compute the probability of each class (n, classes) float64: the mean over the views of each clip."""
        parts = []
        with torch.no_grad():
            for first in range(0, len(clips), batch_size):
                positions = range(first, min(first + batch_size, len(clips)))
                views = clips.batch(positions, self.device).views(self.crop.testing)
                parts.append(np.mean([softmax(self.logits(view).cpu().double().numpy()) for view in views], axis=0))
        return np.concatenate(parts)


def build_module(architecture: Architecture, shape: tuple[int, ...], classes: int, seed: int) -> nn.Module:
    """Build a module whose random weights depend on the seed alone.

    Raises:
        RecipeError: as `build_network`.
    """
    with seeded_weights(seed):
        return build_network(architecture, shape, classes)


def place_module(
    module: nn.Module, device: torch.device, layout: torch.memory_format, generator: torch.Generator
) -> nn.Module:
    """Move a module to a device, in a memory layout; its dropout draws from `generator`."""
    use_generator(module, generator)
    return module.to(device).to(memory_format=layout)  # type: ignore[call-overload]
