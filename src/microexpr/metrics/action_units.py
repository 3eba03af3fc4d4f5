"""Scores of action units: a clip has any number of them, so each unit is judged by itself.

A function of `UNIT_METRICS` takes `(present, probabilities, weights, threshold)` of one action unit: `present` (n,)
bool, whether a clip has it; `probabilities` (n,), 0 to 1; `weights` (..., n), how often each clip counts, 1 where
nothing is drawn; `threshold`, the probability from which on it is predicted. It returns one score for each row of
weights, so that all bootstrap samples are computed at once. A score that is not defined (no clip has the unit, or every
clip) is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..core.action_units import sides_shown
from ..core.registry import RecordRegistry
from .recognition import ratio

UnitFunction = Callable[[np.ndarray, np.ndarray, np.ndarray, float], np.ndarray]
"""A function of `(present, probabilities, weights, threshold)`."""


@dataclass(frozen=True)
class UnitMetric:
    """A score of one action unit; reports also give its mean over the action units of a protocol.

    Attributes:
        name: as in protocols and `report --json`.
        label: what papers and tables call it.
        function: computes it from `(present, probabilities, weights, threshold)`.
        higher_is_better: whether a larger value is a better one.
        chance: what a score that is not defined counts in means of protocols that say so (`undefined_as_chance`).
        order: position in tables, smallest first; metrics of equal order stand by name.
    """

    name: str
    label: str
    function: UnitFunction
    higher_is_better: bool = True
    chance: float = 0.0
    order: int = 100


UNIT_METRICS: RecordRegistry[UnitMetric] = RecordRegistry("metric of action units", "microexpr.metrics")
"""All metrics of action units. One more: `UNIT_METRICS.add("name", UnitMetric("name", ...))` in a file of this folder
or of a plug-in."""


def ordered_unit_metrics() -> list[UnitMetric]:
    """All metrics of action units in the order of tables."""
    return sorted((metric for _, metric in UNIT_METRICS), key=lambda metric: (metric.order, metric.name))


def auc(present: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Area under the ROC curve: how often a clip with the unit has a higher probability than one without it.

    0 to 1, .5 for chance; equal probabilities count half (Mann and Whitney 1947). The threshold makes no difference.
    """
    positive, negative = _by_probability(present, probabilities, weights)
    lower = np.cumsum(negative, axis=-1) - negative
    return _defined((positive * (lower + negative / 2)).sum(-1), positive.sum(-1) * negative.sum(-1))


def average_precision(
    present: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, threshold: float = 0.5
) -> np.ndarray:
    """Mean of the precision at each clip that has the unit, clips sorted by falling probability, 0 to 1.

    Clips of equal probability are one step; chance is the fraction of the clips that have the unit. The threshold makes
    no difference (the definition of scikit-learn's `average_precision_score`).
    """
    positive, negative = _by_probability(present, probabilities, weights)
    found = np.cumsum(positive[..., ::-1], axis=-1)
    above = found + np.cumsum(negative[..., ::-1], axis=-1)
    return _defined((positive[..., ::-1] * ratio(found, above)).sum(-1), positive.sum(-1))


def unit_f1(present: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """F1 at the threshold: 2 TP / (2 TP + FP + FN), 0 to 1; 0 where no clip has the unit."""
    hits, predicted, positive = _counts(present, probabilities, weights, threshold)
    return ratio(2 * hits, predicted + positive)


def unit_precision(
    present: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, threshold: float = 0.5
) -> np.ndarray:
    """Precision at the threshold: TP / (TP + FP), 0 to 1; 0 where the unit is never predicted."""
    hits, predicted, _ = _counts(present, probabilities, weights, threshold)
    return ratio(hits, predicted)


def unit_recall(
    present: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, threshold: float = 0.5
) -> np.ndarray:
    """Recall at the threshold: TP / (TP + FN), 0 to 1; 0 where no clip has the unit."""
    hits, _, positive = _counts(present, probabilities, weights, threshold)
    return ratio(hits, positive)


def count_sides(coded: np.ndarray, probabilities: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Count on which side of the face coded units were found.

    Args:
        coded: (..., 2) bool, whether a unit is on the person's right and left side.
        probabilities: (..., 2), 0 to 1.
        threshold: probability from which on a unit is found, see `core.action_units.sides_shown`.

    Returns:
        (3, 4) counts. Rows: coded on the right, left, both sides; columns: found on the right, left, both, neither.
    """
    sides = np.array([1, 2])  # 0 for neither, 3 for both
    truth = np.asarray(coded, bool).reshape(-1, 2) @ sides
    found = sides_shown(np.asarray(probabilities).reshape(-1, 2), threshold) @ sides
    return np.array([[((truth == i) & (found == j)).sum() for j in (1, 2, 3, 0)] for i in (1, 2, 3)])


def side_accuracy(coded: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Of the units that are coded on one side only, the fraction whose coded side has the higher probability.

    Args:
        coded: (n, units, 2) bool, whether a unit is on the person's right and left side.
        probabilities: (n, units, 2), 0 to 1.
        weights: (..., n), how often each clip counts.

    Returns:
        (...), 0 to 1, .5 for chance: equal probabilities count half. NaN where no unit is coded on one side only.
    """
    one_sided = coded[..., 0] != coded[..., 1]
    lead = (probabilities[..., 0] - probabilities[..., 1]) * np.where(coded[..., 0], 1, -1)
    right = (one_sided * (np.sign(lead) + 1) / 2).sum(axis=1)
    return _defined(weights @ right, weights @ one_sided.sum(axis=1))


def mean_over_units(scores: Mapping[str, np.ndarray]) -> np.ndarray:
    """The mean over action units of their scores (...), leaving out those that are NaN; NaN where all are."""
    values = np.stack(list(scores.values()), axis=-1)
    known = ~np.isnan(values)
    return _defined(np.where(known, values, 0).sum(axis=-1), known.sum(axis=-1))


def _by_probability(
    present: np.ndarray, probabilities: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weight of the clips with and without the unit at each distinct probability, rising: two arrays (..., steps)."""
    order = np.argsort(probabilities, kind="stable")
    values = np.asarray(probabilities)[order]
    first = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    weights = np.asarray(weights, np.float64)[..., order]
    has = np.asarray(present, bool)[order]
    return np.add.reduceat(weights * has, first, axis=-1), np.add.reduceat(weights * ~has, first, axis=-1)


def _counts(
    present: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight of the clips that are hits, that are predicted, and that have the unit; each (...)."""
    weights, has = np.asarray(weights, np.float64), np.asarray(present, bool)
    predicted = np.asarray(probabilities) >= threshold
    return weights @ (has & predicted), weights @ predicted, weights @ has


def _defined(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


for _metric in (
    UnitMetric("auc", "AUC", auc, chance=0.5, order=1),
    UnitMetric("f1", "F1", unit_f1, order=2),
    UnitMetric("average_precision", "average precision", average_precision, order=3),
    UnitMetric("precision", "precision", unit_precision, order=4),
    UnitMetric("recall", "recall", unit_recall, order=5),
):
    UNIT_METRICS.add(_metric.name, _metric)
