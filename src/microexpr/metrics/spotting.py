"""Scores of spotting: one set for micro-expressions, macro-expressions and both, and spot-then-recognize."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..core.clip import Interval
from ..core.errors import UsageError
from .intervals import Spans, SpottingScore, interval_f1, match_intervals, strs
from .recognition import macro_f1

VideoIntervals = Mapping[str, Sequence[Interval]]
"""Video -> intervals."""

KINDS = ("micro", "macro", "all")

COARSE_CLASSES = ("negative", "positive", "surprise")
"""The three classes of MEGC 2019 and of spot-then-recognize."""

_EMOTIONS = {
    "negative": {"negative", "anger", "contempt", "disgust", "fear", "repression", "sadness"},
    "positive": {"positive", "happiness"},
    "surprise": {"surprise"},
}


@dataclass(frozen=True)
class SpottingScores:
    """Scores of a spotter over videos.

    Attributes:
        by_kind: `micro`, `macro`, `all` -> counts, precision, recall, F1. Micro- and macro-expressions are matched
            separately, and `all` sums their counts, as MEGC 2020 does: an interval of the wrong kind counts as a miss
            and as a false alarm.
        any_kind: the same when the kind is ignored.
        false_alarms_per_minute: of those in `any_kind`.
        onset_error_ms: mean absolute error of the onset in milliseconds over the pairs in `any_kind`; nan without any.
    """

    by_kind: Mapping[str, SpottingScore]
    any_kind: SpottingScore
    false_alarms_per_minute: float
    onset_error_ms: float


def evaluate_spotting(
    true_intervals: VideoIntervals,
    found_intervals: VideoIntervals,
    seconds: Mapping[str, float],
    fps: Mapping[str, float],
) -> SpottingScores:
    """Compute precision, recall and F1 at IoU 0.5 over all videos, false alarms per minute and the onset error.

    Args:
        true_intervals: video -> true intervals.
        found_intervals: video -> found intervals, in the same frame numbers.
        seconds: length of each video in `true_intervals`.
        fps: frames per second of each video in `true_intervals`.

    Raises:
        UsageError: a video has no length or frame rate, or one that is not above 0.
    """
    for video in true_intervals:
        if not seconds.get(video, 0) > 0 or not fps.get(video, 0) > 0:
            raise UsageError(f"video '{video}': give its seconds and frames per second, both above 0")
    by_kind = {
        kind: interval_f1(_spans(true_intervals, kind), _spans(found_intervals, kind)) for kind in ("micro", "macro")
    }
    micro, macro = by_kind["micro"], by_kind["macro"]
    both = SpottingScore(micro.tp + macro.tp, micro.fp + macro.fp, micro.fn + macro.fn)
    any_kind = interval_f1(_spans(true_intervals), _spans(found_intervals))
    errors = [
        abs(true.onset - found.onset) / fps[video] * 1000
        for video, intervals in true_intervals.items()
        for true, found in match_intervals(intervals, found_intervals.get(video, ()))
    ]
    minutes = sum(seconds[video] for video in true_intervals) / 60
    return SpottingScores(
        by_kind={**by_kind, "all": both},
        any_kind=any_kind,
        false_alarms_per_minute=any_kind.fp / minutes if true_intervals else 0.0,
        onset_error_ms=float(np.mean(errors)) if errors else float("nan"),
    )


@dataclass(frozen=True)
class SpotThenRecognize:
    """How well intervals were found and then classified (MEGC 2025).

    Attributes:
        kind: of the intervals: `micro`, `macro` or `all`.
        spotting_f1: F1 of finding them, 0 to 1.
        analysis_f1: macro F1 over three coarse classes of the true positives, 0 to 1.
        scored: number of true positives that have a coarse class.
        left_out: number of true positives without one (`others`); they count for spotting only.
    """

    kind: str
    spotting_f1: float
    analysis_f1: float
    scored: int
    left_out: int

    @property
    def strs(self) -> float:
        """The product of both F1, 0 to 1."""
        return strs(self.spotting_f1, self.analysis_f1)


def spot_then_recognize(
    scores: SpottingScores, y_true: Sequence[str], y_pred: Sequence[str], kind: str = "micro"
) -> SpotThenRecognize:
    """Compute STRS of MEGC 2025 (arXiv 2506.15298): F1 of spotting times macro F1 on the true positives.

    Args:
        scores: of the spotting.
        y_true: emotion of each true positive, as its release names it.
        y_pred: coarse class predicted for each true positive; "" (no prediction) counts as wrong.
        kind: which intervals were classified.

    Raises:
        UsageError: the lengths differ, or a prediction has no coarse class.
    """
    if len(y_true) != len(y_pred):
        raise UsageError(f"{len(y_true)} true positives but {len(y_pred)} predictions; give one each")
    if unknown := sorted({label for label in y_pred if label and coarse_class(label) is None}):
        raise UsageError(
            f"prediction '{unknown[0]}' is neither negative, positive nor surprise; use a recognizer of these classes"
        )
    pairs = [(coarse_class(true), coarse_class(pred) or "") for true, pred in zip(y_true, y_pred, strict=True)]
    scored = [(true, pred) for true, pred in pairs if true is not None]
    f1 = macro_f1([true for true, _ in scored], [pred for _, pred in scored], COARSE_CLASSES) if scored else 0.0
    return SpotThenRecognize(kind, scores.by_kind[kind].f1, f1, len(scored), len(pairs) - len(scored))


def coarse_class(emotion: str) -> str | None:
    """Negative, positive or surprise, as MEGC 2019 groups emotions; None for any other (`others`)."""
    return next((name for name, emotions in _EMOTIONS.items() if emotion.lower() in emotions), None)


def _spans(videos: VideoIntervals, kind: str = "") -> Spans:
    """(onset, offset) of the intervals of a kind; of all intervals where `kind` is empty."""
    return {
        video: [(interval.onset, interval.offset) for interval in intervals if kind in ("", interval.kind)]
        for video, intervals in videos.items()
    }
