"""The baseline that looks at no image; every score should be read beside its score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.clip import Sample
from .base import RECOGNIZERS, Recognizer, State


@RECOGNIZERS.register("majority")
@dataclass
class Majority(Recognizer):
    """Gives each class its fraction of the training clips, and so always predicts the most frequent one."""

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        self.probabilities_ = np.bincount(targets, minlength=len(self.classes)) / len(targets)

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        return np.tile(self.probabilities_, (len(samples), 1))

    def state(self) -> State:
        """Return `probabilities` (classes,)."""
        return {"probabilities": self.probabilities_}

    def _restore(self, state: State) -> None:
        self.probabilities_ = state["probabilities"]
