"""From a signal over time to spans: what the methods share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ..metrics.intervals import overlap
from .base import Span


def contrast(values: np.ndarray, half: int) -> np.ndarray:
    """C_i = F_i - (F_{i-half} + F_{i+half}) / 2, negatives 0; (N,) (Moilanen et al. 2014, eq. 3).

    Beyond the ends the last value is repeated.
    """
    padded = np.pad(values, half, mode="edge")
    return np.maximum(values - (padded[: len(values)] + padded[2 * half :]) / 2, 0)


def threshold(values: np.ndarray, p: float) -> float:
    """mean + p (max - mean) (Moilanen et al. 2014, eq. 4); p is 0 to 1."""
    mean = float(values.mean())
    return mean + p * (float(values.max()) - mean)


def runs(above: np.ndarray) -> Iterator[tuple[int, int]]:
    """First and last index of every run of True in (N,) bool."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], above, [False]]).astype(np.int8)))
    return ((int(a), int(b) - 1) for a, b in edges.reshape(-1, 2))


def spans_above(values: np.ndarray, level: float, shortest: float, longest: float) -> list[Span]:
    """A span for each run above `level` with a length in steps in [shortest, longest); score = peak/level."""
    found = []
    for first, last in runs(values > level):
        if shortest <= last - first + 1 < longest:
            apex = first + int(values[first : last + 1].argmax())
            found.append(Span(first, apex, last, float(values[apex] / max(level, 1e-9))))
    return found


def suppress_overlaps(spans: Iterable[Span], share: float = 0.2) -> list[Span]:
    """The spans with the best scores of which no two overlap by more than `share` (intersection over union)."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda s: -s.score):
        if all(overlap((span.onset, span.offset), (k.onset, k.offset)) <= share for k in kept):
            kept.append(span)
    return kept


def crossing(values: np.ndarray, apex: int, level: float) -> tuple[int, int]:
    """The last step before the apex, and the first one after it, where the values are not above `level`."""
    before, after = np.flatnonzero(values[:apex] <= level), np.flatnonzero(values[apex + 1 :] <= level)
    return (int(before[-1]) if len(before) else 0, apex + 1 + int(after[0]) if len(after) else len(values) - 1)
