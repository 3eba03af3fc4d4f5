"""STRS, the score of finding expressions and then naming their emotion (MEGC 2023 to 2025).

The F1 of analysis is the harmonic mean of macro precision and macro recall over the true positives, as the challenge
computes it; it is not the mean of the classes' F1 (UF1), which stands beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..core.classes import COARSE_CLASSES
from ..core.clip import Interval
from ..core.errors import UsageError
from .intervals import SpottingScore, overlap, strs
from .recognition import f1_of_mean_precision_recall, macro_f1, per_class

_EMOTIONS = {
    "negative": {"negative", "anger", "contempt", "disgust", "fear", "repression", "sadness"},
    "positive": {"positive", "happiness"},
    "surprise": {"surprise"},
}

_OTHERS = {"others", "other", ""}


@dataclass(frozen=True)
class SpotThenRecognize:
    """How well intervals were found and then classified (MEGC 2025).

    Attributes:
        kind: of the intervals: `micro`, `macro` or `all`.
        classes: that were told apart.
        spotting_f1: F1 of finding them, 0 to 1.
        macro_precision: mean over the classes of TP / (TP + FP) on the true positives, 0 to 1.
        macro_recall: mean over the classes of TP / (TP + FN) on the true positives, 0 to 1.
        analysis_f1: harmonic mean of both, 0 to 1.
        mean_class_f1: mean of the classes' F1 (UF1), 0 to 1: not the challenge's.
        scored: number of true positives that have a class.
        left_out: number of true positives without one (`others`); they count for spotting only.
    """

    kind: str
    classes: tuple[str, ...]
    spotting_f1: float
    macro_precision: float
    macro_recall: float
    analysis_f1: float
    mean_class_f1: float
    scored: int
    left_out: int

    @property
    def strs(self) -> float:
        """F1 of spotting times F1 of analysis, 0 to 1."""
        return strs(self.spotting_f1, self.analysis_f1)


def spot_then_recognize(
    spotting: SpottingScore,
    y_true: Sequence[str],
    y_pred: Sequence[str],
    kind: str = "micro",
    classes: Sequence[str] = COARSE_CLASSES,
) -> SpotThenRecognize:
    """Compute STRS of MEGC 2025 (arXiv 2506.15298): F1 of spotting times F1 of analysis on the true positives.

    Args:
        spotting: counts of the spotting.
        y_true: emotion of each true positive, as its release names it.
        y_pred: class predicted for each true positive; "" and `others` count as wrong.
        kind: which intervals were classified.
        classes: what is told apart; with the default, emotions of a release are grouped as MEGC 2019 does.

    Raises:
        UsageError: the lengths differ, or a prediction is none of the classes.
    """
    if len(y_true) != len(y_pred):
        raise UsageError(f"{len(y_true)} true positives but {len(y_pred)} predictions; give one each")

    def class_of(emotion: str) -> str | None:
        named = coarse_class(emotion) if tuple(classes) == COARSE_CLASSES else emotion.lower()
        return named if named in classes else None

    if unknown := sorted({label for label in y_pred if label.lower() not in _OTHERS and class_of(label) is None}):
        names = f"neither {', '.join(classes[:-1])} nor {classes[-1]}" if len(classes) > 1 else f"not {classes[0]}"
        raise UsageError(f"prediction '{unknown[0]}' is {names}; use a recognizer of these classes")
    pairs = [(class_of(true), class_of(pred) or "") for true, pred in zip(y_true, y_pred, strict=True)]
    true, pred = [t for t, _ in pairs if t is not None], [p for t, p in pairs if t is not None]
    values = per_class(true, pred, classes).values() if true else ()
    return SpotThenRecognize(
        kind=kind,
        classes=tuple(classes),
        spotting_f1=spotting.f1,
        macro_precision=sum(value.precision for value in values) / len(classes),
        macro_recall=sum(value.recall for value in values) / len(classes),
        analysis_f1=f1_of_mean_precision_recall(true, pred, classes) if true else 0.0,
        mean_class_f1=macro_f1(true, pred, classes) if true else 0.0,
        scored=len(true),
        left_out=len(pairs) - len(true),
    )


def coarse_class(emotion: str) -> str | None:
    """Negative, positive or surprise, as MEGC 2019 groups emotions; None for any other (`others`)."""
    return next((name for name, emotions in _EMOTIONS.items() if emotion.lower() in emotions), None)


def analysis_classes(true_emotions: Collection[str], predicted_emotions: Collection[str]) -> tuple[str, ...]:
    """The classes that a submission tells apart: the coarse ones if it names no other, else the labels' emotions."""
    if {emotion.lower() for emotion in predicted_emotions} <= {*COARSE_CLASSES, *_OTHERS}:
        return COARSE_CLASSES
    return tuple(sorted({emotion.lower() for emotion in true_emotions} - {""})) or COARSE_CLASSES


def match_as_strs_code(
    true_intervals: Mapping[str, Sequence[Interval]],
    found_intervals: Mapping[str, Sequence[Interval]],
    iou: float = 0.5,
) -> tuple[SpottingScore, list[tuple[Interval, Interval]]]:
    """Count as the challenge's own code does (github.com/genbing99, strs_metric), to compare with its scores.

    It differs from matching one to one: finds are taken in the order of the file, and one may be true for several
    labels; finds in videos without a label are ignored, and so are the labels of a subject without any find.

    Args:
        true_intervals: `SUBJECT/VIDEO` -> annotated intervals.
        found_intervals: the same for the found ones, in the order of their file.
        iou: smallest overlap of a pair.

    Returns:
        The counts, and (annotated, found) of each pair.
    """
    subjects = {video.partition("/")[0] for video, found in found_intervals.items() if found}
    pairs: list[tuple[Interval, Interval]] = []
    fp = fn = 0
    for video, true in true_intervals.items():
        if video.partition("/")[0] not in subjects or not true:
            continue
        left = list(true)
        for find in found_intervals.get(video, ()):
            span = (find.onset, find.offset)
            matched = [label for label in left if overlap((label.onset, label.offset), span) >= iou]
            left = [label for label in left if label not in matched]
            pairs += [(label, find) for label in matched]
            fp += not matched
        fn += len(left)
    return SpottingScore(len(pairs), fp, fn), pairs
