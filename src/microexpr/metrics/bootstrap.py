"""Bootstrap intervals over subjects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .base import METRICS, Labels, MetricFunction
from .recognition import count_by_group


def bootstrap_scores(
    metric: MetricFunction,
    y_true: Labels,
    y_pred: Labels,
    classes: Labels,
    subjects: Sequence[str],
    *,
    n: int = 1000,
    seed: int = 0,
) -> np.ndarray:
    """Score `n` samples of as many subjects as there are, drawn with replacement.

    Subjects are drawn, not clips: clips of one subject resemble each other, so drawing clips would give an interval
    that is too narrow (Efron & Tibshirani 1993, chapter 8: the unit that is drawn must be independent).

    Args:
        metric: a function of `(y_true, y_pred, classes)`. One of `METRICS` that can be computed from counts is
            computed for all samples at once; any other is called once a sample.
        y_true: true label of each clip.
        y_pred: predicted label of each clip, or "" where there is none.
        classes: every class once.
        subjects: subject of each clip.
        n: number of samples.
        seed: the same seed draws the same subjects.

    Returns:
        (n,) scores.

    Raises:
        ValueError: lengths differ, a label is not a class, or n < 1.
    """
    counts = count_by_group(y_true, y_pred, classes, subjects, "subjects")
    drawn = _draw(len(counts), n, seed)
    from_counts = next((record.from_counts for _, record in METRICS if record.function is metric), None)
    if from_counts is not None:
        return from_counts(np.tensordot(drawn, counts, axes=1))
    _, subject_of_clip = np.unique(np.asarray(subjects, dtype=str), return_inverse=True)
    scores = []
    for times in drawn:
        chosen = np.repeat(np.arange(len(y_true)), times[subject_of_clip]).tolist()
        scores.append(metric([y_true[i] for i in chosen], [y_pred[i] for i in chosen], classes))
    return np.array(scores)


def bootstrap_weights(subjects: Sequence[str], *, n: int = 1000, seed: int = 0) -> np.ndarray:
    """How often each clip counts in `n` samples of subjects, drawn as `bootstrap_scores` draws them.

    Args:
        subjects: subject of each clip.
        n: number of samples.
        seed: the same seed draws the same subjects.

    Returns:
        (n, clips) numbers, 0 or more.

    Raises:
        ValueError: n < 1.
    """
    names, subject_of_clip = np.unique(np.asarray(subjects, dtype=str), return_inverse=True)
    return _draw(len(names), n, seed)[:, subject_of_clip]


def _draw(subjects: int, n: int, seed: int) -> np.ndarray:
    """(n, subjects): how often each subject is drawn, as many draws as there are subjects."""
    if n < 1:
        raise ValueError(f"n = {n} bootstrap samples: take 1 or more")
    return np.random.default_rng(seed).multinomial(subjects, np.full(subjects, 1 / subjects), n)


def bootstrap_interval(
    metric: MetricFunction,
    y_true: Labels,
    y_pred: Labels,
    classes: Labels,
    subjects: Sequence[str],
    level: float = 0.95,
    *,
    n: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of a score over `n` samples of subjects, see `bootstrap_scores`.

    Args:
        metric: a function of `(y_true, y_pred, classes)`.
        y_true: true label of each clip.
        y_pred: predicted label of each clip, or "" where there is none.
        classes: every class once.
        subjects: subject of each clip.
        level: probability that the interval covers, above 0 and below 1.
        n: number of samples.
        seed: the same seed draws the same subjects.

    Returns:
        (low, high).

    Raises:
        ValueError: lengths differ, a label is not a class, n < 1, or `level` is out of range.
    """
    return percentile_interval(bootstrap_scores(metric, y_true, y_pred, classes, subjects, n=n, seed=seed), level)


def percentile_interval(scores: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """(low, high) of the middle `level` (above 0 and below 1) of bootstrap scores (n,)."""
    if not 0 < level < 1:
        raise ValueError(f"level = {level}: give a value above 0 and below 1, such as 0.95")
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
