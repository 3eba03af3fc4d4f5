"""Annotations of a recording's events: confirm, reject, correct, add, undo. All values are immutable."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from ..core.action_units import ActionUnit, parse_action_units
from ..core.errors import MissingDataError, UsageError, one_line
from ..core.events import Event, Spans, unit_codes
from ..core.facial_regions import unit_size
from ..core.time_ranges import format_range, join_ranges, overlaps
from ..core.track import MICRO_SECONDS

MAX_LENGTHS = {"coder": 60, "label": 60, "note": 2000, "action_units": 200}
"""Maximum number of characters of each text of an edit."""

EDITABLE = ("onset", "apex", "offset", "face", "label")
"""Fields of an event whose change makes it `corrected`; another set of action units does too."""


@dataclass(frozen=True)
class Change:
    """One entry of the history.

    Attributes:
        number: of the event that changed; 0 where the excluded time changed.
        before: the event as it was before; None if it did not exist.
        excluded: the excluded time before; None where an event changed.
    """

    number: int
    before: Event | None = None
    excluded: Spans | None = None


@dataclass(frozen=True)
class SecondRound:
    """A second round of judging, over the events on which two coders agreed.

    Attributes:
        agreed: numbers of these events.
        coders: names of both coders.
        since: length of the history when it began.
    """

    agreed: tuple[int, ...]
    coders: str
    since: int


@dataclass(frozen=True)
class Annotations:
    """The current events of a recording and the history of their changes.

    Attributes:
        events: event number -> event. A number belongs to one event for ever; the spotted events have the numbers 1, 2,
            3, ... in their order.
        history: every change, the newest last.
        spotted: number of events that the analysis found; events added by a coder have higher numbers.
        excluded: start and end in seconds of each time that is excluded; events in it are kept and not shown.
        second_round: what is judged in the second round; None in the first.
    """

    events: Mapping[int, Event]
    history: tuple[Change, ...] = ()
    spotted: int = 0
    excluded: Spans = ()
    second_round: SecondRound | None = None

    @classmethod
    def from_events(cls, events: Sequence[Event], excluded: Spans = ()) -> Annotations:
        """Annotations without any change, of the events that the analysis found."""
        return cls(dict(enumerate(events, start=1)), (), len(events), excluded)

    def ordered(self) -> list[tuple[int, Event]]:
        """Pairs (number, event) that are to be judged, sorted by start, then face.

        Events in excluded time are not, and in the second round those on which the coders did not agree.
        """
        agreed = self.events if self.second_round is None else self.second_round.agreed
        shown = [
            (number, event)
            for number, event in self.events.items()
            if number in agreed and not overlaps(event.start, event.end, self.excluded)
        ]
        return sorted(shown, key=lambda item: (item[1].start, item[1].face, item[0]))

    @property
    def round(self) -> int:
        """The present round of judging, 1 or 2."""
        return 1 if self.second_round is None else 2

    @property
    def undo_steps(self) -> int:
        """Number of changes that can be undone: those of the present round."""
        return len(self.history) - (0 if self.second_round is None else self.second_round.since)

    def event(self, number: int) -> Event:
        """Return the event with this number.

        Raises:
            MissingDataError: there is no such event.
        """
        if number not in self.events:
            raise MissingDataError(f"there is no event {number}; it may have been removed in another window")
        return self.events[number]

    def with_event(self, number: int, event: Event | None) -> Annotations:
        """Return a copy in which one event is changed, added, or (None) removed."""
        events = {key: value for key, value in self.events.items() if key != number}
        if event is not None:
            events[number] = event
        change = Change(number, self.events.get(number))
        return dataclasses.replace(self, events=events, history=(*self.history, change))

    def undo(self) -> Annotations:
        """Return a copy without the last change.

        Raises:
            UsageError: the history is empty.
        """
        if not self.undo_steps:
            raise UsageError("there is nothing to undo")
        last = self.history[-1]
        restored = self.with_event(last.number, last.before) if last.excluded is None else self
        excluded = self.excluded if last.excluded is None else last.excluded
        return dataclasses.replace(restored, history=self.history[:-1], excluded=excluded)

    def with_excluded(self, ranges: Sequence[tuple[float, float]]) -> Annotations:
        """Return a copy with other excluded time.

        Args:
            ranges: start and end in seconds of each range; those that overlap become one.

        Raises:
            UsageError: a range ends before it begins, or begins before the recording.
        """
        for start, end in ranges:
            if not (0 <= start < end < math.inf):
                raise UsageError(
                    f"{start:g} to {end:g} s cannot be excluded: a range ends after it begins, from 0 s on"
                )
        excluded = join_ranges((round(start, 6), round(end, 6)) for start, end in ranges)
        if excluded == self.excluded:
            return self
        return dataclasses.replace(self, excluded=excluded, history=(*self.history, Change(0, excluded=self.excluded)))

    def begin_second_round(self, agreed: Sequence[int], coders: str) -> Annotations:
        """Return a copy in which only these events are to be judged.

        Args:
            agreed: numbers of the events on which two coders agreed.
            coders: names of both coders.

        Raises:
            UsageError: the coders agreed on no event.
        """
        if not agreed:
            raise UsageError("the coders agreed on no event, so there is nothing to judge in a second round")
        return dataclasses.replace(self, second_round=SecondRound(tuple(agreed), coders, len(self.history)))

    def end_second_round(self) -> Annotations:
        """Return a copy in which all events are shown again; what was judged stays."""
        return dataclasses.replace(self, second_round=None)


def second_round_note(annotations: Annotations) -> tuple[str, ...]:
    """Say that only some of the events are here; nothing in the first round."""
    if annotations.second_round is None:
        return ()
    number, coders = len(annotations.second_round.agreed), annotations.second_round.coders
    events = "the one event" if number == 1 else f"the {number} events"
    return (f"second round: only {events} on which {coders} agreed",)


@dataclass(frozen=True)
class AnnotationEdit:
    """A coder's edit of one event; None leaves a field as it is.

    Attributes:
        coder: name or initials of the coder; required.
        verdict: `confirm`, `reject`, or empty for neither.
        onset, apex, offset: frame numbers, counted from 0.
        face: number of the face, counted from 1.
        label: the class; an empty text becomes `unknown`.
        note: free text, may have several lines.
        action_units: all that moved, as FACS writes them: `1+2+L4`; an empty text for none.
    """

    coder: str
    verdict: str = ""
    onset: int | None = None
    apex: int | None = None
    offset: int | None = None
    face: Annotated[int, Field(ge=1, le=1000)] | None = None
    label: str | None = None
    note: str | None = None
    action_units: str | None = None

    def __post_init__(self) -> None:
        for name in MAX_LENGTHS:
            if (text := getattr(self, name)) is not None:
                object.__setattr__(self, name, _clean_text(name, text))
        if not self.coder:
            raise UsageError("the coder is missing; write your name or initials into the field `coder`")
        if self.label == "":
            object.__setattr__(self, "label", "unknown")
        self._units()
        if self.verdict not in ("", "confirm", "reject"):
            raise UsageError(f"unknown verdict '{self.verdict[:60]}'; use confirm or reject")

    @property
    def values(self) -> dict[str, Any]:
        """The fields of an event that this edit sets, except its action units."""
        names = (*EDITABLE, "note")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def units_of(self, event: Event) -> tuple[ActionUnit, ...]:
        """Return the action units of an event after this edit: those that stay are not changed.

        A new one has probability 1, because a person set it, and the size that its regions have. Its share of the
        distance between the eyes is known where another unit of the event has both sizes.
        """
        if self.action_units is None:
            return event.action_units
        before = {unit.code: unit for unit in event.action_units}
        shares = [unit.share / unit.pixels for unit in event.action_units if unit.share and unit.pixels]
        after = [_new_unit(number, side, event, shares) for number, side in self._units()]
        return tuple(before.get(unit.code, unit) for unit in after)

    def _units(self) -> list[tuple[int, str]]:
        """Numbers and sides in the order of the numbers; a number twice, as `L4+R4`, is both sides."""
        sides: dict[int, set[str]] = {}
        for number, side in parse_action_units(self.action_units or ""):
            sides.setdefault(number, set()).add(side)
        return [(number, min(found) if len(found) == 1 else "") for number, found in sorted(sides.items())]


def _new_unit(number: int, side: str, event: Event, shares: Sequence[float]) -> ActionUnit:
    """An action unit that a coder adds, with its size; `shares` are of one pixel of the face."""
    pixels = unit_size(number, side, event.regions)
    share = round(pixels * shares[0], 6) if shares and pixels is not None else None
    return ActionUnit(number, side, pixels=pixels, share=share)


def edit_event(annotations: Annotations, number: int, edit: AnnotationEdit, times: np.ndarray) -> Annotations:
    """Confirm, reject, correct or comment on one event; rejecting an event that a coder added removes it.

    Args:
        annotations: the current annotations.
        number: of the event.
        edit: what to change.
        times: (T,) seconds of the recording's frames.

    Raises:
        MissingDataError: there is no such event.
        UsageError: onset, apex and offset are not in order, outside the recording, or in excluded time.

    Sizes hold from the onset to the apex at which they were measured: an event whose onset or apex is moved has none.
    """
    old = annotations.event(number)
    if edit.verdict == "reject" and old.status == "added":
        return annotations.with_event(number, None)
    new = dataclasses.replace(
        old, coder=edit.coder, round=annotations.round, action_units=edit.units_of(old), **edit.values
    )
    new = _with_seconds(new, times)
    if new.label != old.label:
        given = new.label != _as_spotted(annotations, number).label
        new = dataclasses.replace(new, label_by=edit.coder if given else "")
    _check_analyzed(new, annotations)
    if (new.onset, new.offset) != (old.onset, old.offset):
        new = _with_kind(new)
    if (new.onset, new.apex) != (old.onset, old.apex):
        units = tuple(dataclasses.replace(unit, pixels=None, share=None) for unit in new.action_units)
        new = dataclasses.replace(new, action_units=units, regions={})
    if new.label != "unknown" or new.label != old.label:
        new = dataclasses.replace(new, reason="")
    status = new.status
    if edit.verdict == "reject":
        status = "rejected"
    elif old.status == "added":
        status = "added"
    elif _differ(new, old) or old.status == "corrected":
        status = "corrected"
    elif edit.verdict == "confirm":
        # An event that was corrected, then rejected, is corrected again when it is confirmed.
        status = "corrected" if _differ(new, _as_spotted(annotations, number)) else "confirmed"
    new = dataclasses.replace(new, status=status)
    return annotations if new == old else annotations.with_event(number, new)


def add_event(annotations: Annotations, edit: AnnotationEdit, video: str, times: np.ndarray) -> Annotations:
    """Add an event that the analysis missed.

    Args:
        annotations: the current annotations.
        edit: the onset and the other fields of the event. Without an offset it ends at the next frame; without an
            apex, the apex is the frame halfway between onset and offset.
        video: name of the recording.
        times: (T,) seconds of the recording's frames.

    Raises:
        UsageError: the onset is missing, or the frames are not in order, outside the recording, or in excluded time;
            the event has a single frame; or this is the second round.
    """
    if annotations.second_round is not None:
        raise UsageError("in the second round only the agreed events are judged; end it to add an event")
    if edit.onset is None:
        raise UsageError("an event needs an onset, the number of a frame")
    offset = edit.onset + 1 if edit.offset is None else edit.offset
    if edit.onset == len(times) - 1:
        raise UsageError(
            f"frame {edit.onset} is the last one of the recording: an event cannot begin there, because it has two "
            "frames or more; go back to the frame at which the movement begins"
        )
    if offset == edit.onset:
        raise UsageError(f"the event would begin and end at frame {offset}; it has two frames or more")
    apex = (edit.onset + offset) // 2 if edit.apex is None else edit.apex
    values = {"face": 1, **edit.values, "onset": edit.onset, "apex": apex, "offset": offset}
    event = Event(video, **values, start=0, peak=0, end=0, kind="micro", score=0.0, status="added", coder=edit.coder)
    label_by = "" if edit.label is None else edit.coder
    event = _with_seconds(dataclasses.replace(event, action_units=edit.units_of(event), label_by=label_by), times)
    _check_analyzed(event, annotations)
    used = [annotations.spotted, *annotations.events, *(change.number for change in annotations.history)]
    return annotations.with_event(max(used) + 1, _with_kind(event))


def _check_analyzed(event: Event, annotations: Annotations) -> None:
    """Raise where an event reaches into excluded time, in which there are none."""
    for span in annotations.excluded:
        if overlaps(event.start, event.end, [span]):
            raise UsageError(f"frames {event.onset} to {event.offset} reach into excluded time ({format_range(*span)})")


def _differ(first: Event, second: Event) -> bool:
    return unit_codes(first) != unit_codes(second) or any(
        getattr(first, name) != getattr(second, name) for name in EDITABLE
    )


def _as_spotted(annotations: Annotations, number: int) -> Event:
    """The event before its first change."""
    before = next((change.before for change in annotations.history if change.number == number), None)
    return before or annotations.event(number)


def _with_seconds(event: Event, times: np.ndarray) -> Event:
    """The event with its seconds computed from its frame numbers."""
    if not 0 <= event.onset <= event.apex <= event.offset < len(times):
        raise UsageError(
            f"onset {event.onset}, apex {event.apex}, offset {event.offset}: they must be in this order, "
            f"from 0 to {len(times) - 1}"
        )
    start, peak, end = (round(float(times[n]), 6) for n in (event.onset, event.apex, event.offset))
    return dataclasses.replace(event, start=start, peak=peak, end=end)


def _with_kind(event: Event) -> Event:
    """The event with the kind of its duration: a coder who sets its frames does not say it."""
    return dataclasses.replace(event, kind="micro" if event.end - event.start < MICRO_SECONDS else "macro")


def _clean_text(name: str, text: str) -> str:
    limit = MAX_LENGTHS[name]
    if len(text) > limit:
        raise UsageError(f"{name} has {len(text)} characters; use at most {limit}")
    if name == "note":
        return "\n".join(one_line(line) for line in text.split("\n")).strip()
    return one_line(text)
