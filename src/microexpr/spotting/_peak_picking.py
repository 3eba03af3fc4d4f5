"""From a curve over time to spans: contrast, threshold, runs, and suppression of overlaps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from scipy.signal import find_peaks

from ..metrics.intervals import overlap
from .base import Span


def contrast(values: np.ndarray, half: int) -> np.ndarray:
    """Return C_i = F_i - (F_{i-half} + F_{i+half}) / 2, (N,), with negative values set to 0.

    Moilanen et al. 2014, eq. 3. Beyond the ends the first or the last value is repeated.
    """
    padded = np.pad(values, half, mode="edge")
    return np.maximum(values - (padded[: len(values)] + padded[2 * half :]) / 2, 0)


def threshold(values: np.ndarray, p: float) -> float:
    """Return mean + p (max - mean) (Moilanen et al. 2014, eq. 4); p is 0 to 1."""
    mean = float(values.mean())
    return mean + p * (float(values.max()) - mean)


def peak_steps(values: np.ndarray, level: float, apart: int) -> list[int]:
    """Return the steps of the peaks of a curve (N,) that are `level` or higher, `apart` steps or more from each other.

    The first and the last step can be peaks, too.
    """
    tops, _ = find_peaks(np.concatenate([[-np.inf], values, [-np.inf]]), height=level, distance=apart)
    return [int(top) - 1 for top in tops]


def runs(above: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield first and last index of every run of True in (N,) bool."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], above, [False]]).astype(np.int8)))
    return ((int(a), int(b) - 1) for a, b in edges.reshape(-1, 2))


def spans_above(values: np.ndarray, level: float, min_steps: float, max_steps: float) -> list[Span]:
    """Return a span for each run above `level` of min_steps or more, but fewer than max_steps; score = peak / level."""
    found = []
    for first, last in runs(values > level):
        if min_steps <= last - first + 1 < max_steps:
            apex = first + int(values[first : last + 1].argmax())
            found.append(Span(first, apex, last, float(values[apex] / max(level, 1e-9))))
    return found


def suppress_overlaps(
    spans: Iterable[Span],
    max_overlap: float = 0.2,
    overlap: Callable[[tuple[int, int], tuple[int, int]], float] = overlap,
) -> list[Span]:
    """Return the spans with the highest scores of which no two overlap by more than `max_overlap`.

    Args:
        spans: candidates; of two equal scores the first one counts.
        max_overlap: largest allowed value of `overlap`, 0 to 1.
        overlap: measure of the overlap of two (onset, offset): by default intersection over union.

    Returns:
        Spans, highest score first.
    """
    chosen: list[Span] = []
    for span in sorted(spans, key=lambda s: -s.score):
        if all(overlap((span.onset, span.offset), (other.onset, other.offset)) <= max_overlap for other in chosen):
            chosen.append(span)
    return chosen
