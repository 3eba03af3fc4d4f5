"""Reads events from ELAN documents that microexpr wrote, also after they were edited in ELAN."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from ...core.action_units import ActionUnit, parse_action_units
from ...core.errors import DataError, UsageError
from ...core.events import Event

VIDEO_PROPERTY, FPS_PROPERTY, FIRST_FRAME_PROPERTY = "microexpr video", "microexpr fps", "microexpr first frame"
"""Properties in the header: name of the recording, frames per second, number of the frame at time 0."""

STATUSES = ("found", "confirmed", "rejected", "corrected", "added")


@dataclass(frozen=True)
class Annotation:
    """An annotation of a tier: start and end in seconds, and its text."""

    start: float
    end: float
    text: str

    def overlap(self, other: Annotation) -> float:
        """Seconds that both have in common, or minus their distance."""
        return min(self.end, other.end) - max(self.start, other.start)


def from_eaf(content: bytes, name: str = "events.eaf") -> tuple[Event, ...]:
    """Read events from the tiers micro, macro, label and action units of each face.

    An annotation of micro or macro is an event; its label and action units are those of the annotation that lies in it
    by more than half, and overlaps it most. Frame numbers follow from the times and the frame rate. An annotation
    without the text that microexpr writes is an event that a coder added, and its text is the note. ELAN documents hold
    neither probabilities of other classes nor sizes.

    Args:
        content: of a file that microexpr wrote.
        name: of the file, for error messages.

    Raises:
        DataError: it is not such a file, or action units cannot be read; the message names the time.
    """
    if b"<!DOCTYPE" in content:
        raise DataError(f"'{name}' has a document type, which no ELAN document has")
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"'{name}' is not XML: {error}") from None
    properties = {item.get("NAME"): item.text or "" for item in root.iter("PROPERTY")}
    try:
        fps, first = float(properties[FPS_PROPERTY]), int(properties[FIRST_FRAME_PROPERTY])
        slots = {slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.iter("TIME_SLOT")}
        tiers = {tier.get("TIER_ID", ""): list(_annotations(slots, tier)) for tier in root.iter("TIER")}
        if not 0 <= fps < math.inf:
            raise ValueError
    except (KeyError, ValueError, TypeError):
        raise DataError(f"'{name}' is no ELAN document of microexpr, or its times are damaged") from None
    events = []
    for tier, found in tiers.items():
        if (match := re.fullmatch(r"face (\d+) (micro|macro)", tier)) is None:
            continue
        face = int(match[1])
        labels, units = (tiers.get(f"face {face} {part}", []) for part in ("label", "action units"))
        for annotation in found:
            label, codes = _nearest(annotation, labels), _nearest(annotation, units)
            times = _Times(annotation, fps, first)
            video = properties.get(VIDEO_PROPERTY, "")
            events.append(_event(video, face, match[2], times, label, _units(codes, name)))
    return tuple(sorted(events, key=lambda event: (event.onset, event.face)))


def _annotations(slots: Mapping[str | None, str | None], tier: ElementTree.Element) -> Iterable[Annotation]:
    for item in tier.iter("ALIGNABLE_ANNOTATION"):
        start, end = (int(slots[item.get(f"TIME_SLOT_REF{k}")] or "") / 1000 for k in (1, 2))
        yield Annotation(start, end, (item.findtext("ANNOTATION_VALUE") or "").strip())


def _nearest(annotation: Annotation, others: Iterable[Annotation]) -> Annotation | None:
    found = [other for other in others if annotation.overlap(other) > (other.end - other.start) / 2]
    return max(found, key=annotation.overlap) if found else None


@dataclass(frozen=True)
class _Times:
    """The times of an event, and how they become frame numbers."""

    annotation: Annotation
    fps: float
    first: int

    def frame(self, seconds: float) -> int:
        return self.first + round(seconds * self.fps)


def _units(codes: Annotation | None, name: str) -> tuple[ActionUnit, ...]:
    try:
        return tuple(ActionUnit(*unit) for unit in parse_action_units("" if codes is None else codes.text))
    except UsageError as error:
        assert codes is not None
        raise DataError(f"'{name}', {codes.start:.3f} s: {error}") from None


def _event(
    video: str, face: int, kind: str, times: _Times, label: Annotation | None, units: tuple[ActionUnit, ...]
) -> Event:
    start, end, text = times.annotation.start, times.annotation.end, times.annotation.text
    head, *rest = text.split("; ")
    score = re.fullmatch(r"score (\S+)", head)
    known = {"apex": "", "coder": ""}
    status, notes = "added" if score is None else "found", [] if score else [text]
    for part in rest if score else ():
        key, _, value = part.partition(" ")
        if part in STATUSES:
            status = part
        elif known.get(key) == "" and not notes:
            known[key] = value
        else:
            notes.append(part)
    peak = min(max(_number(known["apex"].removesuffix(" s"), (start + end) / 2), start), end)
    name, probability = ("unknown", "") if label is None else _split_label(label.text)
    return Event(
        video,
        face,
        times.frame(start),
        times.frame(peak),
        times.frame(end),
        start,
        peak,
        end,
        kind,
        0.0 if score is None else _number(score[1], 0.0),
        {name: float(probability)} if probability else {},
        name or "unknown",
        status=status,
        coder=known["coder"],
        note="; ".join(notes),
        action_units=units,
    )


def _split_label(text: str) -> tuple[str, str]:
    """The class and its probability, `positive 0.70`, which may be missing."""
    match = re.fullmatch(r"(.*?)(?: ([01]\.\d\d))?", text, re.DOTALL)
    assert match is not None
    return match[1], match[2] or ""


def _number(text: str, default: float) -> float:
    return float(text) if re.fullmatch(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", text) else default
