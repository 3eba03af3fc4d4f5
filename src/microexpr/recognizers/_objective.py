"""What a network recognizer minimizes: the loss of augmented clips; validation clips are scored beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..networks.training import LabeledBatch, Objective, split_batches
from ._classifier import Classifier
from ._components import NetworkComponents
from .batches import Batch, ClipBatches
from .freezing import BackboneFeatures, FeatureCache, Features


@dataclass
class ClipClassification(Objective):
    """The loss of the classes of clips, cross-entropy unless the network has another.

    Args:
        classifier: the network.
        components: sampler, augmentations, crop and freezing.
        clips: training clips.
        targets: (n,) int64 class of each.
        batch_size: clips per step.
        generator: source of all random numbers.
        class_weights: (classes,) float32 weights of the loss; None for equal ones.
        validation: clips and classes that are scored after each epoch, for the curves only; None for none.

    Attributes:
        feature_cache: features of a frozen backbone.
    """

    metrics = ("accuracy",)

    classifier: Classifier
    components: NetworkComponents
    clips: ClipBatches
    targets: Tensor
    batch_size: int
    generator: torch.Generator
    class_weights: Tensor | None = None
    validation: tuple[ClipBatches, Tensor] | None = None
    feature_cache: FeatureCache = field(init=False)
    _features: BackboneFeatures | None = field(default=None, init=False)
    _use_features: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.feature_cache = FeatureCache(self.classifier)

    def prepare(self, epoch: int) -> None:
        """Compute the features of a frozen backbone once, or copy the clips to the GPU once, where that is possible."""
        device = self.classifier.device
        if self.components.can_cache(epoch, self.clips.sequences):
            self.classifier.module.eval()
            self._features = BackboneFeatures(self.feature_cache, self.clips, self.components.augmentations)
        elif device.type == "cuda":
            self.clips.cache_on_device(device, torch.cuda.mem_get_info(device)[0] / 3)

    def begin_epoch(self, epoch: int) -> list[Tensor]:
        """Draw the order of the clips; freeze or thaw the backbone."""
        self.components.freezing.apply(self.classifier.module, epoch)
        self._use_features = self.components.freezing.is_frozen(epoch)
        return split_batches(self.components.sampler.order(self.targets, self.generator), self.batch_size)

    def load(self, batches: Sequence[Tensor], first: int) -> Iterator[LabeledBatch]:
        """Load clips and augment them, or look up their features."""
        for positions in batches[first:]:
            yield LabeledBatch(self._inputs(positions), self.targets[positions])

    def _inputs(self, positions: Tensor) -> Batch | Features | Tensor:
        if self._features is not None and self._use_features:
            return self._features.look_up(positions, self.generator)
        batch = self.clips.batch(positions.tolist(), self.classifier.device)
        for augmentation in self.components.augmentations:
            batch = batch.transformed(partial(augmentation, generator=self.generator), self.generator)
        return batch.transformed(partial(self.components.crop.training, generator=self.generator), self.generator)

    def forward(self, module: nn.Module, inputs: Batch | Features) -> Tensor:
        """Compute logits (n, classes): of clips by the whole network, of features by its head."""
        return inputs.logits(module) if isinstance(inputs, Features) else self.classifier.training_logits(inputs)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the mean loss of the network, weighted by class."""
        return self.components.architecture.loss(outputs, targets, self.class_weights)

    def measure(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """Count correct predictions."""
        return ((outputs.argmax(1) == targets).sum(),)

    def end_epoch(self, epoch: int) -> dict[str, float]:
        """Return loss and accuracy on the validation clips."""
        if self.validation is None:
            return {}
        clips, targets = self.validation
        self.classifier.module.eval()
        probabilities = torch.from_numpy(self.classifier.probabilities(clips, self.batch_size))
        accuracy = (probabilities.argmax(1) == targets).double().mean()
        loss = F.nll_loss(probabilities.clamp(min=1e-12).log(), targets)
        return {"val_loss": float(loss), "val_accuracy": float(accuracy)}


def inverse_frequency(targets: Tensor, classes: int) -> Tensor:
    """Return weights (classes,) float32, inverse to the number of clips of each class; 1 for equally frequent ones."""
    counts = torch.bincount(targets, minlength=classes).clamp(min=1)
    return len(targets) / (classes * counts)
