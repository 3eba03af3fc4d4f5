"""Small movements of a calm face: candidates of all regions together, scored by a model trained on synthetic faces."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..base import Span, TimeGrid
from .features import FEATURE_NAMES
from .training import TrackMotion

PART_SECONDS, MARGIN_SECONDS = 90.0, 8.0
"""A long track is examined in parts of this many seconds that overlap by twice the margin."""

SHARES = 2.0 ** -np.arange(0, 8.1, 0.5)
"""Sizes at which a movement is scored, as fractions of its own; see `never_falling`."""

MIN_CONTRAST = 1.5
"""A movement is not scored at a size at which its contrast is lower."""

Probability = Callable[[np.ndarray], np.ndarray]


def small_movements(motion: TrackMotion, grid: TimeGrid, probability: Probability) -> list[Span]:
    """Every candidate with the probability that it is an expression."""
    found = []
    for first, last in parts(len(motion), grid.steps(PART_SECONDS), grid.steps(MARGIN_SECONDS)):
        candidates, features = motion.segment(first, last).candidates(ended=last == len(motion))
        low = first + grid.steps(MARGIN_SECONDS) * (first > 0)
        high = last - grid.steps(MARGIN_SECONDS) * (last < len(motion))
        for candidate, score in zip(candidates, never_falling(features, probability), strict=True):
            span = Span(first + candidate.onset, first + candidate.apex, first + candidate.offset, float(score))
            if low <= span.apex < high:
                found.append(span)
    return found


def never_falling(features: np.ndarray, probability: Probability) -> np.ndarray:
    """(n,) highest probability of each movement at its own or a smaller size, so that none falls as a movement grows.

    The model was trained on movements up to 12 px and knows that larger ones are rarely real; what it says of a smaller
    one holds for a larger one too.

    Args:
        features: (n, F) of `features.FEATURE_NAMES`.
        probability: of rows of features.
    """
    best = np.zeros(len(features))
    for share in SHARES:
        scaled = _at_size(features, float(share))
        enough = scaled[:, FEATURE_NAMES.index("log contrast")] >= np.log(MIN_CONTRAST)
        best = np.where(enough | (share == 1), np.maximum(best, probability(scaled)), best)
    return best


def _at_size(features: np.ndarray, share: float) -> np.ndarray:
    """The features of the same movements at a fraction of their size, with everything around them unchanged."""
    scaled = features.copy()
    column = {name: scaled[:, i] for i, name in enumerate(FEATURE_NAMES)}
    for name in ("log height", "log contrast"):
        column[name] += np.log(share)
    for name in ("log repeated before", "log repeated after"):
        column[name][:] = np.log(np.maximum(np.exp(column[name]) - 0.1, 0) / share + 0.1)
    inside = column["log mouth inside"]
    inside[:] = np.log(np.maximum(np.exp(inside) - 0.3, 0) * share + 0.3)
    column["eyes close"] *= share
    return scaled


def parts(steps: int, length: int, margin: int) -> list[tuple[int, int]]:
    """Return (first, last) of parts that cover so many steps, each `length` long.

    Neighbors share two margins; the last part may be longer by half.
    """
    found, first = [], 0
    while steps - first > 1.5 * length:
        found.append((first, first + length))
        first += length - 2 * margin
    return [*found, (first, steps)]
