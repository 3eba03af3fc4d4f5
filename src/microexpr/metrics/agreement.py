"""How far two coders agree on one recording: Cohen's kappa over time and classes, and where they differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.errors import DataError
from ..core.events import Event, unit_codes
from .intervals import match_intervals
from .recognition import confusion_matrix

ACCEPTED_STATUSES = frozenset({"confirmed", "corrected", "added"})
"""Statuses of events that a coder accepted. `rejected` is a decision too; `found` is an event not reviewed yet."""


ROUNDED_SECONDS = 0.002
"""Files round seconds to this."""


@dataclass(frozen=True)
class UnitAgreement:
    """Agreement on one action unit over the matched events, whatever its side.

    Attributes:
        number: of FACS.
        first: number of events in which the first coder has it.
        second: number of events in which the second coder has it.
        both: number of events in which both have it.
        same_side: number of these in which they have it on the same side.
        kappa: over the events, each with or without it; None where both coders have it in all of them.
    """

    number: int
    first: int
    second: int
    both: int
    same_side: int
    kappa: float | None


@dataclass(frozen=True)
class Difference:
    """An event on which two coders differ.

    Attributes:
        what: kind of the difference: `only first`, `only second`, `class`, or `action units`.
        first: the first coder's event; None where there is none.
        second: the second coder's event; None where there is none.
    """

    what: str
    first: Event | None
    second: Event | None


@dataclass(frozen=True)
class Agreement:
    """Agreement of two coders.

    Attributes:
        first: name of the first coder; several are joined by `+`.
        second: name of the second coder.
        frames: number of compared frames: frames of the recording times the faces with an accepted event.
        time_kappa: kappa over frames, each inside or outside of an event; None where neither coder has an event, or
            both have one in every frame.
        class_kappa: kappa over the classes of the matched events; None where none is matched, or all have one class.
        unit_ratio: agreement on action units as FACS computes it: twice the number of those that both coders have in a
            matched event, over the number of those that either has; None where a coder has no action unit at all.
        units: agreement on each action unit that a coder has in a matched event.
        matched: number of pairs of events whose intersection over union is a half or more.
        onset_seconds: mean distance of the onsets of the pairs; None without a pair.
        unreviewed: number of events that the first and the second coder have not reviewed; they are left out.
        differences: sorted by time.
        agreed: the first coder's events of the pairs, whatever their class.
    """

    first: str
    second: str
    frames: int
    time_kappa: float | None
    class_kappa: float | None
    unit_ratio: float | None
    units: tuple[UnitAgreement, ...]
    matched: int
    onset_seconds: float | None
    unreviewed: tuple[int, int]
    differences: tuple[Difference, ...]
    agreed: tuple[Event, ...]


def cohen_kappa(counts: np.ndarray) -> float | None:
    """Agreement beyond chance, -1 to 1 (Cohen 1960, doi:10.1177/001316446002000104).

    (p_o - p_e) / (1 - p_e), where p_o is the fraction of equal decisions and p_e the one expected by chance.

    Args:
        counts: (C, C) numbers of decisions, rows the first coder's, columns the second's.

    Returns:
        None where p_e is 1: there is no decision, or both coders used the same single class throughout.
    """
    total = counts.sum()
    if total == 0:
        return None
    observed = np.trace(counts) / total
    chance = float((counts.sum(0) / total) @ (counts.sum(1) / total))
    return None if np.isclose(chance, 1) else float((observed - chance) / (1 - chance))


def agreement(
    first: Sequence[Event],
    second: Sequence[Event],
    numbers: range,
    iou: float = 0.5,
    times: Sequence[float] | np.ndarray | None = None,
) -> Agreement:
    """Compare two coders' events of one recording.

    Time is compared frame by frame for each face (time-unit kappa, Bakeman & Quera 2011, Sequential Analysis and
    Observational Methods for the Behavioral Sciences); classes are compared where events match one to one, best overlap
    first. Long events weigh more in the first kappa, not in the second.

    Args:
        first: events of the first coder.
        second: events of the second coder.
        numbers: frame numbers of the recording.
        iou: smallest intersection over union of a pair, above 0 and at most 1.
        times: seconds of each frame since the first one, with which the events must agree; None does not check it.

    Raises:
        DataError: an event ends before it begins or lies outside the recording; its frame numbers and its seconds are
            different moments; or a coder has reviewed none of the events.
    """
    sides = [_accepted(events, numbers, name) for events, name in ((first, "first"), (second, "second"))]
    if times is not None:
        for side, name in zip(sides, ("first", "second"), strict=True):
            _check_times(side, numbers, np.asarray(times, np.float64), name)
    matched: list[tuple[Event, Event]] = []
    counts = np.zeros((2, 2), np.int64)
    by_face: dict[int, tuple[list[Event], list[Event]]] = {}
    for number, side in enumerate(sides):
        for event in side:
            by_face.setdefault(event.face, ([], []))[number].append(event)
    for _, own in sorted(by_face.items()):
        matched += match_intervals(own[0], own[1], iou)
        counts += _frame_counts(own[0], own[1], numbers)
    units = _unit_agreement(matched)
    onsets = [abs(a.start - b.start) for a, b in matched]
    return Agreement(
        first=_names(first),
        second=_names(second),
        frames=int(counts.sum()),
        time_kappa=cohen_kappa(counts),
        class_kappa=cohen_kappa(_class_counts(matched)),
        unit_ratio=2 * sum(unit.both for unit in units) / sum(u.first + u.second for u in units) if units else None,
        units=units,
        matched=len(matched),
        onset_seconds=float(np.mean(onsets)) if onsets else None,
        unreviewed=(_count_unreviewed(first), _count_unreviewed(second)),
        differences=_differences(sides[0], sides[1], matched, bool(units)),
        agreed=tuple(event for event, _ in matched),
    )


def _accepted(events: Sequence[Event], numbers: range, name: str) -> list[Event]:
    for event in events:
        inside = event.onset in numbers and event.offset in numbers and event.onset <= event.offset
        if not (inside and math.isfinite(event.start)):
            raise DataError(
                f"the {name} coder's event at frames {event.onset} to {event.offset} does not lie in this recording "
                f"(frames {numbers[0]} to {numbers[-1]}); give the file of this recording"
            )
    if events and _count_unreviewed(events) == len(events):
        raise DataError(f"the {name} coder has not reviewed any of the {len(events)} events (all are `found`)")
    return [event for event in events if event.status in ACCEPTED_STATUSES]


def _check_times(events: Sequence[Event], numbers: range, times: np.ndarray, name: str) -> None:
    """Kappa counts frames and the distance of onsets seconds: both must be the same moments, up to a frame."""
    tolerance = 1.5 * float(np.median(np.diff(times))) + ROUNDED_SECONDS if len(times) > 1 else ROUNDED_SECONDS
    for event in events:
        for number, seconds, frame, second in (
            (event.onset, event.start, "onset", "start"),
            (event.offset, event.end, "offset", "end"),
        ):
            there = float(times[numbers.index(number)])
            if abs(there - seconds) > tolerance:
                raise DataError(
                    f"the {name} coder's event at frames {event.onset} to {event.offset}: {frame} {number} is at "
                    f"{there:.3f} s, but {second} says {seconds:.3f} s; correct the one that is wrong"
                )


def _count_unreviewed(events: Sequence[Event]) -> int:
    return sum(event.status == "found" for event in events)


def _names(events: Sequence[Event]) -> str:
    return "+".join(dict.fromkeys(event.coder for event in events if event.coder)) or "unnamed"


def _frame_counts(first: Sequence[Event], second: Sequence[Event], numbers: range) -> np.ndarray:
    """(2, 2) frames of one face: rows whether the first coder has an event there, columns the same of the second."""
    spans = [
        [(numbers.index(event.onset), numbers.index(event.offset) + 1) for event in side] for side in (first, second)
    ]
    alone = [_covered(side) for side in spans]
    either = _covered([*spans[0], *spans[1]])
    both = sum(alone) - either
    return np.array([[len(numbers) - either, alone[1] - both], [alone[0] - both, both]], np.int64)


def _covered(spans: Sequence[tuple[int, int]]) -> int:
    """Number of frames in at least one span (first, one past the last)."""
    total, end = 0, 0
    for first, past in sorted(spans):
        total += max(0, past - max(first, end))
        end = max(end, past)
    return total


def _class_counts(matched: Sequence[tuple[Event, Event]]) -> np.ndarray:
    """(C, C) classes of the matched events: rows the first coder's, columns the second's."""
    classes = sorted({event.label for pair in matched for event in pair})
    if not matched:
        return np.zeros((1, 1), np.int64)
    return confusion_matrix([a.label for a, _ in matched], [b.label for _, b in matched], classes)


def _unit_agreement(matched: Sequence[tuple[Event, Event]]) -> tuple[UnitAgreement, ...]:
    """One record per action unit; none where a coder has no action units, as in files of older versions."""
    pairs = [(_unit_sides(a), _unit_sides(b)) for a, b in matched]
    if not (any(a for a, _ in pairs) and any(b for _, b in pairs)):
        return ()
    found = []
    for number in sorted({number for a, b in pairs for number in (*a, *b)}):
        counts = np.zeros((2, 2), np.int64)
        for a, b in pairs:
            counts[int(number in a), int(number in b)] += 1
        same = sum(number in a and number in b and a[number] == b[number] for a, b in pairs)
        first, second = int(counts[1].sum()), int(counts[:, 1].sum())
        found.append(UnitAgreement(number, first, second, int(counts[1, 1]), same, cohen_kappa(counts)))
    return tuple(found)


def _unit_sides(event: Event) -> dict[int, str]:
    """Number of an action unit -> its side."""
    return {unit.number: unit.side for unit in event.action_units}


def _differences(
    first: Sequence[Event], second: Sequence[Event], matched: Sequence[tuple[Event, Event]], units: bool
) -> tuple[Difference, ...]:
    paired = {id(event) for pair in matched for event in pair}
    found = [Difference("only first", event, None) for event in first if id(event) not in paired]
    found += [Difference("only second", None, event) for event in second if id(event) not in paired]
    found += [Difference("class", a, b) for a, b in matched if a.label != b.label]
    if units:
        found += [Difference("action units", a, b) for a, b in matched if unit_codes(a) != unit_codes(b)]
    return tuple(sorted(found, key=_start))


def _start(difference: Difference) -> float:
    """Start of the earlier of its events, in seconds."""
    return min(event.start for event in (difference.first, difference.second) if event is not None)
