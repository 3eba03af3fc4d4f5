"""Scores, each its own function, and how sure one may be of them.

Recognition scores take `(truth, guess, classes)`: words of the task, one a clip, pooled over all folds, and the class
list that the protocol fixes. A class without a clip counts 0 and never vanishes. A guess of "" is an abstention (no
face was found): it is wrong, and belongs to no class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Words = Sequence[str]
Metric = Callable[[Words, Words, Words], float]


def confusion_matrix(truth: Words, guess: Words, classes: Words) -> np.ndarray:
    """(C, C) counts, rows truth, columns guess; abstentions are in no column (see `abstained`).

    Raises:
        ValueError: lengths differ, there is no clip, or a word is no class.
    """
    return _counts(truth, guess, classes)[:, :-1]


def abstained(guess: Words) -> int:
    """How many clips got no guess."""
    return sum(word == "" for word in guess)


def weighted_average_recall(truth: Words, guess: Words, classes: Words) -> float:
    """WAR: the share of clips that are right, 0 to 1; the same as accuracy."""
    return _war(_counts(truth, guess, classes))


def unweighted_average_recall(truth: Words, guess: Words, classes: Words) -> float:
    """UAR: mean over the classes of TP / n, 0 to 1."""
    return _uar(_counts(truth, guess, classes))


def macro_f1(truth: Words, guess: Words, classes: Words) -> float:
    """UF1: mean over the classes of 2 TP / (2 TP + FP + FN) from counts pooled over all folds (See et al. 2019)."""
    return _macro_f1(_counts(truth, guess, classes))


def weighted_f1(truth: Words, guess: Words, classes: Words) -> float:
    """F1 of the classes weighted by their number of clips."""
    return _weighted_f1(_counts(truth, guess, classes))


def f1_of_mean_precision_recall(truth: Words, guess: Words, classes: Words) -> float:
    """2 P R / (P + R) of the mean precision P and the mean recall R over the classes: a third kind of F1 in use."""
    return _f1_of_means(_counts(truth, guess, classes))


METRICS: dict[str, Metric] = {
    "weighted_average_recall": weighted_average_recall,
    "unweighted_average_recall": unweighted_average_recall,
    "macro_f1": macro_f1,
    "weighted_f1": weighted_f1,
    "f1_of_mean_precision_recall": f1_of_mean_precision_recall,
}
"""The scores that need only (truth, guess, classes)."""


def fold_mean_f1(truth: Words, guess: Words, classes: Words, folds: Sequence[str]) -> float:
    """Mean over folds of the macro F1 over the fixed class list: some papers print it, and it misleads.

    A person who never shows a class makes it 0 for that fold: a perfect predictor gets .632 on MEGC 2019 and .413 on
    the MEGC 2018 composite, not 1 (Varanka et al. 2022, arXiv 2211.11425).
    """
    names = np.asarray(folds)
    _checked(truth, names.tolist(), "fold")
    truths, guesses = np.asarray(truth), np.asarray(guess)
    parts = [names == name for name in sorted(set(folds))]
    return float(np.mean([macro_f1(truths[p].tolist(), guesses[p].tolist(), classes) for p in parts]))


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall and F1 of one class, and its number of clips."""

    precision: float
    recall: float
    f1: float
    n: int


def per_class(truth: Words, guess: Words, classes: Words) -> dict[str, ClassScore]:
    """The scores of each class."""
    precision, recall, f1, n = (part.tolist() for part in _by_class(_counts(truth, guess, classes)))
    return {word: ClassScore(precision[i], recall[i], f1[i], int(n[i])) for i, word in enumerate(classes)}


def majority(truth: Words, classes: Words) -> list[str]:
    """The most frequent word for every clip (the first of the class list where two are as frequent)."""
    return [max(classes, key=list(truth).count)] * len(truth)


def pairs_of(matrix: Sequence[Sequence[int]], classes: Words) -> tuple[list[str], list[str]]:
    """(truth, guess) of a printed confusion matrix of counts (rows truth), so that it can be scored."""
    pairs = [(classes[t], classes[g]) for t, row in enumerate(matrix) for g, n in enumerate(row) for _ in range(n)]
    return [t for t, _ in pairs], [g for _, g in pairs]


def bootstrap_scores(
    metric: Metric,
    truth: Words,
    guess: Words,
    classes: Words,
    people: Sequence[str],
    *,
    draws: int = 1000,
    seed: int = 0,
) -> np.ndarray:
    """(draws,) scores of people drawn with replacement.

    People are drawn, not clips: clips of one person resemble each other, so drawing clips would promise too much.

    Raises:
        ValueError: lengths differ, or the metric is none of `METRICS`.
    """
    if metric not in _FROM_COUNTS:
        raise ValueError(f"no bootstrap for {metric!r}; take one of {', '.join(METRICS)}")
    _checked(truth, people, "person")
    truths, guesses, names = np.asarray(truth), np.asarray(guess), np.asarray(people)
    persons = sorted(set(people))
    each = np.stack([_counts(truths[names == p].tolist(), guesses[names == p].tolist(), classes) for p in persons])
    drawn = np.random.default_rng(seed).multinomial(len(persons), np.full(len(persons), 1 / len(persons)), draws)
    return np.array([_FROM_COUNTS[metric](counts) for counts in np.tensordot(drawn, each, axes=1)])


