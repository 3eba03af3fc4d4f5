"""Scores, each its own function, and how sure one may be of them.

Recognition scores take `(truth, guess, classes)`: words of the task, one a clip, pooled over all folds, and the class
list that the protocol fixes. A class without a clip counts 0 and never vanishes. A guess of "" is an abstention (no
face was found): it is a miss of the clip's true class, and a false alarm of none. All of them raise ValueError where
lengths differ, where there is no clip, and where a word is none of the classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Words = Sequence[str]
Metric = Callable[[Words, Words, Words], float]


def confusion_matrix(truth: Words, guess: Words, classes: Words) -> np.ndarray:
    """(C, C) counts of the answered clips, rows truth, columns guess, both in the order of `classes`.

    An abstention is in no column: `abstained` counts them, and row sums fall short of the class counts by them.

    Raises:
        ValueError: lengths differ, there is no clip, or a word is no class.
    """
    return _counts(truth, guess, classes)[:, :-1]


def abstained(guess: Words) -> int:
    """How many clips got no guess."""
    return sum(word == "" for word in guess)


def weighted_average_recall(truth: Words, guess: Words, classes: Words) -> float:
    """WAR: the share of clips that are right, 0 to 1; the same as accuracy (Yap et al. 2018, MEGC 2018)."""
    return float(_war(_counts(truth, guess, classes)))


def unweighted_average_recall(truth: Words, guess: Words, classes: Words) -> float:
    """UAR: mean over all classes of TP / n, 0 to 1; a class without a clip counts 0 (See et al. 2019, MEGC 2019)."""
    return float(_uar(_counts(truth, guess, classes)))


def macro_f1(truth: Words, guess: Words, classes: Words) -> float:
    """UF1: mean over all classes of 2 TP / (2 TP + FP + FN), 0 to 1, from counts pooled over all folds.

    A class that is neither shown nor guessed counts 0 (See et al. 2019, MEGC 2019).
    """
    return float(_macro_f1(_counts(truth, guess, classes)))


def weighted_f1(truth: Words, guess: Words, classes: Words) -> float:
    """F1 of the classes weighted by their number of clips, 0 to 1 (Yap et al. 2018, MEGC 2018)."""
    return float(_weighted_f1(_counts(truth, guess, classes)))


def f1_of_mean_precision_recall(truth: Words, guess: Words, classes: Words) -> float:
    """2 P R / (P + R) of the mean precision P and the mean recall R over all classes, 0 to 1.

    A third kind of F1 in use, not the same as `macro_f1` (Khor et al. 2018, arXiv 1805.08417, code).
    """
    return float(_f1_of_means(_counts(truth, guess, classes)))


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
    the MEGC 2018 composite, not 1 (Varanka et al. 2022, arXiv 2211.11425). `folds` names the fold of each clip.
    """
    return float(_macro_f1(_grouped_counts(truth, guess, classes, folds, "folds")).mean())


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall and F1 of one class, each 0 to 1 and 0 where undefined, and its number of clips."""

    precision: float
    recall: float
    f1: float
    n: int


def per_class(truth: Words, guess: Words, classes: Words) -> dict[str, ClassScore]:
    """The scores of each class, in the order of `classes`."""
    precision, recall, f1, n = (part.tolist() for part in _by_class(_counts(truth, guess, classes)))
    return {word: ClassScore(precision[i], recall[i], f1[i], int(n[i])) for i, word in enumerate(classes)}


def majority(truth: Words, classes: Words) -> list[str]:
    """The most frequent word for every clip (the first of the class list where two are as frequent)."""
    clips = _counts(truth, truth, classes).sum(axis=1)
    return [classes[int(clips.argmax())]] * len(truth)


def expand_confusion_matrix(
    matrix: Sequence[Sequence[int]] | np.ndarray, classes: Words
) -> tuple[list[str], list[str]]:
    """(truth, guess) of a printed (C, C) confusion matrix of counts (rows truth), so that it can be scored.

    Raises:
        ValueError: not one row and one column a class, or a cell that is no count.
    """
    counts, size = np.asarray(matrix), len(classes)
    if counts.shape != (size, size):
        raise ValueError(f"a matrix of shape {counts.shape} for {size} classes: give one row and one column a class")
    if (counts < 0).any() or (counts != counts.astype(np.int64)).any():
        raise ValueError(f"{counts.tolist()} holds a cell that is no count: turn per cent into numbers of clips first")
    cells = [(t, g) for t in range(size) for g in range(size) for _ in range(int(counts[t, g]))]
    return [classes[t] for t, _ in cells], [classes[g] for _, g in cells]


# ---------------------------------------------------------------------------------------------------------------------
# how sure: people drawn with replacement


# ---------------------------------------------------------------------------------------------------------------------
# spotting


# ---------------------------------------------------------------------------------------------------------------------
# from counts (..., C, C + 1): rows truth, columns guess, the last column abstentions


def _counts(truth: Words, guess: Words, classes: Words) -> np.ndarray:
    return _grouped_counts(truth, guess, classes, [""] * len(truth), "groups")[0]


def _grouped_counts(truth: Words, guess: Words, classes: Words, groups: Sequence[str], what: str) -> np.ndarray:
    """(groups, C, C + 1), the groups in the order of their names."""
    for other, name in ((guess, "guesses"), (groups, what)):
        if len(truth) != len(other):
            raise ValueError(f"{len(truth)} truths but {len(other)} {name}: give one of each a clip")
    if len(truth) == 0:
        raise ValueError("there is no clip to score (0 truths): give at least one")
    if len(set(classes)) != len(classes) or "" in classes:
        raise ValueError(f"classes = {list(classes)}: give each class once, and none that is ''")
    place = {word: i for i, word in enumerate(classes)}
    for words, name in ((truth, "truth"), (set(guess) - {""}, "guess")):
        if strange := set(words) - set(place):
            raise ValueError(f"{name} '{min(strange)}' is none of the classes {', '.join(classes)}: map it or drop it")
    names, group = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    counts = np.zeros((len(names), len(classes), len(classes) + 1), np.int64)
    for index, real, word in zip(group, truth, guess, strict=True):
        counts[index, place[real], place.get(word, -1)] += 1
    return counts


def _by_class(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall, F1 and number of clips, each (..., C)."""
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    n, guessed = counts.sum(axis=-1), counts[..., :-1].sum(axis=-2)
    return _ratio(right, guessed), _ratio(right, n), _ratio(2 * right, n + guessed), n


def _war(counts: np.ndarray) -> np.ndarray:
    return _ratio(np.trace(counts, axis1=-2, axis2=-1), counts.sum(axis=(-2, -1)))


def _uar(counts: np.ndarray) -> np.ndarray:
    return np.mean(_by_class(counts)[1], axis=-1)


def _macro_f1(counts: np.ndarray) -> np.ndarray:
    return np.mean(_by_class(counts)[2], axis=-1)


def _weighted_f1(counts: np.ndarray) -> np.ndarray:
    _, _, f1, n = _by_class(counts)
    return _ratio((f1 * n).sum(axis=-1), n.sum(axis=-1))


def _f1_of_means(counts: np.ndarray) -> np.ndarray:
    precision, recall, _, _ = _by_class(counts)
    p, r = precision.mean(axis=-1), recall.mean(axis=-1)
    return _ratio(2 * p * r, p + r)


def _ratio(part: np.ndarray | float, whole: np.ndarray | float) -> np.ndarray:
    """part / whole, 0 where whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
