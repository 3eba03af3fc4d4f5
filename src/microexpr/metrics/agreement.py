"""How far two coders agree on one recording: Cohen's kappa over time and classes, and where they differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.errors import DataError
from ..core.events import Event
from .intervals import match_intervals
from .recognition import confusion_matrix

ACCEPTED_STATUSES = frozenset({"confirmed", "corrected", "added"})
"""What a coder says is there; `rejected` is a judgment too, `found` is none."""


@dataclass(frozen=True)
class Difference:
    """A place where two coders differ.

    Attributes:
        what: `only first`, `only second`, or `class`.
        first, second: the event of each; None where a coder has none there.
    """

    what: str
    first: Event | None
    second: Event | None


@dataclass(frozen=True)
class Agreement:
    """How far two coders agree.

    Attributes:
        first, second: their names; several are joined by `+`.
        frames: how many were compared: frames of the recording times people of whom a coder kept an event.
        time_kappa: over frames, each of which lies in a movement or not; None where neither coder has one, or both
            have one everywhere: there is nothing to agree on.
        class_kappa: over the classes of the matched events; None where none is matched, or all have one class.
        matched: pairs of events that overlap by half or more (intersection over union).
        onset_seconds: mean distance of their onsets; None without a pair.
        unjudged: events of the first and of the second that the coder has not judged; they were left out.
        differences: by time.
    """

    first: str
    second: str
    frames: int
    time_kappa: float | None
    class_kappa: float | None
    matched: int
    onset_seconds: float | None
    unreviewed: tuple[int, int]
    differences: tuple[Difference, ...]


def cohen_kappa(counts: np.ndarray) -> float | None:
    """Agreement beyond chance, -1 to 1 (Cohen 1960, doi:10.1177/001316446002000104).

    Args:
        counts: (C, C) how often the first said the row and the second the column.

    Returns:
        None where chance alone agrees always: nothing was judged, or both said one and the same word throughout.
    """
    total = counts.sum()
    if total == 0:
        return None
    seen = np.trace(counts) / total
    chance = float((counts.sum(0) / total) @ (counts.sum(1) / total))
    return None if np.isclose(chance, 1) else float((seen - chance) / (1 - chance))


def agreement(first: Sequence[Event], second: Sequence[Event], numbers: range, iou: float = 0.5) -> Agreement:
    """Hold two coders' events of one recording against each other.

    Time is compared frame by frame for each person (time-unit kappa, Bakeman & Quera 2011); classes are compared where
    events are matched one to one, best overlap first. Long movements weigh more in the first, not in the second.

    Args:
        first, second: events as a coder left them.
        numbers: frame numbers of the recording.
        iou: share of overlap from which two events are the same one.

    Raises:
        DataError: an event ends before it begins or lies outside the recording; or a coder has judged nothing although
            there are events.
    """
    sides = [_accepted(events, numbers, name) for events, name in ((first, "first"), (second, "second"))]
    faces = sorted({event.face for side in sides for event in side})
    matched: list[tuple[Event, Event]] = []
    counts = np.zeros((2, 2), np.int64)
    for face in faces:
        own = [[event for event in side if event.face == face] for side in sides]
        matched += match_intervals(own[0], own[1], iou)
        counts += _frame_counts(own[0], own[1], numbers)
    onsets = [abs(a.start - b.start) for a, b in matched]
    return Agreement(
        _names(first),
        _names(second),
        int(counts.sum()),
        cohen_kappa(counts),
        cohen_kappa(_class_counts(matched)),
        len(matched),
        float(np.mean(onsets)) if onsets else None,
        (_count_unreviewed(first), _count_unreviewed(second)),
        _differences(sides[0], sides[1], matched),
    )


def _accepted(events: Sequence[Event], numbers: range, name: str) -> list[Event]:
    for event in events:
        inside = event.onset in numbers and event.offset in numbers and event.onset <= event.offset
        if not (inside and math.isfinite(event.start)):
            raise DataError(
                f"the {name} coder's event at frames {event.onset} to {event.offset} does not lie in this recording "
                f"(frames {numbers[0]} to {numbers[-1]}); is it the file of another one?"
            )
    if events and _count_unreviewed(events) == len(events):
        raise DataError(f"the {name} coder has not judged any of the {len(events)} events (all are `found`)")
    return [event for event in events if event.status in ACCEPTED_STATUSES]


def _count_unreviewed(events: Sequence[Event]) -> int:
    return sum(event.status == "found" for event in events)


def _names(events: Sequence[Event]) -> str:
    return "+".join(dict.fromkeys(event.coder for event in events if event.coder)) or "unnamed"


def _frame_counts(first: Sequence[Event], second: Sequence[Event], numbers: range) -> np.ndarray:
    """(2, 2) frames of one person: nothing or a movement, as the first and as the second coder see it."""
    inside = np.zeros((2, len(numbers)), np.int64)
    for row, events in zip(inside, (first, second), strict=True):
        for event in events:
            row[numbers.index(event.onset) : numbers.index(event.offset) + 1] = 1
    return np.bincount(2 * inside[0] + inside[1], minlength=4).reshape(2, 2)


def _class_counts(matched: Sequence[tuple[Event, Event]]) -> np.ndarray:
    """(C, C) classes of the matched events: rows the first coder's, columns the second's."""
    words = sorted({event.label for pair in matched for event in pair})
    if not matched:
        return np.zeros((1, 1), np.int64)
    return confusion_matrix([a.label for a, _ in matched], [b.label for _, b in matched], words)


def _differences(
    first: Sequence[Event], second: Sequence[Event], matched: Sequence[tuple[Event, Event]]
) -> tuple[Difference, ...]:
    paired = {id(event) for pair in matched for event in pair}
    found = [Difference("only first", event, None) for event in first if id(event) not in paired]
    found += [Difference("only second", None, event) for event in second if id(event) not in paired]
    found += [Difference("class", a, b) for a, b in matched if a.label != b.label]
    return tuple(sorted(found, key=lambda one: min(e.start for e in (one.first, one.second) if e is not None)))
