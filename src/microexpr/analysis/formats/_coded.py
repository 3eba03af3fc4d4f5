"""Events that a person coded in another program: what names and texts mean, and how they become events."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...core.action_units import ActionUnit, parse_action_units
from ...core.errors import DataError, UsageError
from ...core.events import Event
from ...core.frame_times import FrameTimes
from ...core.track import MICRO_SECONDS
from ._text import MAX_EVENTS

APEX_UNKNOWN = "apex not coded"
"""Warning of an event whose apex is the middle frame, because the file holds none."""

STATUSES = ("found", "confirmed", "rejected", "corrected", "added")
KINDS = ("micro", "macro")

TIER_ROLES = {
    "micro": r"mi[ck]ro([ -]?expressions?)?",
    "macro": r"ma[ck]ro([ -]?expressions?)?",
    "action units": r"aus?|action[ -]?units?|facs",
    "label": r"labels?|emotions?|class(es)?|expressions?|categor(y|ies)",
    "blink": r"blinks?",
    "movement": r"movements?",
}
"""What a tier or behavior holds -> its name, or a word in its name."""

FIELD_ROLES = TIER_ROLES | {
    "kind": r"kind|type",
    "peak": r"apex|peak",
    "face": r"face|person",
    "coder": r"coder|rater|observer|annotator",
    "note": r"notes?|comments?|remarks?",
    "score": r"score",
    "status": r"status",
    "quality": r"quality",
    "warnings": r"warnings?",
    "reason": r"reason",
    "participant": r"subjects?|participants?|id",
}
"""What a column or code holds -> its name."""


def tier_role(name: str) -> str:
    """Return the key of `TIER_ROLES` that the name of a tier or behavior tells; empty if it tells none."""
    words = " ".join(re.sub(r"face \d+( \(\d+\))?", "", name.lower().replace("_", " ")).split())
    whole = next((role for role, pattern in TIER_ROLES.items() if re.fullmatch(pattern, words)), "")
    return whole or next((role for role, pattern in TIER_ROLES.items() if re.search(rf"\b({pattern})\b", words)), "")


def field_role(name: str) -> str:
    """Return the key of `FIELD_ROLES` that the name of a column or code is; empty if it is none."""
    words = " ".join(name.lower().replace("_", " ").split())
    return next((role for role, pattern in FIELD_ROLES.items() if re.fullmatch(pattern, words)), "")


def face_numbers(names: Iterable[str], where: str) -> dict[str, int]:
    """Return person as a file calls it -> number of the face.

    The number is that of `face 2` or `person 2`. Other names are numbers of a study, not of a film: the only person of
    a file is face 1, whatever the name.

    Args:
        names: of all persons of a file; empty where it names none.
        where: the file, for the error.

    Raises:
        DataError: it names several persons, and not by number.
    """
    names = list(names)
    matches = {name: re.search(r"(?:face|person)[ _-]*(\d{1,4})", name, re.IGNORECASE) for name in names}
    numbers = {name: int(match[1]) for name, match in matches.items() if match}
    others = dict.fromkeys(name for name in names if name not in numbers)
    if len([*filter(None, others), *numbers]) > 1 and any(others):
        listed = ", ".join(f"'{name[:40]}'" for name in filter(None, others))
        raise DataError(f"{where}: whose face is which? Call the people 'face 1', 'face 2' ..., not {listed}")
    return numbers | dict.fromkeys(others, 1)


def are_units(text: str) -> bool:
    """Whether a text lists action units, as `AU12` or `1+L4` do; a number alone may be anything."""
    try:
        return re.search(r"[A-Za-z+]", text) is not None and bool(parse_action_units(text))
    except UsageError:
        return False


@dataclass(frozen=True)
class CodedEvent:
    """An event as a file holds it, in seconds.

    Attributes:
        where: file and place, for error messages.
        start, end: seconds since the beginning of the film.
        peak: seconds of the apex; None where the file holds none.
        face: number of the person.
        kind: `micro` or `macro`; empty where only the duration tells.
        label: the class; empty for none.
        probability: of the label; None where the file holds none.
        units: action units as FACS writes them.
        score, status, coder, note, quality, warnings, reason: as those of `Event`.
    """

    where: str
    start: float
    end: float
    peak: float | None = None
    face: int = 1
    kind: str = ""
    label: str = ""
    probability: float | None = None
    units: str = ""
    score: float = 0.0
    status: str = "added"
    coder: str = ""
    note: str = ""
    quality: float = 1.0
    warnings: tuple[str, ...] = ()
    reason: str = ""

    def to_event(self, times: FrameTimes) -> Event:
        """Return the event with its frame numbers.

        Raises:
            DataError: a value is impossible; the message names file, place and value.
        """
        self._check()
        peak = (self.start + self.end) / 2 if self.peak is None else min(max(self.peak, self.start), self.end)
        unknown = self.peak is None and self.end > self.start
        warnings = dict.fromkeys((*self.warnings, APEX_UNKNOWN) if unknown else self.warnings)
        return Event(
            times.video,
            self.face,
            times.number(self.start),
            times.number(peak),
            times.number(self.end),
            round(self.start, 6),
            round(peak, 6),
            round(self.end, 6),
            self.kind or ("micro" if self.end - self.start < MICRO_SECONDS else "macro"),
            self.score,
            {} if self.probability is None else {self.label or "unknown": self.probability},
            self.label or "unknown",
            self.quality,
            tuple(warnings),
            self.status,
            self.coder,
            self.note,
            self.reason,
            self._action_units(),
        )

    def _check(self) -> None:
        if math.isnan(self.start) or math.isnan(self.end):
            raise DataError(f"{self.where}: there is no time of its beginning or its end; its times are damaged")
        if not (math.isfinite(self.start) and math.isfinite(self.end) and math.isfinite(self.score)):
            raise DataError(f"{self.where}: {self.start} to {self.end} s, score {self.score}: not finite")
        if self.start < 0:
            raise DataError(f"{self.where}: begins at {self.start:g} s, before the film")
        if self.end < self.start:
            raise DataError(f"{self.where}: ends at {self.end:g} s, before it begins at {self.start:g} s")
        if self.peak is not None and not math.isfinite(self.peak):
            raise DataError(f"{self.where}: apex at {self.peak} s")
        if self.kind not in ("", *KINDS):
            raise DataError(f"{self.where}: kind '{self.kind[:40]}'; write micro or macro")
        if self.status not in STATUSES:
            raise DataError(f"{self.where}: status '{self.status[:40]}'; use one of {', '.join(STATUSES)}")
        if not 1 <= self.face <= 1000:
            raise DataError(f"{self.where}: face {self.face}; faces are numbered from 1")
        if not 0 <= self.quality <= 1:
            raise DataError(f"{self.where}: quality {self.quality}, which is not from 0 to 1")

    def _action_units(self) -> tuple[ActionUnit, ...]:
        try:
            return tuple(ActionUnit(*unit) for unit in parse_action_units(self.units))
        except UsageError as error:
            raise DataError(f"{self.where}: {error}") from None


def to_events(coded: Iterable[CodedEvent], times: FrameTimes, name: str) -> tuple[Event, ...]:
    """Return events with frame numbers, sorted by onset, then face.

    Args:
        coded: the events.
        times: of the frames of the recording.
        name: of the file, for error messages.

    Raises:
        DataError: there are too many, a value is impossible, or the frame rate is not known.
    """
    events = []
    for item in coded:
        events.append(item.to_event(times))
        if len(events) > MAX_EVENTS:
            raise DataError(f"'{name}' holds more than {MAX_EVENTS} events")
    return tuple(sorted(events, key=lambda event: (event.onset, event.face, event.offset)))


def from_fields(where: str, span: tuple[float, float], face: int, fields: Mapping[str, str]) -> CodedEvent:
    """Return the event of a row or cell.

    Args:
        where: file and place, for error messages.
        span: start and end in seconds.
        face: number of the person, unless a field tells it.
        fields: name of a column or code -> its text; the names tell what they are, see `ROLES`. Texts of other names
            are kind, action units, class or note by what they say.

    Raises:
        DataError: a number is none.
    """
    values: dict[str, str] = {}
    loose: list[str] = []
    for name, text in fields.items():
        role = field_role(name)
        if role == "label" and are_units(text):
            role = "action units"
        if role in ("", "micro", "macro"):
            loose.append(text)
        elif text:
            values.setdefault(role, text)
    number = {role: _number(values[role], role, where) for role in ("peak", "score", "quality") if role in values}
    kind, units, rest = sort_texts(loose)
    label = values.get("label") or (rest.pop(0) if rest else "")
    whole = re.fullmatch(r"\D*(\d{1,6})", values.get("face", ""))
    return CodedEvent(
        where,
        *span,
        number.get("peak"),
        int(whole[1]) if whole else face,
        values.get("kind", kind).lower(),
        label,
        units=values.get("action units", units),
        score=number.get("score", 0.0),
        status=values.get("status", "added"),
        coder=values.get("coder", ""),
        note=values.get("note", "; ".join(rest)),
        quality=number.get("quality", 1.0),
        warnings=tuple(part for part in values.get("warnings", "").split("; ") if part),
        reason=values.get("reason", ""),
    )


def describe_coding(event: Event) -> str:
    """Write score, apex, status and, where they tell anything, quality, warnings, reason, coder and note.

    `read_coding` reads it.
    """
    parts = [f"score {event.score:.6g}", f"apex {event.peak:.3f} s", event.status]
    parts += [f"quality {event.quality:.6g}"] if event.quality != 1 else []
    parts += [f"warnings {', '.join(event.warnings).replace(';', ',')}"] if event.warnings else []
    parts += [f"reason {event.reason.replace(';', ',')}"] if event.reason else []
    parts += [f"coder {event.coder.replace(';', ',')}"] if event.coder else []
    return "; ".join([*parts, *([f"note {event.note}"] if event.note else [])])


def read_coding(text: str, where: str) -> dict[str, Any] | None:
    """Read `describe_coding`.

    Args:
        text: of an annotation or comment.
        where: file and place, for error messages.

    Returns:
        Field of `CodedEvent` -> value; None for a text that a person wrote.

    Raises:
        DataError: a number in it is none any more.
    """
    head, *rest = text.split("; ")
    if re.fullmatch(r"score [-+.\de]+", head) is None:
        return None
    found: dict[str, Any] = {"status": "found", "score": _number(head.removeprefix("score "), "score", where)}
    for number, part in enumerate(rest):
        key, _, value = part.partition(" ")
        if part in STATUSES:
            found["status"] = part
        elif key in ("apex", "quality"):
            found["peak" if key == "apex" else key] = _number(value, key, where)
        elif key == "warnings":
            found[key] = tuple(value.split(", "))
        elif key in ("reason", "coder"):
            found[key] = value
        else:
            found["note"] = "; ".join(rest[number:]).removeprefix("note ")
            break
    return found


def sort_texts(texts: Iterable[str]) -> tuple[str, str, list[str]]:
    """Return (kind, action units, the rest) of texts by what they say."""
    kind, units, rest = "", "", []
    for text in filter(None, (text.strip() for text in texts)):
        if not kind and tier_role(text) in KINDS:
            kind = tier_role(text)
        elif not units and are_units(text):
            units = text
        else:
            rest.append(text)
    return kind, units, rest


def _number(text: str, what: str, where: str) -> float:
    try:
        return float(text.removesuffix(" s"))
    except ValueError:
        raise DataError(f"{where}: {what} '{text[:40]}' is not a number") from None
