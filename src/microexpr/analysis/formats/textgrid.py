"""Praat TextGrid: the tiers of `_tiers.PARTS` per face, as interval tiers; read in the long and the short text form.

Form of the files: Boersma and Weenink, Praat manual, "TextGrid file formats" and "Text files".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ...core.errors import DataError
from ...core.events import EVENT_FORMATS, Analysis, Event, EventFormat
from ...core.frame_times import FrameTimes
from ._text import MAX_EVENTS, decode
from ._tiers import Annotation, Tier, from_tiers, to_tiers

SHORTEST = 0.001
"""Seconds that an interval takes at least; Praat refuses one that takes none."""

TOKEN = re.compile(
    r'"((?:[^"]|"")*)"'  # a text; a quote in it is doubled
    r"|(?<!\S)([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(?!\S)"  # a number that stands alone
    r"|(?<!\S)(<exists>|<absent>)(?!\S)"
    r"|(?<!\S)![^\n]*"  # a comment
)
"""What Praat reads of a text file; everything else in it is there for people."""


def to_textgrid(analysis: Analysis, folder: Path | None = None) -> bytes:
    """Write a TextGrid (long text form, UTF-8) with the tiers of `to_tiers`.

    Args:
        analysis: the events and faces.
        folder: is not used; a TextGrid links no film.
    """
    tiers = to_tiers(analysis)
    step = 1 / analysis.recording.fps if analysis.recording.fps > 0 else SHORTEST
    ends = [max(one.end, one.start + SHORTEST) for tier in tiers for one in tier.annotations]
    end = round(max(analysis.recording.seconds + step, *ends, SHORTEST), 6)
    lines = [
        *('File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end}"),
        *(("tiers? <exists>", f"size = {len(tiers)}", "item []:") if tiers else ("tiers? <absent>",)),
    ]
    for number, tier in enumerate(tiers, start=1):
        intervals = list(_without_gaps(tier, end))
        lines += [
            *(f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(tier.name)}"),
            *("        xmin = 0", f"        xmax = {end}", f"        intervals: size = {len(intervals)}"),
        ]
        for index, one in enumerate(intervals, start=1):
            lines += [
                *(f"        intervals [{index}]:", f"            xmin = {one.start:.6f}"),
                *(f"            xmax = {one.end:.6f}", f"            text = {_quoted(one.text)}"),
            ]
    return ("\n".join(lines) + "\n").encode()


def _without_gaps(tier: Tier, end: float) -> Iterator[Annotation]:
    """Yield the annotations, and empty ones between them: the intervals of a tier cover it without gaps."""
    reached = 0.0
    for one in tier.annotations:
        start = max(one.start, reached)
        if start > reached:
            yield Annotation(reached, start, "")
        reached = max(one.end, start + SHORTEST)
        yield Annotation(start, reached, one.text)
    if reached < end:
        yield Annotation(reached, end, "")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def from_textgrid(content: bytes, name: str = "events.TextGrid", times: FrameTimes | None = None) -> tuple[Event, ...]:
    """Read events from a TextGrid, of microexpr or of a coder's own; `from_tiers` tells what becomes an event.

    Intervals without text are no events; a point of a point tier is an event of one frame.

    Args:
        content: of the file, in UTF-8 or UTF-16, in the long or the short text form.
        name: of the file, for error messages.
        times: of the frames of the film, which a TextGrid does not name.

    Raises:
        DataError: it is no TextGrid, is cut off, or the film is not known.
    """
    if content.startswith(b"ooBinaryFile"):
        raise DataError(f"'{name}' is a binary TextGrid; save it in Praat with 'Save as text file...'")
    tokens = _Tokens(decode(content, name), name)
    if tokens.text() != "ooTextFile" or tokens.text() != "TextGrid":
        raise DataError(f"'{name}' is no TextGrid: its first lines do not say ooTextFile and TextGrid")
    tokens.number(), tokens.number()
    tiers = []
    if tokens.flag() == "<exists>":
        for _ in range(tokens.count()):
            kind, tier_name = tokens.text(), tokens.text()
            tokens.number(), tokens.number()
            if kind not in ("IntervalTier", "TextTier"):
                raise DataError(f"'{name}', tier '{tier_name[:60]}': '{kind[:40]}' is no kind of tier")
            found = [tokens.annotation(kind) for _ in range(tokens.count())]
            tiers.append(Tier(tier_name, tuple(sorted((one for one in found if one.text), key=lambda one: one.start))))
    return tuple(from_tiers(tiers, times or FrameTimes(), name))


class _Tokens:
    """The texts, numbers and flags of a TextGrid, one after the other."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self._found = (match for match in TOKEN.finditer(text) if match.lastindex is not None)

    def _next(self, group: int, what: str) -> str:
        match = next(self._found, None)
        if match is None:
            raise DataError(f"'{self.name}' ends where {what} is expected; it is not complete")
        if match[group] is None:
            raise DataError(f"'{self.name}': '{match[0][:40]}' stands where {what} is expected")
        return match[group]

    def text(self) -> str:
        return self._next(1, "a text in quotes").replace('""', '"')

    def number(self) -> float:
        return float(self._next(2, "a number"))

    def flag(self) -> str:
        return self._next(3, "<exists>")

    def count(self) -> int:
        number = self.number()
        if not (number.is_integer() and 0 <= number <= 10 * MAX_EVENTS):
            raise DataError(f"'{self.name}': a size of {number:g}")
        return int(number)

    def annotation(self, kind: str) -> Annotation:
        start = self.number()
        end = self.number() if kind == "IntervalTier" else start
        return Annotation(start, end, self.text().strip())


EVENT_FORMATS.add(
    "textgrid", EventFormat("textgrid", ".TextGrid", "Praat TextGrid", to_textgrid, from_textgrid, default=False)
)
