"""Annotation sheets: found, opened, and their columns checked."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..core.clip import TIMES
from ..core.errors import DataError, MissingDataError
from .base import DatasetIssue

Row = Mapping[str, str]

LINE = "#"
"""Key of a row's own number in its file, counted from 1."""


def find(root: Path, names: Sequence[str], what: str) -> Path:
    """The first of `names` (files or folders, relative) that is there.

    Raises:
        MissingDataError: none is.
    """
    for name in names:
        if (root / name).exists():
            return root / name
    raise MissingDataError(f"'{root}' has no {what}; looked for {', '.join(names)}")


def read_rows(path: Path, needed: Sequence[str], bare: Sequence[str] = ()) -> list[dict[str, str]]:
    """Rows of the first sheet (xlsx) or of a csv, each cell as stripped text; the header is found by its words.

    Release sheets carry text above the header, blank columns and numbers stored as text; so the header is the first
    row that has all `needed` words, whatever their case and spacing, and nothing is converted. Each row knows its own
    number in the file, under `LINE`.

    Args:
        path: of the sheet.
        needed: columns; one that has several spellings lists them, `first|second`, and is known by the first.
        bare: where the first cell of all is one of these, there is no header, and the columns are as in `needed`.

    Raises:
        MissingDataError: no such file.
        DataError: it cannot be read, or lacks a column.
    """
    table = next(iter(_all_tables(path).values()), [])
    keys = [name.split("|")[0] for name in needed]
    if table and table[0] and table[0][0] in bare:
        return _below(path, table, {name: i for i, name in enumerate(keys)}, 1)
    best: set[str] = set()
    for number, cells in enumerate(table, 1):
        names = [_plain(cell) for cell in cells]
        columns = {}
        for key, spellings in zip(keys, needed, strict=True):
            if here := [names.index(_plain(one)) for one in spellings.split("|") if _plain(one) in names]:
                columns[key] = here[0]
        if len(columns) == len(keys):
            taken = set(columns.values())
            columns |= {cell: i for i, cell in enumerate(cells) if cell and i not in taken}
            return _below(path, table[number:], columns, number + 1)
        best = max(best, set(columns), key=len)
    absent = next(name for name in needed if name.split("|")[0] not in best)
    first, *others = absent.split("|")
    also = f" (or {', '.join(others)})" if others else ""
    raise DataError(f"sheet '{path}' lacks the column '{first}'{also}; it needs {', '.join(keys)}")


def read_tables(path: Path, least: int) -> dict[str, list[list[str]]]:
    """Every sheet of an xlsx file by name, as rows of stripped text; for releases that put no header above them.

    Raises:
        MissingDataError: no such file.
        DataError: it cannot be read, or has fewer than `least` sheets.
    """
    tables = _all_tables(path)
    if len(tables) < least:
        raise DataError(f"sheet '{path}' has {len(tables)} sheets ({', '.join(tables)}); the release has {least}")
    return tables


def _all_tables(path: Path) -> dict[str, list[list[str]]]:
    if not path.is_file():
        raise MissingDataError(f"sheet '{path}' is not there")
    try:
        return {"": _csv(path)} if path.suffix == ".csv" else _xlsx(path)
    except Exception as fault:  # a broken file breaks its parser anywhere, with whatever error
        words = " ".join(f"{type(fault).__name__}: {fault}".split())
        remedy = "save it as csv in UTF-8" if path.suffix == ".csv" else "copy it anew"
        raise DataError(f"sheet '{path}' cannot be read ({words}); {remedy}") from None


def _below(path: Path, table: list[list[str]], columns: Mapping[str, int], first: int) -> list[dict[str, str]]:
    """The rows below the header; short ones are filled up, empty ones left out."""
    width, rows = max(columns.values()) + 1, []
    for number, cells in enumerate(table, first):
        if path.suffix == ".csv" and any(cells[width:]):
            raise DataError(
                f"'{path}', line {number}: more cells than columns ({', '.join(cells)}); a comma needs quotes"
            )
        padded = [*cells, *[""] * (width - len(cells))]
        if any(padded):
            rows.append({LINE: str(number)} | {name: padded[i] for name, i in columns.items()})
    return rows


def people(path: Path, needed: Sequence[str]) -> tuple[list[tuple[int, dict[str, str]]], list[DatasetIssue]]:
    """(person's number, row) of a sheet, and a fault for each row that does not say whose or which clip it is.

    Args:
        path: of the sheet.
        needed: its columns; the first is the person, the second the clip. A row that has neither (sums below the
            table) is left out.

    Raises:
        DataError: as `read_rows`.
    """
    rows, faults = [], []
    for row in read_rows(path, needed):
        who, what = row[needed[0]], row[needed[1]]
        where = f"{path.name}, row {row[LINE]}"
        if re.search(r"\d", who) and what:
            rows.append((person(who), row))
        elif what:
            faults.append(DatasetIssue(where, needed[0], who, "is not a person's number"))
        elif who:
            faults.append(DatasetIssue(where, needed[1], what, "is empty"))
    return rows, faults


def _csv(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        delimiter = max(",;\t", key=file.readline().count)  # some spreadsheets write a semicolon
        file.seek(0)
        return [[cell.strip() for cell in row] for row in csv.reader(file, delimiter=delimiter, strict=True)]


def _xlsx(path: Path) -> dict[str, list[list[str]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of styles that it does not know
        frames = pd.read_excel(path, sheet_name=None, header=None, dtype=object)
    return {
        str(name): [[_text(cell) for cell in row] for row in frame.itertuples(index=False)]
        for name, frame in frames.items()
    }


def _text(cell: Any) -> str:
    if cell is None or (isinstance(cell, float) and cell != cell):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _plain(name: str) -> str:
    return "".join(name.lower().split())


def times(
    clip: str, row: Row, columns: Sequence[str], unknown: Sequence[str] = (), needed: Sequence[str] = ()
) -> tuple[tuple[int | None, int | None, int | None], list[DatasetIssue]]:
    """(onset, apex, offset) of a row, and a fault for each cell that is no frame number.

    Args:
        clip: its id, for the fault.
        row: of the sheet.
        columns: the names of the three columns, in that order.
        unknown: cells that stand for "not known" in this release, besides the empty one.
        needed: of `onset`, `apex`, `offset` those that the release gives for every clip: an empty cell is a fault.
    """
    found: list[int | None] = []
    faults = []
    for name, column in zip(TIMES, columns, strict=True):
        text = row.get(column, "")
        whole = re.fullmatch(r"(\d+)(\.0+)?", text)
        found.append(int(whole[1]) if whole else None)
        if not whole and text not in ("", *unknown):
            faults.append(DatasetIssue(clip, name, text, "is not a frame number"))
        elif not text and name in needed:
            faults.append(DatasetIssue(clip, name, "", f"is empty (column '{column}')"))
    return (found[0], found[1], found[2]), faults


def person(text: str) -> int:
    """The number of a person written `1`, `01` or `sub01`.

    Raises:
        DataError: there is no number in it.
    """
    digits = "".join(filter(str.isdecimal, text))
    if not digits:
        raise DataError(f"'{text}' in the sheet's subject column is not a person's number")
    return int(digits)


def write_rows(
    path: Path, header: Sequence[str | None], rows: Iterable[Sequence[object]], above: Sequence[str] = ()
) -> None:
    """An xlsx sheet with `above` as text rows over the header."""
    write_tables(path, {"Sheet": [*([line] for line in above), header, *rows]})


def write_tables(path: Path, tables: Mapping[str, Iterable[Sequence[object]]]) -> None:
    """An xlsx file with a sheet for each table, by name."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in tables.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
