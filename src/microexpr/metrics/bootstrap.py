"""Describe me."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .recognition import (
    Metric,
    Words,
    _f1_of_means,
    _grouped_counts,
    _macro_f1,
    _uar,
    _war,
    _weighted_f1,
    f1_of_mean_precision_recall,
    macro_f1,
    unweighted_average_recall,
    weighted_average_recall,
    weighted_f1,
)


def bootstrap_scores(
    metric: Metric,
    truth: Words,
    guess: Words,
    classes: Words,
    people: Sequence[str],
    *,
    n: int = 1000,
    seed: int = 0,
) -> np.ndarray:
    """(n,) scores of as many people as there are, drawn with replacement; the same seed draws the same people.

    People are drawn, not clips: clips of one person resemble each other, so drawing clips would promise too much.
    Metrics of `METRICS` are computed from counts, all draws at once; any other is called once a draw.

    Raises:
        ValueError: lengths differ, a word is no class, or n < 1.
    """
    if n < 1:
        raise ValueError(f"n = {n} draws: take 1 or more")
    counts = _grouped_counts(truth, guess, classes, people, "people")
    size = len(counts)
    drawn = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), n)
    if metric in _FROM_COUNTS:
        return _FROM_COUNTS[metric](np.tensordot(drawn, counts, axes=1))
    _, place = np.unique(np.asarray(people, dtype=str), return_inverse=True)
    scores = []
    for times in drawn:
        chosen = np.repeat(np.arange(len(truth)), times[place]).tolist()
        scores.append(metric([truth[i] for i in chosen], [guess[i] for i in chosen], classes))
    return np.array(scores)


def bootstrap_interval(
    metric: Metric,
    truth: Words,
    guess: Words,
    classes: Words,
    people: Sequence[str],
    *,
    n: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """(low, high) of a score: percentile interval over `n` draws of people (see `bootstrap_scores`).

    Raises:
        ValueError: lengths differ, a word is no class, n < 1, or a level not between 0 and 1.
    """
    return interval_of(bootstrap_scores(metric, truth, guess, classes, people, n=n, seed=seed), level)


def interval_of(scores: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The middle `level` (between 0 and 1) of bootstrap scores (n,)."""
    if not 0 < level < 1:
        raise ValueError(f"level = {level}: take a share between 0 and 1, such as 0.95")
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


_FROM_COUNTS: dict[Metric, Callable[[np.ndarray], np.ndarray]] = {
    weighted_average_recall: _war,
    unweighted_average_recall: _uar,
    macro_f1: _macro_f1,
    weighted_f1: _weighted_f1,
    f1_of_mean_precision_recall: _f1_of_means,
}
