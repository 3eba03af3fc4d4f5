"""Transforms that are learned from the training clips of a fold, one after the other, and then a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..core.clip import Sample
from .base import RECOGNIZERS, Recognizer, Settings, State
from .transforms import TRANSFORMS, Training, Transform

LAST = "recognizer"
"""Begin of the names of what the recognizer learned, in `state`; those of transforms begin with their number."""


@RECOGNIZERS.register("pipeline")
@dataclass
class Pipeline(Recognizer):
    """Transforms and a recognizer of any kind, which are all fitted on the training clips of a fold alone.

    The transforms are applied in their order, each to the result of the one before. Weights of the stage before go to
    each transform and to the recognizer.

    Args:
        transforms: table of each transform: `name`, settings.
        recognizer: table of the recognizer that is trained on the transformed samples: `name`, settings.
    """

    transforms: tuple[Settings, ...] = ()
    recognizer: Settings = field(default_factory=lambda: {"name": "svm", "array": "features"})

    def __post_init__(self) -> None:
        self._new_transforms()  # a misspelled setting is found before any work is done
        self._new_recognizer()

    def _new_transforms(self) -> list[Transform]:
        return [TRANSFORMS.build(table) for table in self.transforms]

    def _new_recognizer(self) -> Recognizer:
        return RECOGNIZERS.build(
            self.recognizer, classes=self.classes, seed=self.seed, fold=self.fold, folder=self.folder
        )

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        self.transforms_ = self._new_transforms()
        for transform in self.transforms_:
            transform.fit(Training(samples, transform.array, targets, groups, self.seed, init))
            samples = [transform(sample) for sample in samples]
        labels = [self.classes[target] for target in targets]
        self.recognizer_ = self._new_recognizer().fit(samples, labels, groups, init, self.on_progress_)
        self.history_ = self.recognizer_.history_

    def _transformed(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        for transform in self.transforms_:
            samples = [transform(sample) for sample in samples]
        return samples

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        return self.recognizer_.predict_proba(self._transformed(samples))

    def _predict(self, samples: Sequence[Sample]) -> np.ndarray:
        return np.array([self.classes.index(name) for name in self.recognizer_.predict(self._transformed(samples))])

    def state(self) -> State:
        """Return what each transform and the recognizer learned."""
        parts = {str(number): transform.state() for number, transform in enumerate(self.transforms_)}
        parts[LAST] = self.recognizer_.state()
        return {f"{part}/{name}": array for part, state in parts.items() for name, array in state.items()}

    def _restore(self, state: State) -> None:
        transforms = self._new_transforms()
        self.transforms_ = [t.restore(_part(state, str(number))) for number, t in enumerate(transforms)]
        self.recognizer_ = self._new_recognizer()._take_back(_part(state, LAST))


def _part(state: State, part: str) -> State:
    begin = f"{part}/"
    return {name.removeprefix(begin): array for name, array in state.items() if name.startswith(begin)}
