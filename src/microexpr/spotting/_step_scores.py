"""Steps of a track that a network scores one by one, and those that it is trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np

BATCH = 128
"""Number of inputs that are scored at once."""


def step_scores(
    inputs: Iterator[tuple[int, np.ndarray]], score: Callable[[np.ndarray], np.ndarray], length: int
) -> np.ndarray:
    """Return (N,): the score of each step; the steps after those that have an input get the last score.

    All are 0 where they differ by rounding errors only.

    Args:
        inputs: the steps 0, 1, 2 ... that have an input, and it.
        score: computes scores (n, 1) of inputs (n, ...).
        length: number of steps, N.
    """
    values, end = np.zeros(length), 0
    while batch := list(islice(inputs, BATCH)):
        first, end = batch[0][0], batch[-1][0] + 1
        values[first:end] = score(np.stack([image for _, image in batch]))[:, 0]
    if end:
        values[end:] = values[end - 1]
    return values if end and np.ptp(values) > 1e-5 else np.zeros(length)


def training_steps(positive: np.ndarray, negatives_per_positive: float, rng: np.random.Generator) -> np.ndarray:
    """Return (N,) bool: the steps with an expression (`positive`, 0 or 1), and others drawn at random."""
    selected = positive > 0
    others = rng.permutation(np.flatnonzero(positive == 0))
    selected[others[: round(negatives_per_positive * int(positive.sum()))]] = True
    return selected
