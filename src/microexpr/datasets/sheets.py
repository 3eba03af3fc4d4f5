"""Annotation sheets: found, opened, and their columns checked."""

from __future__ import annotations

import csv
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..clip import TIMES
from ..errors import DataError, MissingDataError
from .base import Fault

Row = Mapping[str, str]


def find(root: Path, names: Sequence[str], what: str) -> Path:
    """The first of `names` (files or folders, relative) that is there.

    Raises:
        MissingDataError: none is.
    """
    for name in names:
        if (root / name).exists():
            return root / name
    raise MissingDataError(f"'{root}' has no {what}; looked for {', '.join(names)}")


def read_rows(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """Rows of the first sheet (xlsx) or of a csv, each cell as stripped text; the header is found by its words.

    Release sheets carry text above the header, blank columns and numbers stored as text; so the header is the first
    row that has all `needed` words, whatever their case and spacing, and nothing is converted.

    Raises:
        MissingDataError: no such file.
        DataError: it cannot be read, or lacks a column.
    """
    if not path.is_file():
        raise MissingDataError(f"sheet '{path}' is not there")
    try:
        table = _table(path)
    except (
        OSError,
        ValueError,
        KeyError,
        IndexError,
        zipfile.BadZipFile,
        pd.errors.ParserError,
        UnicodeError,
    ) as fault:
        raise DataError(f"sheet '{path}' cannot be read ({type(fault).__name__}: {fault}); copy it anew") from None
    best: set[str] = set()
    for number, cells in enumerate(table):
        names = [_plain(cell) for cell in cells]
        there = {name for name in needed if _plain(name) in names}
        if len(there) == len(needed):
            columns = {name: names.index(_plain(name)) for name in needed}
            columns |= {cell: i for i, cell in enumerate(cells) if cell and names[i] not in map(_plain, needed)}
            return [{name: row[i] for name, i in columns.items()} for row in table[number + 1 :] if any(row)]
        best = max(best, there, key=len)
    absent = [name for name in needed if name not in best]
    raise DataError(f"sheet '{path}' lacks the column '{absent[0]}'; it needs {', '.join(needed)}")


def _table(path: Path) -> list[list[str]]:
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [[cell.strip() for cell in row] for row in csv.reader(file)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of styles that it does not know
        frame = pd.read_excel(path, header=None, dtype=object)
    return [[_text(cell) for cell in row] for row in frame.itertuples(index=False)]


def _text(cell: Any) -> str:
    if cell is None or (isinstance(cell, float) and cell != cell):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _plain(name: str) -> str:
    return "".join(name.lower().split())


def times(
    clip: str, row: Row, columns: Sequence[str], unknown: Sequence[str] = ()
) -> tuple[tuple[int | None, int | None, int | None], list[Fault]]:
    """(onset, apex, offset) of a row, and a fault for each cell that is no frame number.

    Args:
        clip: its id, for the fault.
        row: of the sheet.
        columns: the names of the three columns, in that order.
        unknown: cells that stand for "not known" in this release, besides the empty one.
    """
    found: list[int | None] = []
    faults = []
    for name, column in zip(TIMES, columns, strict=True):
        text = row.get(column, "")
        found.append(int(text) if text.isdigit() else None)
        if found[-1] is None and text not in ("", *unknown):
            faults.append(Fault(clip, name, text, "is not a frame number"))
    return (found[0], found[1], found[2]), faults


def person(text: str) -> int:
    """The number of a person written `1`, `01` or `sub01`.

    Raises:
        DataError: there is no number in it.
    """
    digits = "".join(filter(str.isdigit, text))
    if not digits:
        raise DataError(f"'{text}' in the sheet's subject column is not a person's number")
    return int(digits)


def write_rows(
    path: Path, header: Sequence[str | None], rows: Iterable[Sequence[object]], above: Sequence[str] = ()
) -> None:
    """An xlsx sheet with `above` as text rows over the header."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for line in above:
        sheet.append([line])
    sheet.append(list(header))
    for row in rows:
        sheet.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
