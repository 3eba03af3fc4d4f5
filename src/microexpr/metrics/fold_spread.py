"""What the scores of the folds of an evaluation betray about how it was made.

Folds differ by chance, since each has few clips, and because people differ. Two things show in nothing but the scores
of folds, and anybody's published table has them: folds of two kinds, with nothing between, where some of the test clips
(or their people) were trained on; and small folds that score better than large ones, where the epoch was chosen on each
test fold: of many epochs one is right by chance about two clips, and none about thirty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MIN_GAP = 0.25
"""Smallest gap between two groups of folds; 0 to 1."""

GAP_TO_SPREAD = 3.0
"""Smallest ratio of the gap to the standard deviation within the groups."""

MIN_GROUP = 2
"""Smallest number of folds in a group; one fold that lies apart may be one unusual person."""

MAX_P = 0.01
"""Probability by chance below which small folds count as better than large ones, or folds as too different."""

PERMUTATIONS = 10_000


@dataclass(frozen=True)
class FoldSpread:
    """What the scores of folds show.

    Attributes:
        folds: number of folds.
        mean: mean of the folds' scores, 0 to 1.
        sd: their standard deviation.
        low: the smallest.
        high: the largest.
        gap: the widest gap that divides the folds into two groups of two or more; 0 where there is no such division.
        groups: (lowest, highest) score of each of the two groups; empty without a division.
        within: standard deviation within the groups; that of all folds without a division.
        chance_clips: number of clips a fold at which chance alone would give this spread of accuracies.
        dispersion: how much more the folds differ than clips drawn by chance, 1 for chance alone; None where the number
            of clips of each fold is not known.
        small_better_p: probability that, by chance, small folds would be so much better than large ones; None where the
            number of clips is not known, or all folds are of one size.
    """

    folds: int
    mean: float
    sd: float
    low: float
    high: float
    gap: float
    groups: tuple[tuple[float, float], ...]
    within: float
    chance_clips: float
    dispersion: float | None = None
    small_better_p: float | None = None

    @property
    def two_kinds(self) -> bool:
        """Whether the folds are of two kinds, with nothing between."""
        return self.gap >= MIN_GAP and self.gap >= GAP_TO_SPREAD * self.within

    @property
    def small_better(self) -> bool:
        """Whether small folds score better than large ones, beyond chance."""
        return self.small_better_p is not None and self.small_better_p < MAX_P


def fold_spread(scores: Sequence[float], clips: Sequence[int] | None = None, *, seed: int = 0) -> FoldSpread:
    """Look at the scores of folds.

    Args:
        scores: score of each fold, 0 to 1; accuracies where `clips` is given.
        clips: number of test clips of each fold, 1 or more.
        seed: of the permutations of folds.

    Raises:
        ValueError: fewer than three folds, a score out of range, or other numbers of clips.
    """
    values = np.asarray(scores, float)
    if len(values) < 3 or not ((values >= 0) & (values <= 1)).all():
        raise ValueError("give the scores of three folds or more, each from 0 to 1")
    if clips is not None and (len(clips) != len(values) or min(clips) < 1):
        raise ValueError("give the number of test clips of every fold, 1 or more")
    ordered = np.sort(values)
    gap, groups, within = _division(ordered)
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    chance = mean * (1 - mean) / sd**2 if sd > 0 else float("inf")
    sizes = None if clips is None else np.asarray(clips, float)
    return FoldSpread(
        folds=len(values),
        mean=mean,
        sd=sd,
        low=float(ordered[0]),
        high=float(ordered[-1]),
        gap=gap,
        groups=groups,
        within=within,
        chance_clips=chance,
        dispersion=None if sizes is None else _dispersion(values, sizes),
        small_better_p=None if sizes is None or np.ptp(sizes) == 0 else _small_better_p(values, sizes, seed),
    )


def _division(ordered: np.ndarray) -> tuple[float, tuple[tuple[float, float], ...], float]:
    """The widest gap between two groups of sorted scores, the groups' ranges, and the spread within them."""
    places = range(MIN_GROUP, len(ordered) - MIN_GROUP + 1)
    if not places:
        return 0.0, (), float(ordered.std())
    place = max(places, key=lambda i: ordered[i] - ordered[i - 1])
    parts = ordered[:place], ordered[place:]
    residuals = np.concatenate([part - part.mean() for part in parts])
    within = float(np.sqrt((residuals**2).sum() / max(1, len(ordered) - 2)))
    groups = tuple((float(part[0]), float(part[-1])) for part in parts)
    return float(ordered[place] - ordered[place - 1]), groups, within


def _dispersion(accuracies: np.ndarray, sizes: np.ndarray) -> float:
    """Pearson's statistic of equal accuracies divided by its degrees of freedom; 1 by chance."""
    pooled = float((accuracies * sizes).sum() / sizes.sum())
    if not 0 < pooled < 1:
        return 1.0
    return float((sizes * (accuracies - pooled) ** 2).sum() / (pooled * (1 - pooled)) / (len(sizes) - 1))


def _small_better_p(accuracies: np.ndarray, sizes: np.ndarray, seed: int) -> float:
    """How often the rank correlation of size and accuracy is as negative where accuracies are dealt anew to folds."""
    ranks = [_centered_ranks(values) for values in (sizes, accuracies)]
    observed = ranks[0] @ ranks[1]
    dealt = np.random.default_rng(seed).permuted(np.tile(ranks[1], (PERMUTATIONS, 1)), axis=1) @ ranks[0]
    return float((1 + (dealt <= observed + 1e-9).sum()) / (1 + PERMUTATIONS))


def _centered_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks, equal values sharing their mean rank, less their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[inverse]
    return ranks - ranks.mean()
