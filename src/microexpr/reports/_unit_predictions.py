"""Predictions of action units as arrays, and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.action_units import ACTION_UNITS, face_probabilities, parse_action_units, side_array
from ..experiments.recognition_run import Prediction
from ..metrics import UnitMetric, mean_over_units
from ..protocols import Protocol


@dataclass(frozen=True)
class UnitPredictions:
    """Predictions of some clips as arrays.

    Attributes:
        coded: (n, 17, 2) bool, by side.
        probabilities: (n, 17, 2), 0 to 1, by side.
        subjects: subject of each clip.
    """

    coded: np.ndarray
    probabilities: np.ndarray
    subjects: tuple[str, ...]

    @classmethod
    def of(cls, rows: Sequence[Prediction]) -> UnitPredictions:
        """The predictions of a run, or of a part of it."""
        probabilities = np.array([row.probabilities for row in rows])
        return cls.of_labels([row.label for row in rows], probabilities, [row.subject for row in rows])

    @classmethod
    def of_labels(
        cls, labels: Sequence[str], probabilities: np.ndarray, subjects: Sequence[str] | None = None
    ) -> UnitPredictions:
        """Clips with these labels and (n, 34) probabilities; without subjects they are of one person."""
        shape = (len(labels), len(ACTION_UNITS), 2)
        coded = [side_array(parse_action_units(label)) for label in labels]
        people = ("",) * len(labels) if subjects is None else tuple(subjects)
        return cls(np.reshape(coded, shape), np.reshape(probabilities, shape), people)

    def always(self) -> UnitPredictions:
        """The same clips, with every unit predicted for each."""
        return UnitPredictions(self.coded, np.ones_like(self.probabilities), self.subjects)

    def positives(self, unit: str) -> int:
        """Number of clips that have the unit."""
        return int(self.coded[:, unit_index(unit)].any(axis=-1).sum())

    def score(self, metric: UnitMetric, unit: str, threshold: float, weights: np.ndarray | None = None) -> np.ndarray:
        """Score of one unit for each row of the weights; every clip counts once without any."""
        counted = np.ones(len(self.subjects)) if weights is None else weights
        column = unit_index(unit)
        present = self.coded[:, column, 0] | self.coded[:, column, 1]
        return metric.function(present, face_probabilities(self.probabilities)[:, column], counted, threshold)

    def mean(
        self, metric: UnitMetric, units: Sequence[str], protocol: Protocol, weights: np.ndarray | None = None
    ) -> np.ndarray:
        """Mean of the score over units."""
        scores = {unit: self.score(metric, unit, protocol.threshold, weights) for unit in units}
        if protocol.undefined_as_chance:
            scores = {unit: np.where(np.isnan(score), metric.chance, score) for unit, score in scores.items()}
        return mean_over_units(scores)


def unit_index(unit: str) -> int:
    """Position of an action unit in arrays of all."""
    return list(ACTION_UNITS).index(int(unit))
