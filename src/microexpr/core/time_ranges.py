"""Ranges of time as people write them: `0:12-0:30`, `90-95.5`, `1:02:00-1:02:30`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .errors import UsageError
from .events import Spans

TIME = r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)"


def parse_ranges(texts: Iterable[str]) -> Spans:
    """Return start and end in seconds of each range, rising; ranges that overlap or touch become one.

    Args:
        texts: a range each: two times with `-` between them. A time is seconds, `minutes:seconds` or
            `hours:minutes:seconds`.

    Raises:
        UsageError: a text is no range, or its end does not come after its start.
    """
    return join_ranges(_parse(text) for text in texts)


def _parse(text: str) -> tuple[float, float]:
    match = re.fullmatch(f"{TIME}-{TIME}", re.sub(r"\s", "", text).replace("\N{EN DASH}", "-"))
    if match is None:
        raise UsageError(f"'{text}' is no range of time; write start-end, e.g. 0:12-0:30 or 12-30.5")
    start, end = (_seconds(match.groups()[i : i + 3]) for i in (0, 3))
    if end <= start:
        raise UsageError(f"'{text}': the range ends before it begins")
    return start, end


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds = (float(part or 0) for part in parts)
    return 3600 * hours + 60 * minutes + seconds


def join_ranges(ranges: Iterable[tuple[float, float]]) -> Spans:
    """Return ranges in seconds, rising; those that overlap or touch become one."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return tuple(joined)


def overlaps(start: float, end: float, ranges: Iterable[tuple[float, float]]) -> bool:
    """Whether a time from start to end in seconds has something in common with one of the ranges."""
    return any(start < last and end >= first for first, last in ranges)


def format_time(seconds: float) -> str:
    """Write a time as `minutes:seconds`: `0:12`, `1:02.5`."""
    minutes, rest = divmod(round(seconds, 3), 60)
    text = f"{rest:06.3f}".rstrip("0").rstrip(".")
    return f"{minutes:.0f}:{text}"


def format_range(start: float, end: float) -> str:
    """Write a range in seconds as `parse_ranges` reads it."""
    return f"{format_time(start)}-{format_time(end)}"
