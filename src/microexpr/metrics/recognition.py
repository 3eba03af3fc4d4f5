"""Scores of recognition, each its own function of `(y_true, y_pred, classes)`.

`y_true` and `y_pred` hold one class label a clip, pooled over all folds; `classes` is the list that the protocol fixes.
A class without a clip counts 0 and is never left out of a mean. A prediction of "" is an abstention (no face was
found): a miss for the clip's class, and a false alarm for none. All functions raise ValueError where lengths differ,
where there is no clip, and where a label is not in `classes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .base import METRICS, Labels, Metric


def confusion_matrix(y_true: Labels, y_pred: Labels, classes: Labels) -> np.ndarray:
    """Count the clips of each true and predicted class.

    Args:
        y_true: true label of each clip.
        y_pred: predicted label of each clip, or "" where there is none.
        classes: every class once, in the order of rows and columns.

    Returns:
        (C, C) counts, rows true, columns predicted. A clip without a prediction is in no column: `count_abstentions`
        counts them, and row sums are smaller than the class counts by them.

    Raises:
        ValueError: lengths differ, there is no clip, or a label is not a class.
    """
    return count_predictions(y_true, y_pred, classes)[:, :-1]


def count_abstentions(y_pred: Labels) -> int:
    """Count the clips without a prediction."""
    return sum(label == "" for label in y_pred)


def weighted_average_recall(y_true: Labels, y_pred: Labels, classes: Labels) -> float:
    """WAR: correct clips / clips, 0 to 1; the same as accuracy (Yap et al. 2018, MEGC 2018)."""
    return float(_war(count_predictions(y_true, y_pred, classes)))


def unweighted_average_recall(y_true: Labels, y_pred: Labels, classes: Labels) -> float:
    """UAR: mean over all classes of TP / n, 0 to 1; a class without a clip counts 0 (See et al. 2019, MEGC 2019)."""
    return float(_uar(count_predictions(y_true, y_pred, classes)))


def macro_f1(y_true: Labels, y_pred: Labels, classes: Labels) -> float:
    """UF1: mean over all classes of 2 TP / (2 TP + FP + FN), 0 to 1, from counts pooled over all folds.

    A class that is neither true nor predicted for any clip counts 0 (See et al. 2019, MEGC 2019).
    """
    return float(_macro_f1(count_predictions(y_true, y_pred, classes)))


def weighted_f1(y_true: Labels, y_pred: Labels, classes: Labels) -> float:
    """Mean of the classes' F1 weighted by their numbers of clips, 0 to 1 (Yap et al. 2018, MEGC 2018)."""
    return float(_weighted_f1(count_predictions(y_true, y_pred, classes)))


def f1_of_mean_precision_recall(y_true: Labels, y_pred: Labels, classes: Labels) -> float:
    """2 P R / (P + R) of the mean precision P and the mean recall R over all classes, 0 to 1.

    A third kind of F1 in use, not the same as `macro_f1` (Khor et al. 2018, arXiv 1805.08417, code).
    """
    return float(_f1_of_means(count_predictions(y_true, y_pred, classes)))


def fold_mean_accuracy(y_true: Labels, y_pred: Labels, classes: Labels, folds: Sequence[str]) -> float:
    """Mean over folds of the fraction of correct clips, 0 to 1; a fold of one clip weighs as much as one of thirty.

    It is not `weighted_average_recall`, which pools all clips: the accuracies of the baselines of Davison et al. 2018,
    as Peng et al. 2018 print them in Tables V and VI, are means of folds.

    Args:
        y_true: true label of each clip.
        y_pred: predicted label of each clip, or "" where there is none.
        classes: every class once.
        folds: name of the fold of each clip.
    """
    return float(_war(count_by_group(y_true, y_pred, classes, folds, "folds")).mean())


