"""Movements that were found and are no events, so that a page can show them and say why there is no event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..core.events import BELOW_THRESHOLD, Candidate, Event
from ..metrics.intervals import overlap_of_shorter
from .causes import Found, LeftOut, cause
from .summary import rounded

MAX_OVERLAP = 0.3
"""A movement that shares more than this part of the shorter one with an event is not shown beside it."""


def to_candidates(weaker: Found, left_out: LeftOut) -> list[Candidate]:
    """Make records.

    Args:
        weaker: movements below the threshold of the spotter.
        left_out: movements above it that are no expressions, with the cause.
    """
    found = []
    for track, interval, reason in [*((*pair, cause(*pair) or BELOW_THRESHOLD) for pair in weaker), *left_out]:
        apex = interval.onset if interval.apex is None else interval.apex
        frames = interval.onset, apex, interval.offset
        indices = np.minimum(np.searchsorted(track.numbers, frames), len(track) - 1)
        start, peak, end = (rounded(track.times[index]) for index in indices)
        found.append(Candidate(track.face, *frames, start, peak, end, rounded(interval.score or 0.0), reason))
    return found


def beside_events(candidates: Iterable[Candidate], events: Sequence[Event]) -> tuple[Candidate, ...]:
    """Those candidates that are not a part of an event or of its surroundings, by onset frame and then by face."""

    def is_apart(candidate: Candidate) -> bool:
        span = candidate.onset, candidate.offset
        others = [(event.onset, event.offset) for event in events if event.face == candidate.face]
        return all(overlap_of_shorter(span, other) <= MAX_OVERLAP for other in others)

    return tuple(sorted(filter(is_apart, candidates), key=lambda candidate: (candidate.onset, candidate.face)))
