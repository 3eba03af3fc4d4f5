"""Events as tiers of annotations, which ELAN and Praat share: written, and read again after a coder changed them.

Each face has the tiers of `PARTS`. Annotations of one tier must not overlap, so an event that overlaps an earlier one
of the same face gets a layer of its own: `face 1 (2) micro`, `face 1 (2) label` and so on.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ...core.events import Analysis, Event, describe_action_units, unit_codes
from ...core.frame_times import FrameTimes
from ._coded import KINDS, CodedEvent, are_units, describe_coding, face_numbers, read_coding, tier_role, to_events

PARTS = ("micro", "macro", "label", "action units", "movement", "blink")

MAX_NEIGHBORS = 100
"""Annotations of a tier that are compared with one event; in a tier without overlaps far fewer touch it."""


@dataclass(frozen=True)
class Annotation:
    """An annotation: start and end in seconds, and its text."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Tier:
    """A tier: its name, its annotations sorted by time, the person whom it is about, and who coded it."""

    name: str
    annotations: tuple[Annotation, ...] = ()
    person: str = ""
    coder: str = ""


def layers(events: Iterable[Event]) -> list[tuple[Event, int]]:
    """Return each event with the number of its layer, from 1: events of one face and layer do not overlap.

    Times are compared in whole milliseconds, and an event takes at least one.
    """
    ends: dict[int, list[int]] = {}
    found = []
    for event in sorted(events, key=lambda event: (event.face, event.start, event.end)):
        begin = round(1000 * event.start)
        own = ends.setdefault(event.face, [])
        layer = next((k for k, end in enumerate(own) if begin >= end), len(own))
        own[layer : layer + 1] = [max(begin + 1, round(1000 * event.end))]
        found.append((event, layer + 1))
    return found


def layer_name(face: int, layer: int) -> str:
    """Return `face 1` for the first layer, `face 1 (2)` for the second."""
    return f"face {face}" if layer == 1 else f"face {face} ({layer})"


def to_tiers(analysis: Analysis) -> list[Tier]:
    """Return the events as tiers: all of `PARTS` for each face, and those of further layers that hold something."""
    faces = sorted({*(face.face for face in analysis.faces), *(event.face for event in analysis.events)})
    found: dict[tuple[int, int], dict[str, list[Annotation]]] = {(face, 1): {} for face in faces}
    for event, layer in layers(analysis.events):
        parts = found.setdefault((event.face, layer), {})
        for part, text in _texts(event).items():
            parts.setdefault(part, []).append(Annotation(event.start, event.end, text))
    for face in analysis.faces:
        found[face.face, 1]["blink"] = [Annotation(start, end, "blink") for start, end in face.blinks]
    return [
        Tier(f"{layer_name(face, layer)} {part}", tuple(parts.get(part, ())), f"face {face}")
        for (face, layer), parts in sorted(found.items())
        for part in PARTS
        if layer == 1 or part in parts
    ]


def _texts(event: Event) -> dict[str, str]:
    """Tier -> text of an event."""
    probability = "" if event.probability is None else f" {event.probability:.2f}"
    texts = {
        "micro" if event.kind == "micro" else "macro": describe_coding(event),
        "label": event.label + probability,
        "action units": unit_codes(event),
        "movement": describe_action_units(event),
    }
    return {part: text for part, text in texts.items() if text}


