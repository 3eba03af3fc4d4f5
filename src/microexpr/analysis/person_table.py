"""A table of the people in a recording: how many events of each kind and class, how often, how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.events import Analysis, Event, Face
from ..core.time_ranges import join_ranges, overlaps

KINDS = ("micro", "macro")

ALL = "all"
"""Stands for every kind and for every class."""


@dataclass(frozen=True)
class PersonRow:
    """The events of one person that are of one kind and class.

    Attributes:
        face: number of the person, from 1.
        minutes_usable: time in which the face was in sight with enough quality and not excluded.
        kind: `micro`, `macro` or `all`.
        label: a class, or `all`.
        events: number of events, without those that a coder rejected.
        per_minute: events per usable minute; None where there is no usable time.
        mean_seconds: mean duration of the events in seconds; None where there are none.
    """

    face: int
    minutes_usable: float
    kind: str
    label: str
    events: int
    per_minute: float | None
    mean_seconds: float | None


def person_table(analysis: Analysis) -> list[PersonRow]:
    """Return for each person the rows of all events, of each kind, and of each class of a kind.

    Everybody has a row for each kind and class that somebody in the recording shows, also with 0 events.
    """
    counted = [event for event in analysis.events if counts(event, analysis)]
    classes = sorted({(event.kind, event.label) for event in counted}, key=lambda pair: (pair[0] != "micro", pair))
    faces = {face.face: face for face in analysis.faces}
    rows = []
    for number in sorted({*faces, *(event.face for event in counted)}):
        own = [event for event in counted if event.face == number]
        minutes = usable_seconds(faces[number], analysis) / 60 if number in faces else 0.0
        for kind, label in [(ALL, ALL), *((kind, ALL) for kind in KINDS), *classes]:
            chosen = [event for event in own if kind in (ALL, event.kind) and label in (ALL, event.label)]
            rows.append(_row(number, minutes, kind, label, chosen))
    return rows


def person_lines(analysis: Analysis) -> list[dict[str, str]]:
    """The table for people: a line per person and kind, with its classes in words; every value is a text."""
    lines = []
    table = person_table(analysis)
    for row in table:
        if row.label != ALL or row.kind == ALL:
            continue
        classes = [r for r in table if r.face == row.face and r.kind == row.kind and r.label != ALL and r.events]
        lines.append(
            {
                "face": f"{row.face}",
                "minutes": f"{row.minutes_usable:.2f}",
                "kind": row.kind,
                "events": f"{row.events}",
                "rate": "–" if row.per_minute is None else f"{row.per_minute:.3g}",
                "ms": "–" if row.mean_seconds is None else f"{1000 * row.mean_seconds:.0f}",
                "classes": ", ".join(f"{r.label} {r.events}" for r in classes) or "–",
            }
        )
    return lines


def counts(event: Event, analysis: Analysis) -> bool:
    """Whether an event counts: a coder did not reject it, and it does not lie in excluded time."""
    return event.status != "rejected" and not overlaps(event.start, event.end, analysis.excluded)


def usable_seconds(face: Face, analysis: Analysis) -> float:
    """Seconds in which a face was in sight with enough quality and not excluded."""
    end = analysis.recording.seconds
    lost = join_ranges((*face.gaps, *face.unusable, *analysis.excluded))
    return max(0.0, end - sum(max(0.0, min(b, end) - min(max(a, 0.0), end)) for a, b in lost))


def _row(face: int, minutes: float, kind: str, label: str, events: Sequence[Event]) -> PersonRow:
    mean = round(float(np.mean([event.seconds for event in events])), 6) if events else None
    rate = round(len(events) / minutes, 6) if minutes else None
    return PersonRow(face, round(minutes, 6), kind, label, len(events), rate, mean)