def bootstrap_interval(
    metric: Metric, truth: Words, guess: Words, classes: Words, people: Sequence[str], *, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval of a score over people (see `bootstrap_scores`)."""
    return interval_of(bootstrap_scores(metric, truth, guess, classes, people, seed=seed))


def interval_of(scores: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The middle `level` of bootstrap scores."""
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


# ---------------------------------------------------------------------------------------------------------------------
# spotting


Spans = Mapping[str, Sequence[tuple[int, int]]]
"""Video -> (onset, offset) of its intervals, frames counted with both ends."""


@dataclass(frozen=True)
class SpottingScore:
    """Counts of intervals, pooled over videos."""

    tp: int
    fp: int
    fn: int

    @property
    def precision(self) -> float:
        """Share of the guessed intervals that are right."""
        return _share(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """Share of the true intervals that were found."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN)."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)


def interval_f1(truth: Spans, guess: Spans, iou: float = 0.5) -> SpottingScore:
    """Intervals matched one to one, best overlap first; a pair counts from `iou` on (MEGC 2020, spotting task)."""
    tp = 0
    for video in {*truth, *guess}:
        real, found = truth.get(video, ()), guess.get(video, ())
        pairs = [(overlap(r, f), i, j) for i, r in enumerate(real) for j, f in enumerate(found)]
        free_real, free_found = set(range(len(real))), set(range(len(found)))
        for value, i, j in sorted(pairs, reverse=True):
            if value >= iou and i in free_real and j in free_found:
                free_real.remove(i)
                free_found.remove(j)
                tp += 1
    n_real, n_found = sum(map(len, truth.values())), sum(map(len, guess.values()))
    return SpottingScore(tp, n_found - tp, n_real - tp)


def overlap(a: tuple[int, int], b: tuple[int, int]) -> float:
    """Intersection over union of two intervals of frames, both ends counted; 0 where they do not meet."""
    common = max(0, min(a[1], b[1]) - max(a[0], b[0]) + 1)
    return common / (a[1] - a[0] + 1 + b[1] - b[0] + 1 - common)


def strs(spotting_f1: float, analysis_f1: float) -> float:
    """Spot-then-recognise score: the product of the two (MEGC 2025)."""
    return spotting_f1 * analysis_f1


# ---------------------------------------------------------------------------------------------------------------------
# from counts (C, C + 1): rows truth, columns guess, the last column abstentions


def _counts(truth: Words, guess: Words, classes: Words) -> np.ndarray:
    _checked(truth, guess, "guess")
    place = {word: i for i, word in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes) + 1), np.int64)
    for real, word in zip(truth, guess, strict=True):
        if real not in place or (word not in place and word != ""):
            wrong = real if real not in place else word
            raise ValueError(f"'{wrong}' is none of the classes {', '.join(classes)}")
        counts[place[real], place.get(word, -1)] += 1
    return counts


def _checked(truth: Words, other: Sequence[str], what: str) -> None:
    if len(truth) != len(other):
        raise ValueError(f"{len(truth)} truths but {len(other)} of '{what}': must be as many")
    if len(truth) == 0:
        raise ValueError("there is no clip to score")


def _by_class(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    right, n, guessed = np.diag(counts).astype(float), counts.sum(axis=1), counts[:, :-1].sum(axis=0)
    return _ratio(right, guessed), _ratio(right, n), _ratio(2 * right, n + guessed), n


def _war(counts: np.ndarray) -> float:
    return float(np.trace(counts) / counts.sum())


def _uar(counts: np.ndarray) -> float:
    return float(_by_class(counts)[1].mean())


def _macro_f1(counts: np.ndarray) -> float:
    return float(_by_class(counts)[2].mean())


def _weighted_f1(counts: np.ndarray) -> float:
    _, _, f1, n = _by_class(counts)
    return float((f1 * n).sum() / n.sum())


def _f1_of_means(counts: np.ndarray) -> float:
    precision, recall, _, _ = _by_class(counts)
    p, r = float(precision.mean()), float(recall.mean())
    return _share(2 * p * r, p + r)


_FROM_COUNTS: dict[Metric, Callable[[np.ndarray], float]] = {
    weighted_average_recall: _war,
    unweighted_average_recall: _uar,
    macro_f1: _macro_f1,
    weighted_f1: _weighted_f1,
    f1_of_mean_precision_recall: _f1_of_means,
}


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where whole is 0."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