def from_tiers(tiers: Sequence[Tier], times: FrameTimes, name: str) -> list[Event]:
    """Return the events of tiers, whoever wrote them.

    An annotation on a tier named micro or macro is an event. Its class and action units are those of the annotations on
    the tiers label and action units of the same face that lie in it by more than half, and overlap it most. Without
    tiers of kinds, each annotation of a class is an event; without those, of action units. Names need only hold these
    words (`TIER_ROLES`); if no tier has such a name, every annotation of every tier is an event. What is on other tiers
    is not read.

    Args:
        tiers: of a file.
        times: of the frames of the recording.
        name: of the file, for error messages.

    Raises:
        DataError: the file names several persons without numbers, or a value is impossible.
    """
    used = [tier for tier in tiers if tier.annotations]
    if any(tier_role(tier.name) in PARTS[:4] for tier in used):
        used = [tier for tier in used if tier_role(tier.name) in PARTS[:4]]
    else:
        used = [tier for tier in used if tier_role(tier.name) == ""]
    faces = face_numbers([_person(tier) for tier in used], f"'{name}'")
    groups: dict[tuple[int, str], list[Tier]] = {}
    for tier in used:
        groups.setdefault((faces[_person(tier)], _layer(tier.name)), []).append(tier)
    coded = [event for (face, _), group in sorted(groups.items()) for event in _events_of_group(group, face, name)]
    return list(to_events(coded, times, name))


def _person(tier: Tier) -> str:
    match = re.search(r"(?:face|person)[ _-]*\d+", tier.name, re.IGNORECASE)
    return match[0] if match else tier.person


def _layer(name: str) -> str:
    match = re.match(r"face \d+ \((\d+)\) ", name)
    return match[1] if match else ""


def _events_of_group(group: Sequence[Tier], face: int, name: str) -> Iterator[CodedEvent]:
    """Yield the events of one face and layer."""
    by_role = {role: [tier for tier in group if tier_role(tier.name) == role] for role in (*PARTS[:4], "")}
    details = {role: _Details([note for tier in by_role[role] for note in tier.annotations]) for role in PARTS[2:4]}
    kinds = [*by_role["micro"], *by_role["macro"], *by_role[""]]
    if kinds:
        primary = kinds
    elif by_role["label"]:
        primary, details["label"] = by_role["label"], _Details([])
    else:
        primary, details["action units"] = by_role["action units"], _Details([])
    for tier in primary:
        role = tier_role(tier.name)
        for annotation in tier.annotations:
            label = details["label"].nearest(annotation)
            units = details["action units"].nearest(annotation)
            where = f"'{name}', tier '{tier.name[:60]}', {annotation.start:.3f} s"
            yield _coded(where, annotation, face, role, label, units, tier.coder)


def _coded(
    where: str, annotation: Annotation, face: int, role: str, label: str | None, units: str | None, coder: str
) -> CodedEvent:
    text, note = annotation.text.strip(), ""
    fields = read_coding(text, where) if role in KINDS else None
    if text and fields is None:  # what a person wrote: the class or the action units, or a note beside them
        if role == "action units" or (are_units(text) and units is None):
            units = text
        elif label is None:
            label = text
        else:
            note = text
    name, probability = _split_label(label or "")
    event = CodedEvent(
        where,
        annotation.start,
        annotation.end,
        face=face,
        kind=role if role in KINDS else "",
        label=name,
        probability=float(probability) if probability else None,
        units=units or "",
        coder=coder,
        note=note,
    )
    return replace(event, **(fields or {}))


class _Details:
    """Annotations of a tier, to find the one that lies in an event."""

    def __init__(self, annotations: Iterable[Annotation]) -> None:
        self.sorted = sorted(annotations, key=lambda one: one.start)
        self.starts = [one.start for one in self.sorted]

    def nearest(self, event: Annotation) -> str | None:
        """Return the text of the annotation that overlaps an event most, of those that lie in it by more than half."""
        first = max(0, bisect_left(self.starts, event.start) - 1)
        best, longest = None, 0.0
        for other in self.sorted[first : first + MAX_NEIGHBORS]:
            common = min(event.end, other.end) - max(event.start, other.start)
            if common > max(longest, (other.end - other.start) / 2):
                best, longest = other.text.strip(), common
        return best


def _split_label(text: str) -> tuple[str, str]:
    """The class and its probability, `positive 0.70`, which may be missing."""
    match = re.fullmatch(r"(.*?)(?: ([01]\.\d\d))?", text, re.DOTALL)
    assert match is not None
    return match[1], match[2] or ""
