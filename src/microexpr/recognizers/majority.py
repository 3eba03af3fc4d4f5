"""The majority baseline, which uses no image; compare every score with its score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.clip import Sample
from .base import RECOGNIZERS, Recognizer, State


@RECOGNIZERS.register("majority")
@dataclass
class Majority(Recognizer):
    """The probability of each class is its fraction of the training clips: the most frequent one is predicted."""

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        self.probabilities_ = np.bincount(targets, minlength=len(self.classes)) / len(targets)

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        return np.tile(self.probabilities_, (len(samples), 1))

    def state(self) -> State:
        """Return `probabilities` (classes,)."""
        return {"probabilities": self.probabilities_}

    def _restore(self, state: State) -> None:
        self.probabilities_ = state["probabilities"]
