"""Intervals of frames: their overlap, one-to-one matching, and the F1 of spotting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ..core.clip import Interval
from ..core.events import Event
from .recognition import ratio

Span = tuple[int, int]
"""(onset, offset) in frames; both frames belong to the interval."""

Spans = Mapping[str, Sequence[Span]]
"""Video -> the intervals in it."""

Timed = TypeVar("Timed", Interval, Event)
"""Anything with an onset and an offset in frames."""


@dataclass(frozen=True)
class SpottingScore:
    """Counts of intervals pooled over videos, with the scores that follow from them.

    Attributes:
        tp: true intervals that were found.
        fp: found intervals that match no true one.
        fn: true intervals that were not found.
    """

    tp: int
    fp: int
    fn: int

    @property
    def precision(self) -> float:
        """TP / (TP + FP), 0 to 1; 0 where nothing was found."""
        return float(ratio(self.tp, self.tp + self.fp))

    @property
    def recall(self) -> float:
        """TP / (TP + FN), 0 to 1; 0 where there is nothing to find."""
        return float(ratio(self.tp, self.tp + self.fn))

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN), 0 to 1; 0 where there is nothing to find and nothing was found."""
        return f1_of_counts(self.tp, self.fp, self.fn)


def f1_of_counts(tp: int, fp: int, fn: int) -> float:
    """2 TP / (2 TP + FP + FN), 0 to 1; 0 where there is nothing to find and nothing was found.

    Raises:
        ValueError: a count is negative.
    """
    if min(tp, fp, fn) < 0:
        raise ValueError(f"tp, fp, fn = {tp}, {fp}, {fn}: counts must not be negative")
    return float(ratio(2 * tp, 2 * tp + fp + fn))


def interval_f1(true_intervals: Spans, found_intervals: Spans, iou: float = 0.5) -> SpottingScore:
    """Match intervals one to one within each video, best overlap first, and pool the counts over the videos.

    A pair counts when its intersection over union is `iou` or more (He et al. 2020, arXiv 1912.11985, MEGC 2020).

    Args:
        true_intervals: video -> (onset, offset) of its true intervals. A video that is in one mapping only has no
            intervals in the other.
        found_intervals: the same for the intervals that a spotter found.
        iou: smallest overlap of a pair, above 0 and at most 1.

    Returns:
        The counts, with precision, recall and F1.

    Raises:
        ValueError: an interval ends before it begins, or `iou` is out of range.
    """
    if not 0 < iou <= 1:
        raise ValueError(f"iou = {iou}: give a value above 0 and at most 1, such as 0.5")
    n_true, n_found = _count_intervals(true_intervals), _count_intervals(found_intervals)
    tp = sum(
        len(_match_spans(spans, found_intervals[video], iou))
        for video, spans in true_intervals.items()
        if video in found_intervals
    )
    return SpottingScore(tp, n_found - tp, n_true - tp)


def challenge_counts(true_intervals: Spans, found_intervals: Spans, iou: float = 0.5) -> SpottingScore:
    """Count as MEGC 2020 does (code of He et al. 2020): to compare with published scores, not instead of `interval_f1`.

    A label is found if any found interval overlaps it by `iou`, so one find may be true for several labels. False
    positives are the found intervals less the labels that were found: of two finds of one label the second is one, and
    a find of two labels hides one. There are never fewer than none.

    Args:
        true_intervals: video -> (onset, offset) of its true intervals.
        found_intervals: the same for the intervals that a spotter found.
        iou: smallest overlap at which a label is found, above 0 and at most 1.
    """
    n_true, n_found = _count_intervals(true_intervals), _count_intervals(found_intervals)
    tp = sum(
        len({i for i, _, value in _overlapping(spans, found_intervals.get(video, ())) if value >= iou})
        for video, spans in true_intervals.items()
    )
    return SpottingScore(tp, max(0, n_found - tp), n_true - tp)


def overlap(a: Span, b: Span) -> float:
    """Intersection over union of two intervals, 0 to 1; 0 where they have no frame in common."""
    common = max(0, min(a[1], b[1]) - max(a[0], b[0]) + 1)
    return common / (a[1] - a[0] + 1 + b[1] - b[0] + 1 - common)


def match_intervals(first: Sequence[Timed], second: Sequence[Timed], iou: float = 0.5) -> list[tuple[Timed, Timed]]:
    """Match intervals or events of one video one to one, best overlap first.

    Args:
        first: for example the true intervals.
        second: for example the found intervals, in the same frame numbers.
        iou: smallest intersection over union of a pair.

    Returns:
        (first, second) of each pair, best overlap first.
    """
    pairs = _match_spans([(i.onset, i.offset) for i in first], [(i.onset, i.offset) for i in second], iou)
    return [(first[i], second[j]) for i, j in pairs]


def overlap_of_shorter(a: Span, b: Span) -> float:
    """Part of the shorter of two intervals of frames that lies in the other, 0 to 1; both ends counted."""
    common = max(0, min(a[1], b[1]) - max(a[0], b[0]) + 1)
    return common / (min(a[1] - a[0], b[1] - b[0]) + 1)


def strs(spotting_f1: float, analysis_f1: float) -> float:
    """STRS, the spot-then-recognize score: the product of both F1, 0 to 1 (MEGC 2025, arXiv 2506.15298).

    Raises:
        ValueError: an F1 is not between 0 and 1.
    """
    for value in (spotting_f1, analysis_f1):
        if not 0 <= value <= 1:
            raise ValueError(f"F1 = {value}: must be between 0 and 1 (not per cent)")
    return spotting_f1 * analysis_f1


def _match_spans(first: Sequence[Span], second: Sequence[Span], iou: float) -> list[tuple[int, int]]:
    """Indices of the pairs, best overlap first; where two overlap alike, the earlier in `first`, then in `second`."""
    return choose_pairs((value, i, j) for i, j, value in _overlapping(first, second) if value >= iou)


def choose_pairs(candidates: Iterable[tuple[float, int, int]]) -> list[tuple[int, int]]:
    """Choose pairs one to one, the best first.

    Args:
        candidates: (overlap, index of the first, index of the second); of equal overlaps the first counts.
    """
    pairs: list[tuple[int, int]] = []
    used_first: set[int] = set()
    used_second: set[int] = set()
    for _, i, j in sorted(candidates, key=lambda candidate: -candidate[0]):
        if i not in used_first and j not in used_second:
            used_first.add(i)
            used_second.add(j)
            pairs.append((i, j))
    return pairs


def _overlapping(first: Sequence[Span], second: Sequence[Span]) -> Iterator[tuple[int, int, float]]:
    """(i, j, intersection over union) of the pairs that have a frame in common, sorted by i, then j."""
    onsets, offsets = (np.array([span[end] for span in second], np.int64) for end in (0, 1))
    for i, (onset, offset) in enumerate(first):  # no list of all pairs: a file may hold ten thousands of events
        for j in np.flatnonzero((onsets <= offset) & (offsets >= onset)).tolist():
            yield i, j, overlap((onset, offset), second[j])


def _count_intervals(spans: Spans) -> int:
    for video, intervals in spans.items():
        for onset, offset in intervals:
            if offset < onset:
                raise ValueError(f"video '{video}': interval {onset}..{offset} ends before it begins; give onset first")
    return sum(map(len, spans.values()))
