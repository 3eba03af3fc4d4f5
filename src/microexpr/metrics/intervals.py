"""Describe me."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .recognition import _ratio

Spans = Mapping[str, Sequence[tuple[int, int]]]
"""Video -> (onset, offset) of its intervals, frames counted with both ends."""


@dataclass(frozen=True)
class SpottingScore:
    """Counts of intervals, pooled over videos; each score is 0 to 1, and 0 where there is nothing to count."""

    tp: int
    fp: int
    fn: int

    @property
    def precision(self) -> float:
        """Share of the guessed intervals that are right."""
        return float(_ratio(self.tp, self.tp + self.fp))

    @property
    def recall(self) -> float:
        """Share of the true intervals that were found."""
        return float(_ratio(self.tp, self.tp + self.fn))

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN)."""
        return f1_of_counts(self.tp, self.fp, self.fn)


def f1_of_counts(tp: int, fp: int, fn: int) -> float:
    """2 TP / (2 TP + FP + FN), 0 to 1; 0 where there is nothing to find and nothing was found.

    Raises:
        ValueError: a negative count.
    """
    if min(tp, fp, fn) < 0:
        raise ValueError(f"tp, fp, fn = {tp}, {fp}, {fn}: counts must not be negative")
    return float(_ratio(2 * tp, 2 * tp + fp + fn))


def interval_f1(truth_intervals: Spans, guess_intervals: Spans, iou: float = 0.5) -> SpottingScore:
    """Intervals matched one to one within each video, best overlap first, and pooled over videos.

    A pair counts when its intersection over union is `iou` or more (He et al. 2020, arXiv 1912.11985, MEGC 2020). A
    video that only one side names has no intervals on the other.

    Raises:
        ValueError: an interval that ends before it begins, or an `iou` that is not above 0 and at most 1.
    """
    if not 0 < iou <= 1:
        raise ValueError(f"iou = {iou}: take a share above 0 and at most 1, such as 0.5")
    n_real, n_found = (_length(spans) for spans in (truth_intervals, guess_intervals))
    tp = sum(_matches(truth_intervals[v], guess_intervals[v], iou) for v in truth_intervals if v in guess_intervals)
    return SpottingScore(tp, n_found - tp, n_real - tp)


def overlap(a: tuple[int, int], b: tuple[int, int]) -> float:
    """Intersection over union, 0 to 1, of two intervals of frames, both ends counted; 0 where they do not meet."""
    common = max(0, min(a[1], b[1]) - max(a[0], b[0]) + 1)
    return common / (a[1] - a[0] + 1 + b[1] - b[0] + 1 - common)


def strs(spotting_f1: float, analysis_f1: float) -> float:
    """STRS, spot-then-recognize score: the product of the two F1, each 0 to 1 (MEGC 2025, arXiv 2506.15298).

    Raises:
        ValueError: an F1 that is not between 0 and 1.
    """
    for value in (spotting_f1, analysis_f1):
        if not 0 <= value <= 1:
            raise ValueError(f"F1 = {value}: must be between 0 and 1 (not per cent)")
    return spotting_f1 * analysis_f1


def _matches(real: Sequence[tuple[int, int]], found: Sequence[tuple[int, int]], iou: float) -> int:
    pairs = [(overlap(r, f), i, j) for i, r in enumerate(real) for j, f in enumerate(found)]
    used_real: set[int] = set()
    used_found: set[int] = set()
    for value, i, j in sorted(pairs, key=lambda pair: -pair[0]):
        if value >= iou and i not in used_real and j not in used_found:
            used_real.add(i)
            used_found.add(j)
    return len(used_real)


def _length(spans: Spans) -> int:
    for video, intervals in spans.items():
        for onset, offset in intervals:
            if offset < onset:
                raise ValueError(f"video '{video}': interval {onset}..{offset} ends before it begins; give onset first")
    return sum(map(len, spans.values()))
