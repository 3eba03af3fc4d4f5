"""Scores of spotting: one set for micro-expressions, macro-expressions and both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..core.clip import Interval
from ..core.errors import UsageError
from .intervals import Spans, SpottingScore, challenge_counts, interval_f1, match_intervals

VideoIntervals = Mapping[str, Sequence[Interval]]
"""Video -> intervals."""

KINDS = ("micro", "macro", "all")


@dataclass(frozen=True)
class SpottingScores:
    """Scores of a spotter over videos.

    Attributes:
        by_kind: `micro`, `macro`, `all` -> counts, precision, recall, F1. Micro- and macro-expressions are matched
            separately, and `all` sums their counts, as MEGC 2020 does: an interval of the wrong kind counts as a miss
            and as a false alarm.
        any_kind: the same when the kind is ignored.
        as_challenge: the same keys as in `by_kind`, counted as the challenge counts (`challenge_counts`): one found
            interval may be true for several.
        false_alarms_per_minute: of those in `any_kind`.
        onset_error_ms: mean absolute error of the onset in milliseconds over the pairs in `any_kind`; nan without any.
    """

    by_kind: Mapping[str, SpottingScore]
    any_kind: SpottingScore
    as_challenge: Mapping[str, SpottingScore]
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
    any_kind = interval_f1(spans_of(true_intervals), spans_of(found_intervals))
    errors = [
        abs(true.onset - found.onset) / fps[video] * 1000
        for video, intervals in true_intervals.items()
        for true, found in match_intervals(intervals, found_intervals.get(video, ()))
    ]
    minutes = sum(seconds[video] for video in true_intervals) / 60
    return SpottingScores(
        by_kind=count_by_kind(true_intervals, found_intervals, interval_f1),
        any_kind=any_kind,
        as_challenge=count_by_kind(true_intervals, found_intervals, challenge_counts),
        false_alarms_per_minute=any_kind.fp / minutes if true_intervals else 0.0,
        onset_error_ms=float(np.mean(errors)) if errors else float("nan"),
    )


def count_by_kind(
    true_intervals: VideoIntervals,
    found_intervals: VideoIntervals,
    count: Callable[[Spans, Spans], SpottingScore],
) -> dict[str, SpottingScore]:
    """`micro` and `macro` -> counts of the intervals of that kind, and `all` -> their sum."""
    micro, macro = (
        count(spans_of(true_intervals, kind), spans_of(found_intervals, kind)) for kind in ("micro", "macro")
    )
    both = SpottingScore(micro.tp + macro.tp, micro.fp + macro.fp, micro.fn + macro.fn)
    return {"micro": micro, "macro": macro, "all": both}


def spans_of(videos: VideoIntervals, kind: str = "") -> Spans:
    """(onset, offset) of the intervals of a kind; of all intervals where `kind` is empty."""
    return {
        video: [(interval.onset, interval.offset) for interval in intervals if kind in ("", interval.kind)]
        for video, intervals in videos.items()
    }
