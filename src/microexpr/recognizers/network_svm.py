"""A support vector machine on the features that a network has learned.

The network is trained as `network` is; then a support vector machine is fitted to what its last dense layer gets of the
training clips. Everything is learned inside the training fold. Peng et al. 2017 (DTSCNN) classify in this way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..core.registry import validate_settings
from ..networks.base import head_of
from ..networks.training import torch_threads
from .base import RECOGNIZERS, Settings, State
from .network import Network
from .svm import SVM

PREFIX = "_svm."
"""Prefix of the names of the support vector machine's arrays in the state."""


@RECOGNIZERS.register("network-svm")
@dataclass
class NetworkSVM(Network):
    """A network whose last dense layer is replaced by a support vector machine.

    Views of a clip (see `crop`) are described one by one, and the machine gets the mean of their features. The
    temperature of its probabilities is fitted to training subjects whom the network has seen: they are more certain
    than on new people. The class does not depend on it.

    Args:
        svm: settings of the support vector machine, those of the recognizer `svm` but `array`.
    """

    ends_in_softmax: ClassVar[bool] = False

    svm: Settings = field(default_factory=lambda: {"kernel": "linear"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if "array" in self.svm:
            raise RecipeError(
                "recognizer 'network-svm': svm.array: the machine takes the network's features; leave it out"
            )
        self._new_machine()  # a misspelled setting is found before any work is done

    def _new_machine(self) -> SVM:
        return validate_settings(SVM, {**self.svm, "classes": self.classes, "seed": self.seed}, "svm")

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        super()._fit(samples, targets, groups, init)
        kept = [i for i, out in enumerate(self._held_out(groups)) if not out]
        learned, classes = self.mirroring().extend(
            [samples[i] for i in kept], torch.from_numpy(targets[kept]), self.classes
        )
        labels = [self.classes[number] for number in classes.tolist()]
        self.machine_ = self._new_machine().fit(self._described(learned), labels)

    def features(self, samples: Sequence[Sample]) -> np.ndarray:
        """Compute what the last dense layer gets of each sample: (n, values) float32."""
        clips, classifier, parts = self._clips(samples), self.classifier_, list[np.ndarray]()
        captured = list[Tensor]()
        hook = last_dense(self.module_).register_forward_pre_hook(lambda _, inputs: captured.append(inputs[0]))
        try:
            with torch_threads(self.threads), torch.no_grad():
                for first in range(0, len(clips), self.batch_size):
                    positions = range(first, min(first + self.batch_size, len(clips)))
                    for view in clips.batch(positions, classifier.device).views(classifier.crop.testing):
                        classifier.logits(view)
                    parts.append(torch.stack(captured).mean(0).flatten(1).float().cpu().numpy())
                    captured.clear()
        finally:
            hook.remove()
        return np.concatenate(parts)

    def _described(self, samples: Sequence[Sample]) -> list[Sample]:
        """The samples with the features as their array."""
        rows = zip(samples, self.features(samples), strict=True)
        return [dataclasses.replace(sample, arrays={"image": row}) for sample, row in rows]

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        super()._predict_proba(samples[:1])  # images of another shape than in training are an error
        return self.machine_.predict_proba(self._described(samples))

    def _predict(self, samples: Sequence[Sample]) -> np.ndarray:
        said = self.machine_.predict(self._described(samples))
        return np.array([self.classes.index(label) for label in said])

    def state(self) -> State:
        """Return the network's weights, and what the machine learned under names that begin with `_svm.`."""
        return {**super().state(), **{f"{PREFIX}{name}": array for name, array in self.machine_.state().items()}}

    def _restore(self, state: State) -> None:
        super()._restore(state)
        own = {name.removeprefix(PREFIX): array for name, array in state.items() if name.startswith(PREFIX)}
        self.machine_ = self._new_machine()
        self.machine_._take_back(own)


def last_dense(module: nn.Module) -> nn.Linear:
    """The dense layer that computes the logits.

    Raises:
        RecipeError: the network's head has none.
    """
    layers = [layer for layer in head_of(module)[1].modules() if isinstance(layer, nn.Linear)]
    if not layers:
        raise RecipeError("recognizer 'network-svm' needs a network that ends in a dense layer")
    return layers[-1]
