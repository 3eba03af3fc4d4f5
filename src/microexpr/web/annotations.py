"""What a coder says of the events of a recording: confirm, reject, correct, add, undo. Values in, values out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import MissingDataError, UsageError, one_line
from ..core.events import Event
from ..core.track import MICRO_SECONDS

LONGEST = {"coder": 60, "label": 60, "note": 2000}
"""Letters of a text that a coder writes."""


@dataclass(frozen=True)
class Step:
    """What an event was before it was changed; None: it was not there."""

    number: int
    before: Event | None


@dataclass(frozen=True)
class Annotations:
    """The events of a recording as they are judged now.

    Attributes:
        events: by a number that stays with an event; the found ones have 1, 2, 3 ... in their order.
        history: every change, the newest last.
        found: how many were found; what was added has higher numbers.
    """

    events: Mapping[int, Event]
    history: tuple[Step, ...] = ()
    found: int = 0

    @classmethod
    def begin(cls, events: Sequence[Event]) -> Annotations:
        """Nothing is judged yet."""
        return cls(dict(enumerate(events, start=1)), (), len(events))

    def ordered(self) -> list[tuple[int, Event]]:
        """By start, then face."""
        return sorted(self.events.items(), key=lambda one: (one[1].start, one[1].face, one[0]))

    def event(self, number: int) -> Event:
        """That one.

        Raises:
            MissingDataError: there is none.
        """
        if number not in self.events:
            raise MissingDataError(f"there is no event {number}; it may have been taken away in another window")
        return self.events[number]

    def with_event(self, number: int, event: Event | None) -> Annotations:
        """One event changed, added or (None) taken away."""
        events = {key: value for key, value in self.events.items() if key != number}
        if event is not None:
            events[number] = event
        step = Step(number, self.events.get(number))
        return dataclasses.replace(self, events=events, history=(*self.history, step))

    def undone(self) -> Annotations:
        """Without the last change.

        Raises:
            UsageError: nothing was changed.
        """
        if not self.history:
            raise UsageError("there is nothing to undo")
        step = self.history[-1]
        back = self.with_event(step.number, step.before)
        return dataclasses.replace(back, history=self.history[:-1])


@dataclass(frozen=True)
class AnnotationEdit:
    """What a coder sends; None leaves a field as it is.

    Attributes:
        coder: who.
        verdict: `confirm`, `reject`, or nothing.
        onset, apex, offset: frame numbers.
        face: of a person, from 1.
        label: the class.
        note: free text.
    """

    coder: str
    verdict: str = ""
    onset: int | None = None
    apex: int | None = None
    offset: int | None = None
    face: int | None = None
    label: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        for name in LONGEST:
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, _text(name, given))
        if not self.coder:
            raise UsageError("who judges? write your name or initials into the field `coder`")
        if self.label == "":
            object.__setattr__(self, "label", "unknown")
        if self.verdict not in ("", "confirm", "reject"):
            raise UsageError(f"verdict '{self.verdict[:60]}'; use confirm or reject")
        if self.face is not None and not 1 <= self.face <= 1000:
            raise UsageError(f"face {self.face}; people are counted from 1")

    @property
    def values(self) -> dict[str, Any]:
        """The fields of an event that are given."""
        names = ("onset", "apex", "offset", "face", "label", "note")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


def judge(coding: Annotations, number: int, said: AnnotationEdit, times: np.ndarray) -> Annotations:
    """One event confirmed, rejected, corrected or noted on. What was added goes away when it is rejected.

    Args:
        coding: all events.
        number: which one.
        said: what of it.
        times: (T,) seconds of the recording's frames.
    """
    old = coding.event(number)
    if said.verdict == "reject" and old.status == "added":
        return coding.with_event(number, None)
    new = _timed(dataclasses.replace(old, coder=said.coder, **said.values), times)
    own = ("onset", "apex", "offset", "face", "label")
    changed = any(getattr(new, name) != getattr(old, name) for name in own)
    status = new.status
    if said.verdict == "reject":
        status = "rejected"
    elif old.status == "added":
        status = "added"
    elif changed or old.status == "corrected":
        status = "corrected"
    elif said.verdict == "confirm":
        status = "corrected" if _differs(coding, number, new) else "confirmed"
    new = dataclasses.replace(new, status=status)
    return coding if new == old else coding.with_event(number, new)


def add(coding: Annotations, said: AnnotationEdit, video: str, times: np.ndarray) -> Annotations:
    """One event more, which the program has missed.

    Args:
        coding: all events.
        said: its onset and what else is known; the apex is the middle and the offset the onset where they are left out.
        video: name of the recording.
        times: (T,) seconds of the recording's frames.
    """
    if said.onset is None:
        raise UsageError("an event needs an onset, the number of a frame")
    offset = said.onset if said.offset is None else said.offset
    apex = (said.onset + offset) // 2 if said.apex is None else said.apex
    values = {"face": 1, **said.values, "onset": said.onset, "apex": apex, "offset": offset}
    new = Event(video, **values, start=0, peak=0, end=0, kind="micro", score=0.0, status="added", coder=said.coder)
    gone = [step.number for step in coding.history]
    number = max([coding.found, *coding.events, *gone]) + 1
    return coding.with_event(number, _timed(new, times))


def _differs(coding: Annotations, number: int, event: Event) -> bool:
    """From what was found: an event that was corrected, then rejected, is corrected again when it is confirmed."""
    first = next((step.before for step in coding.history if step.number == number), None) or event
    return any(getattr(first, name) != getattr(event, name) for name in ("onset", "apex", "offset", "face", "label"))


def _timed(event: Event, times: np.ndarray) -> Event:
    if not 0 <= event.onset <= event.apex <= event.offset < len(times):
        raise UsageError(
            f"onset {event.onset}, apex {event.apex}, offset {event.offset}: they must rise, from 0 to {len(times) - 1}"
        )
    start, peak, end = (round(float(times[n]), 6) for n in (event.onset, event.apex, event.offset))
    kind = "micro" if end - start < MICRO_SECONDS else "macro"
    return dataclasses.replace(event, start=start, peak=peak, end=end, kind=kind)


def _text(name: str, given: str) -> str:
    if len(given) > LONGEST[name]:
        raise UsageError(f"{name} has {len(given)} letters; use at most {LONGEST[name]}")
    return one_line(given) if name != "note" else "\n".join(one_line(line) for line in given.split("\n")).strip()
