"""Lines of a text file of intervals: their cells, their frame numbers, and one error for all lines that are wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from ..core.errors import DataError
from .intervals import Span

T = TypeVar("T")

BLANKS = frozenset({"", "-", "--", "_", "__", "nan", "none"})
"""Cells that hold nothing."""

MAX_LISTED = 10
"""Lines that an error or a note names, at most."""


def numbered_lines(text: str) -> list[tuple[int, str]]:
    """(number, text) of each line that is not empty; lines are counted from 1."""
    return [(number, line) for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1) if line.strip()]


def split_cells(line: str) -> list[str]:
    """The cells of a line, between commas, semicolons or tabs where it has any, else between spaces."""
    separated = re.search(r"[,;\t]", line)
    return [cell.strip() for cell in re.split(r"[,;\t]", line)] if separated else line.split()


def is_blank(cell: str) -> bool:
    """Whether a cell holds nothing."""
    return cell.lower() in BLANKS


def is_frame(cell: str) -> bool:
    """Whether a cell is a frame number, which may be below 0: a find may begin before the first frame."""
    return re.fullmatch(r"-?\d{1,9}(\.0+)?", cell) is not None


def parse_span(onset: str, offset: str) -> Span | None:
    """(onset, offset) of two cells; None where both are blank.

    Raises:
        DataError: they are not two frame numbers, or the second is smaller; the message does not name the line.
    """
    if is_blank(onset) and is_blank(offset):
        return None
    if not (is_frame(onset) and is_frame(offset)):
        raise DataError(
            f"'{onset} {offset}' are not two frame numbers: write whole numbers, or nothing for no interval"
        )
    first, last = int(float(onset)), int(float(offset))
    if last < first:
        raise DataError(f"the interval {first} {last} ends before it begins: exchange or correct its frames")
    return first, last


def parse_lines(lines: Iterable[tuple[int, str]], parse: Callable[[int, str], T], name: str) -> list[T]:
    """Parse every line.

    Args:
        lines: (number, text) of each.
        parse: of a number and a text; raises a DataError that says what is wrong and what to do.
        name: of the file.

    Raises:
        DataError: a line is wrong. The message has the first, and the numbers of the others.
    """
    parsed, errors = [], []
    for number, line in lines:
        try:
            parsed.append(parse(number, line))
        except DataError as error:
            errors.append((number, f"'{name}', line {number}: '{line.strip()[:80]}': {error}"))
    if errors:
        others = [number for number, _ in errors[1:]]
        more = f" ({len(others)} more lines are wrong: {list_numbers(others)})" if others else ""
        raise DataError(f"{errors[0][1]}{more}")
    return parsed


def list_numbers(numbers: Iterable[int]) -> str:
    """Numbers with commas, the first ten of them."""
    numbers = list(numbers)
    return ", ".join(map(str, numbers[:MAX_LISTED])) + (", ..." if len(numbers) > MAX_LISTED else "")
