"""The trivial recognizer of action units, which uses no image; compare every F1 with its F1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..core.action_units import ACTION_UNITS
from ..core.clip import Sample
from .base import RECOGNIZERS, Recognizer, State


@RECOGNIZERS.register("always-present")
@dataclass
class AlwaysPresent(Recognizer):
    """Every action unit is on both sides of every face: its F1 follows from the counts of clips alone.

    As a recognizer of classes it gives all the same probability.
    """

    needs_clips: ClassVar[bool] = False

    def predict_action_units(self, samples: Sequence[Sample]) -> np.ndarray:
        """Return the probability of each action unit on each side, which is 1.

        Returns:
            (n, 17, 2) float64, in the order of `ACTION_UNITS`; last axis: the person's right, left side.

        Raises:
            NotFittedError: neither `fit` nor `load` was called before.
        """
        self._check_fitted()
        return np.ones((len(samples), len(ACTION_UNITS), 2))

    def _targets(self, labels: Sequence[str]) -> np.ndarray:
        return np.zeros(len(labels))  # labels are action units or classes: it reads neither

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        """Learn nothing."""

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        return np.ones((len(samples), len(self.classes)))

    def state(self) -> State:
        """Return nothing: there is nothing to learn."""
        return {}

    def _restore(self, state: State) -> None:
        """Take back nothing."""