def fold_mean_f1(y_true: Labels, y_pred: Labels, classes: Labels, folds: Sequence[str]) -> float:
    """Mean over folds of `macro_f1`, 0 to 1; some papers print it, and it misleads.

    A subject who never shows a class makes its F1 zero in that fold: a perfect predictor gets .632 on MEGC 2019 and
    .413 on the MEGC 2018 composite, not 1 (Varanka et al. 2022, arXiv 2211.11425).

    Args:
        y_true: true label of each clip.
        y_pred: predicted label of each clip, or "" where there is none.
        classes: every class once.
        folds: name of the fold of each clip.
    """
    return float(_macro_f1(count_by_group(y_true, y_pred, classes, folds, "folds")).mean())


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall and F1 of one class, each 0 to 1 and 0 where undefined, and its number of clips."""

    precision: float
    recall: float
    f1: float
    n: int


def per_class(y_true: Labels, y_pred: Labels, classes: Labels) -> dict[str, ClassScore]:
    """Class -> its scores, in the order of `classes`."""
    precision, recall, f1, n = (values.tolist() for values in _by_class(count_predictions(y_true, y_pred, classes)))
    return {label: ClassScore(precision[i], recall[i], f1[i], int(n[i])) for i, label in enumerate(classes)}


def predict_majority(y_true: Labels, classes: Labels) -> list[str]:
    """The most frequent label, once a clip (the first in `classes` where two are as frequent): a baseline."""
    clips = count_predictions(y_true, y_true, classes).sum(axis=1)
    return [classes[int(clips.argmax())]] * len(y_true)


def expand_confusion_matrix(
    matrix: Sequence[Sequence[int]] | np.ndarray, classes: Labels
) -> tuple[list[str], list[str]]:
    """Turn a printed (C, C) confusion matrix of counts (rows true) into (y_true, y_pred), so that it can be scored.

    Raises:
        ValueError: not one row and one column a class, or a cell is not a count.
    """
    counts, size = np.asarray(matrix), len(classes)
    if counts.shape != (size, size):
        raise ValueError(f"a matrix of shape {counts.shape} for {size} classes: give one row and one column a class")
    if (counts < 0).any() or (counts != counts.astype(np.int64)).any():
        raise ValueError(f"{counts.tolist()} holds a cell that is no count: turn per cent into numbers of clips first")
    cells = [(i, j) for i in range(size) for j in range(size) for _ in range(int(counts[i, j]))]
    return [classes[i] for i, _ in cells], [classes[j] for _, j in cells]


def count_predictions(y_true: Labels, y_pred: Labels, classes: Labels) -> np.ndarray:
    """(C, C + 1) counts, rows true, columns predicted, the last column clips without a prediction."""
    return count_by_group(y_true, y_pred, classes, [""] * len(y_true), "groups")[0]


def count_by_group(y_true: Labels, y_pred: Labels, classes: Labels, groups: Sequence[str], what: str) -> np.ndarray:
    """Count the predictions of each group of clips.

    Args:
        y_true: true label of each clip.
        y_pred: predicted label of each clip, or "" where there is none.
        classes: every class once.
        groups: the group of each clip, for example its subject or its fold.
        what: what an error calls the groups.

    Returns:
        (groups, C, C + 1) counts as of `count_predictions`, the groups sorted by name.

    Raises:
        ValueError: lengths differ, there is no clip, or a label is not a class.
    """
    for other, name in ((y_pred, "predictions"), (groups, what)):
        if len(y_true) != len(other):
            raise ValueError(f"{len(y_true)} labels but {len(other)} {name}: give one of each a clip")
    if len(y_true) == 0:
        raise ValueError("there is no clip to score (0 labels): give at least one")
    if len(set(classes)) != len(classes) or "" in classes:
        raise ValueError(f"classes = {list(classes)}: give each class once, and none that is ''")
    index = {label: i for i, label in enumerate(classes)}
    for labels, name in ((y_true, "label"), (set(y_pred) - {""}, "prediction")):
        if unknown := set(labels) - set(index):
            raise ValueError(
                f"{name} '{min(unknown)}' is not one of the classes {', '.join(classes)}: map it or drop it"
            )
    names, group_indices = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    counts = np.zeros((len(names), len(classes), len(classes) + 1), np.int64)
    for group, true, predicted in zip(group_indices, y_true, y_pred, strict=True):
        counts[group, index[true], index.get(predicted, -1)] += 1
    return counts


def ratio(part: np.ndarray | float, whole: np.ndarray | float) -> np.ndarray:
    """part / whole, 0 where whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)


# The scores from counts (..., C, C + 1) as `count_predictions` gives them; any leading axes are computed at once.


def _by_class(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall, F1 and number of clips, each (..., C)."""
    correct = np.diagonal(counts, axis1=-2, axis2=-1)
    n, predicted = counts.sum(axis=-1), counts[..., :-1].sum(axis=-2)
    return ratio(correct, predicted), ratio(correct, n), ratio(2 * correct, n + predicted), n


def _war(counts: np.ndarray) -> np.ndarray:
    return ratio(np.trace(counts, axis1=-2, axis2=-1), counts.sum(axis=(-2, -1)))


def _uar(counts: np.ndarray) -> np.ndarray:
    return np.mean(_by_class(counts)[1], axis=-1)


def _macro_f1(counts: np.ndarray) -> np.ndarray:
    return np.mean(_by_class(counts)[2], axis=-1)


def _weighted_f1(counts: np.ndarray) -> np.ndarray:
    _, _, f1, n = _by_class(counts)
    return ratio((f1 * n).sum(axis=-1), n.sum(axis=-1))


def _f1_of_means(counts: np.ndarray) -> np.ndarray:
    precision, recall, _, _ = _by_class(counts)
    mean_precision, mean_recall = precision.mean(axis=-1), recall.mean(axis=-1)
    return ratio(2 * mean_precision * mean_recall, mean_precision + mean_recall)


for _metric in (
    Metric("weighted_average_recall", "WAR", weighted_average_recall, _war, order=1),
    Metric("unweighted_average_recall", "UAR", unweighted_average_recall, _uar, order=2),
    Metric("macro_f1", "UF1", macro_f1, _macro_f1, order=3),
    Metric("weighted_f1", "weighted F1", weighted_f1, _weighted_f1, order=4),
    Metric("f1_of_mean_precision_recall", "F1 of mean P, R", f1_of_mean_precision_recall, _f1_of_means, order=5),
    Metric("fold_mean_f1", "fold-mean F1", macro_f1, _macro_f1, average="folds", order=6),
    Metric("fold_mean_accuracy", "fold-mean accuracy", weighted_average_recall, _war, average="folds", order=7),
):
    METRICS.add(_metric.name, _metric)
