"""Whether two methods differ on the same clips: a paired bootstrap over people, and a paired permutation test.

The two methods are tried on the same people, so their scores rise and fall together: the interval of each score says
little about the difference. Both procedures draw or swap whole people, because clips of one person are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .bootstrap import percentile_interval

PairedScore = Callable[[np.ndarray], np.ndarray]
"""Computes scores (m,) from weights (m, 2, S): how often the clips of each of S people count with what the first method
predicted of them, and how often with what the second did. NaN where a score is not defined."""


@dataclass(frozen=True)
class PairedDifference:
    """How the scores of two methods on the same clips differ.

    Attributes:
        first: score of the first method.
        second: score of the second.
        low: lower end of the 95 % interval of the difference over people.
        high: its upper end.
        p_bootstrap: twice the smaller share of bootstrap differences on one side of zero, at most 1.
        p_permutation: how often the difference is at least as large where the predictions of people are swapped at
            random: the probability of such a difference if the methods were equal.
    """

    first: float
    second: float
    low: float
    high: float
    p_bootstrap: float
    p_permutation: float

    @property
    def difference(self) -> float:
        """First minus second."""
        return self.first - self.second


def paired_difference(score: PairedScore, strata: Sequence[int], *, n: int = 10_000, seed: int = 0) -> PairedDifference:
    """Compare two methods by a score.

    The bootstrap draws as many people as there are, with replacement, and takes both methods' predictions of each
    (Efron & Tibshirani 1993, chapters 8 and 16). The permutation test swaps the two methods' predictions person by
    person (Good 2005, chapter 3): all swaps where there are no more than `n`, otherwise `n` random ones, to which the
    observed one is added (Phipson & Smyth 2010).

    Args:
        score: computes scores from weights of people, see `PairedScore`.
        strata: (S,) number of each person's stratum; people are drawn within it. All 0 for one stratum.
        n: number of bootstrap samples, and of permutations at most.
        seed: the same seed draws the same people.

    Raises:
        ValueError: n < 1, or there is nobody.
    """
    if n < 1 or len(strata) == 0:
        raise ValueError(f"n = {n} samples of {len(strata)} people: there must be 1 or more of each")
    rng = np.random.default_rng(seed)
    ones = np.ones((1, len(strata)))
    first, second = _both(score, ones)
    drawn = _draw(np.asarray(strata), n, rng)
    differences = np.subtract(*_both(score, drawn))
    differences = differences[~np.isnan(differences)]
    low, high = percentile_interval(differences) if len(differences) else (np.nan, np.nan)
    tails = [(1 + (sign * differences >= 0).sum()) / (1 + len(differences)) for sign in (1, -1)]
    return PairedDifference(
        float(first[0]),
        float(second[0]),
        float(low),
        float(high),
        p_bootstrap=min(1.0, 2 * float(min(tails))),
        p_permutation=_permutation_p(score, float(first[0] - second[0]), len(strata), n, rng),
    )


def _both(score: PairedScore, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The scores (m,) of both methods for weights (m, S) of people."""
    none = np.zeros_like(weights)
    return score(np.stack([weights, none], axis=1)), score(np.stack([none, weights], axis=1))


def _permutation_p(score: PairedScore, observed: float, people: int, n: int, rng: np.random.Generator) -> float:
    every = people <= 62 and 2**people <= n
    bits = (np.arange(2**people)[:, None] >> np.arange(people)) & 1 if every else rng.integers(2, size=(n, people))
    swapped = bits.astype(np.float64)
    kept = 1 - swapped
    differences = score(np.stack([kept, swapped], axis=1)) - score(np.stack([swapped, kept], axis=1))
    differences = np.abs(differences[~np.isnan(differences)])
    as_large = int((differences >= abs(observed) - 1e-12).sum())
    return as_large / len(differences) if every and len(differences) else (1 + as_large) / (1 + len(differences))


def _draw(strata: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """(n, S): how often each person is drawn, as many draws in each stratum as it has people."""
    drawn = np.zeros((n, len(strata)))
    for stratum in np.unique(strata):
        inside = np.flatnonzero(strata == stratum)
        drawn[:, inside] = rng.multinomial(len(inside), np.full(len(inside), 1 / len(inside)), n)
    return drawn
