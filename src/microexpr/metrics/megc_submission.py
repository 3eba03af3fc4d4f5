"""Submissions to the spotting challenges (MEGC 2021 to 2025): found intervals as csv.

    vid,onset,offset,type                   spotting: `me` is a micro-expression, `mae` a macro-expression
    006_1,5160,5259,mae

    subject,video,onset,offset,emotion      spot-then-recognize: micro-expressions with their emotion
    5,anger1,482,504,negative

Annotated intervals are exchanged with the same columns. A file has a header; the order of its columns, the case of
their names and further columns do not matter, and commas, semicolons or tabs separate them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..core.errors import DataError, UsageError
from ._lines import numbered_lines, parse_lines, parse_span
from .intervals import Span

COLUMNS = ("vid", "onset", "offset", "type")
"""Columns of a submission to the spotting task."""

TYPES: Mapping[str, str] = {"micro": "me", "macro": "mae"}
"""Kind of an interval -> how a submission writes it."""

KINDS: Mapping[str, str] = {
    **dict.fromkeys(("me", "micro", "micro-expression", "micro-1/2"), "micro"),
    **dict.fromkeys(("mae", "macro", "macro-expression"), "macro"),
}
"""Spelling of a kind, in small letters and without spaces -> kind."""

_NAMES = {"video": "vid", "kind": "type"}
"""Other names of columns."""


class KindOfInterval(Protocol):
    """An interval or event: `onset` and `offset` are frame numbers, `kind` is `micro` or `macro`."""

    @property
    def onset(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class SubmittedInterval:
    """A line of a submission, or of a csv of annotated intervals.

    Attributes:
        video: its name; `SUBJECT/VIDEO` where the file has a column of subjects.
        span: (onset, offset); None for a video that is listed without an interval.
        kind: `micro`, `macro`, or "" where the file has no such column.
        emotion: in small letters; "" where the file has no such column.
        line: its number in the file.
    """

    video: str
    span: Span | None
    kind: str = ""
    emotion: str = ""
    line: int = field(default=0, compare=False)


def write(found: Mapping[str, Iterable[KindOfInterval]]) -> str:
    """A submission to the spotting task as text.

    Args:
        found: video -> found intervals or events, with frame numbers as the videos number their frames.

    Raises:
        UsageError: an interval is neither a micro- nor a macro-expression, or a video has no name.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for video, intervals in found.items():
        if not video:
            raise UsageError("a video without a name cannot be submitted; name it as the challenge does")
        for interval in intervals:
            if interval.kind not in TYPES:
                raise UsageError(f"video '{video}': kind '{interval.kind}'; a submission takes {', '.join(TYPES)}")
            writer.writerow([video, interval.onset, interval.offset, TYPES[interval.kind]])
    return text.getvalue()


def is_submission(text: str) -> bool:
    """Whether the first line that is not empty is the header of a submission."""
    lines = numbered_lines(text)
    return bool(lines) and {"onset", "offset"} <= set(_header(lines[0][1]))


def read(text: str, name: str = "submission") -> list[SubmittedInterval]:
    """Read a submission of either form, or annotated intervals with the same columns.

    Args:
        text: of the file.
        name: of the file, for errors.

    Raises:
        DataError: there is no header, or a line is wrong: its number is named.
    """
    lines = numbered_lines(text)
    if not lines:
        raise DataError(f"'{name}' is empty; write a header ({','.join(COLUMNS)}) and a line for each interval")
    header, separator = _header(lines[0][1]), _separator(lines[0][1])
    for column in COLUMNS[:3]:
        if header.count(column) != 1:
            which = "two columns" if column in header else "no column"
            raise DataError(
                f"'{name}', line {lines[0][0]}: '{lines[0][1].strip()[:80]}' has {which} '{column}'; "
                f"begin the file with {','.join(COLUMNS)} or subject,video,onset,offset,emotion"
            )

    def parse(number: int, line: str) -> SubmittedInterval:
        return _parse(number, _cells(line, separator), header)

    return parse_lines(lines[1:], parse, name)


def _parse(number: int, cells: Sequence[str], header: Sequence[str]) -> SubmittedInterval:
    if len(cells) != len(header):
        raise DataError(f"{len(cells)} cells for the {len(header)} columns of the header; write one cell a column")
    row = dict(zip(header, cells, strict=True))
    if not row["vid"]:
        raise DataError("the name of the video is empty; write it")
    kind = row.get("type", "")
    if "type" in row and (kind := KINDS.get("".join(kind.lower().split()), "")) == "" and row["onset"]:
        raise DataError(f"type '{row['type']}' is not known; write {' or '.join(TYPES.values())}")
    video = f"{row['subject']}/{row['vid']}" if row.get("subject") else row["vid"]
    return SubmittedInterval(
        video, parse_span(row["onset"], row["offset"]), kind, row.get("emotion", "").lower(), number
    )


def _header(line: str) -> list[str]:
    names = [cell.lower() for cell in _cells(line, _separator(line))]
    return [_NAMES.get(name, name) for name in names]


def _separator(line: str) -> str:
    return max(",;\t", key=line.count)


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])]
