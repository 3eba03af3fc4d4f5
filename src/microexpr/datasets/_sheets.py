"""Reading and writing annotation sheets (xlsx and csv)."""

from __future__ import annotations

import csv
import dataclasses
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.clip import TIMES
from ..core.errors import DataError, MissingDataError
from ._corrections import CORRECTIONS
from ._passed_over import note_read
from ._records import DatasetIssue

Row = Mapping[str, str]

MAX_CELLS = 5_000_000
"""Largest number of cells of a sheet."""

MAX_XLSX_BYTES = 2**29
"""Largest size of an unpacked xlsx file, in bytes."""

_SUBJECT = re.compile(r"\D*(\d+)(?:[.,]0+)?\D*")

MAX_COLUMNS = 20
"""Largest number of columns that an error lists."""

LINE = "#"
"""Key of a row's own number in its file, counted from 1."""


class SheetRow(dict[str, str]):
    """A row of a sheet: column -> text.

    Args:
        path: the sheet, for errors.
        cells: column -> text.
    """

    def __init__(self, path: Path, cells: Mapping[str, str]) -> None:
        super().__init__(cells)
        self.path = path

    def __missing__(self, column: str) -> str:
        raise DataError(
            f"sheet '{self.path}' has no column '{column}'; it has {_list_columns(self)} (a reader that needs "
            "a column names it when it reads the sheet)"
        )


def find_path(root: Path, names: Sequence[str], what: str) -> Path:
    """The first of several files or folders that exists.

    Args:
        root: where to look.
        names: paths below `root`.
        what: what is looked for, for the error.

    Raises:
        MissingDataError: none of them exists.
        DataError: one of them exists as xls only.
    """
    for name in names:
        if (root / name).exists():
            return root / name
    _refuse_xls(path.with_suffix(".xls") for name in names if (path := root / name).suffix == ".xlsx")
    raise MissingDataError(f"'{root}' has no {what}; looked for {', '.join(names)}")


def only_sheet(root: Path) -> Path:
    """The only sheet of a folder: of a release whose copies name it differently.

    Raises:
        MissingDataError: there is none.
        DataError: there are several, or one as xls only.
    """
    found: list[Path] = []
    for suffix in ("xlsx", "csv"):
        paths = [path for path in sorted(root.glob(f"*.{suffix}")) if not path.name.startswith(("~", "."))]
        found = found or [path for path in paths if path.name != CORRECTIONS]
    if not found:
        _refuse_xls(sorted(root.glob("*.xls")))
        raise MissingDataError(f"'{root}' has no coding sheet; looked for *.xlsx and *.csv: put the release's there")
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise DataError(f"'{root}' has {len(found)} sheets ({names}); keep the one of the release")
    return found[0]


def _refuse_xls(paths: Iterable[Path]) -> None:
    """Raise an error that says what to do with a sheet in a format that is not read."""
    if (old := next((path for path in paths if path.is_file()), None)) is not None:
        raise DataError(
            f"'{old}' is in the format of Excel before 2007, which is not read; open it in a spreadsheet program "
            f"and save it as '{old.stem}.xlsx' beside it"
        )


def first_folder(root: Path, names: Sequence[str]) -> Path:
    """The first of several folders below `root` that exists; the first name where none does, so that clips lack it."""
    return next((root / name for name in names if (root / name).is_dir()), root / names[0])


def read_rows(path: Path, needed: Sequence[str], bare: Sequence[str] = (), sheet: str = "") -> list[SheetRow]:
    """Rows of a sheet (xlsx) or of a csv as texts, by column.

    Sheets of releases have text above the header, blank columns and numbers stored as text. So the header is the first
    row that has all `needed` columns, whatever their case and spacing, and nothing is converted. Each row has its
    number in the file under `LINE`.

    Args:
        path: of the sheet.
        needed: columns; several spellings of one are written `first|second`, and the row has it under the first.
        bare: if the very first cell is one of these, there is no header, and the columns are those of `needed`.
        sheet: its name, whatever its case; the first sheet by default.

    Raises:
        MissingDataError: no such file.
        DataError: it cannot be read, or lacks the sheet or a column.
    """
    tables = _all_tables(path)
    names = [name for name in tables if not sheet or name.strip().casefold() == sheet.casefold()]
    if sheet and not names:
        raise DataError(f"'{path}' has no sheet '{sheet}'; it has {', '.join(tables) or 'none'}")
    table = tables[names[0]] if names else []
    keys = [name.split("|")[0] for name in needed]
    if table and table[0] and table[0][0] in bare:
        return _below(path, table, {name: i for i, name in enumerate(keys)}, 1)
    best: tuple[list[str], dict[str, int]] = (table[0] if table else [], {})
    for number, cells in enumerate(table, 1):
        names = [_plain(cell) for cell in cells]
        columns = {}
        for key, spellings in zip(keys, needed, strict=True):
            plain = [_plain(spelling) for spelling in spellings.split("|")]
            if found := [names.index(name) for name in plain if name in names]:
                columns[key] = found[0]
        if len(columns) == len(keys):
            taken = set(columns.values())
            columns |= {cell: i for i, cell in enumerate(cells) if cell and i not in taken}
            return _below(path, table[number:], columns, number + 1)
        best = max(best, (cells, columns), key=lambda header: len(header[1]))
    absent = next(name for name in needed if name.split("|")[0] not in best[1])
    first, *others = absent.split("|")
    also = f" (or {', '.join(others)})" if others else ""
    raise DataError(
        f"sheet '{path}' lacks the column '{first}'{also}; it needs {', '.join(keys)}, and has {_list_columns(best[0])}"
    )


def read_tables(path: Path, n_sheets: int) -> dict[str, list[list[str]]]:
    """Every sheet of an xlsx file by name, as rows of stripped text; for releases that put no header above them.

    Raises:
        MissingDataError: no such file.
        DataError: it cannot be read, or has fewer than `n_sheets` sheets.
    """
    tables = _all_tables(path)
    if len(tables) < n_sheets:
        raise DataError(f"sheet '{path}' has {len(tables)} sheets ({', '.join(tables)}); the release has {n_sheets}")
    return tables


def _all_tables(path: Path) -> dict[str, list[list[str]]]:
    if not path.is_file():
        raise MissingDataError(f"sheet '{path}' is not there")
    note_read(path)
    try:
        return {"": _csv(path)} if path.suffix == ".csv" else _xlsx(path)
    except Exception as error:  # a broken file can raise any error anywhere in its parser
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        remedy = "save it as csv in UTF-8" if path.suffix == ".csv" else "copy it anew"
        raise DataError(f"sheet '{path}' cannot be read ({reason}); {remedy}") from None


def _below(path: Path, table: list[list[str]], columns: Mapping[str, int], first: int) -> list[SheetRow]:
    """The rows below the header; short rows are filled with empty cells, empty rows are left out."""
    width, rows = max(columns.values()) + 1, []
    for number, cells in enumerate(table, first):
        if path.suffix == ".csv" and any(cells[width:]):
            raise DataError(
                f"'{path}', line {number}: more cells than columns ({', '.join(cells)}); a comma needs quotes"
            )
        padded = [*cells, *[""] * (width - len(cells))]
        if any(padded):
            rows.append(SheetRow(path, {LINE: str(number)} | {name: padded[i] for name, i in columns.items()}))
    return rows


def _list_columns(names: Iterable[str]) -> str:
    """The columns of a sheet in one line, the first ones of many."""
    shown = [name for name in names if name and name != LINE]
    more = f" and {len(shown) - MAX_COLUMNS} more" if len(shown) > MAX_COLUMNS else ""
    return ", ".join(shown[:MAX_COLUMNS]) + more if shown else "none"


def read_subject_rows(
    path: Path, needed: Sequence[str], sheet: str = ""
) -> tuple[list[tuple[int, SheetRow]], list[DatasetIssue]]:
    """(number of the subject, row) of a sheet, and an issue for each row without a subject or a clip.

    Args:
        path: of the sheet.
        needed: its columns; the first is the subject, the second the clip. A row that has neither (sums below the
            table) is left out.
        sheet: as for `read_rows`.

    Raises:
        DataError: as `read_rows`.
    """
    rows, issues = [], []
    subject_column, clip_column = (name.split("|")[0] for name in needed[:2])
    for row in read_rows(path, needed, sheet=sheet):
        subject, clip = row[subject_column], row[clip_column]
        where = f"{path.name}, row {row[LINE]}"
        if _SUBJECT.fullmatch(subject) and clip:
            rows.append((subject_number(subject), row))
        elif clip:
            issues.append(DatasetIssue(where, subject_column, subject, "is not the number of a subject"))
        elif subject:
            issues.append(DatasetIssue(where, clip_column, clip, "is empty"))
    return rows, issues


def _csv(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        delimiter = max(",;\t", key=file.readline().count)  # some spreadsheets write a semicolon
        file.seek(0)
        return [[cell.strip() for cell in row] for row in csv.reader(file, delimiter=delimiter, strict=True)]


def _xlsx(path: Path) -> dict[str, list[list[str]]]:
    """Rows of every sheet. Cells are read one by one, so that a stray cell in the last corner costs no memory."""
    from openpyxl import load_workbook  # here, because it takes long to load

    with zipfile.ZipFile(path) as archive:
        if sum(info.file_size for info in archive.infolist()) > MAX_XLSX_BYTES:
            raise ValueError(f"unpacked it has more than {MAX_XLSX_BYTES // 2**20} MiB")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of styles that it does not know
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            return {sheet.title: _sheet_rows(sheet) for sheet in book.worksheets}
        finally:
            book.close()


def _sheet_rows(sheet: Any) -> list[list[str]]:
    """Rows of a sheet without the empty cells at their ends and the empty rows at its end."""
    sheet.reset_dimensions()  # some programs write wrong ones
    rows: list[list[str]] = []
    empty: list[str] = []
    used = 0
    for cells in sheet.iter_rows(values_only=True):
        row = [_text(cell) for cell in cells] if cells else empty
        while row and not row[-1]:
            row.pop()
        rows.append(row or empty)
        used += len(row)
        if used > MAX_CELLS:
            raise ValueError(f"it has more than {MAX_CELLS} cells")
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _text(cell: Any) -> str:
    if cell is None or (isinstance(cell, float) and cell != cell):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _plain(name: str) -> str:
    return "".join(name.lower().split())


def parse_times(
    clip_id: str,
    row: Row,
    columns: Sequence[str],
    unknown: Sequence[str] = (),
    needed: Sequence[str] = (),
) -> tuple[tuple[int | None, int | None, int | None], list[DatasetIssue]]:
    """(onset, apex, offset) of a row, and an issue for each cell that is not a frame number.

    Args:
        clip_id: for the issues.
        row: of the sheet.
        columns: names of the columns of onset, apex and offset.
        unknown: cells that stand for "not known" in this release, besides the empty one.
        needed: those of `onset`, `apex`, `offset` that the release gives for every clip: an empty cell is an issue.
    """
    times: list[int | None] = []
    issues = []
    for time, column in zip(TIMES, columns, strict=True):
        text = row.get(column, "")
        number = re.fullmatch(r"(\d+)(\.0+)?", text)
        times.append(int(number[1]) if number else None)
        if not number and text not in ("", *unknown):
            issues.append(DatasetIssue(clip_id, time, text, "is not a frame number"))
        elif not text and time in needed:
            issues.append(DatasetIssue(clip_id, time, "", f"is empty (column '{column}')"))
    return (times[0], times[1], times[2]), issues


def parse_interval_times(
    clip_id: str, name: str, cells: Mapping[str, str]
) -> tuple[tuple[int | None, int | None, int | None], list[DatasetIssue]]:
    """(onset, apex, offset) of an interval, and an issue for each cell that is not a frame number.

    Args:
        clip_id, name: of the video and of the interval, for the issues.
        cells: the cells `onset`, `apex` and `offset`.
    """
    times, issues = parse_times(clip_id, cells, TIMES)
    return times, [dataclasses.replace(issue, field=f"{name}.{issue.field}") for issue in issues]


def subject_number(text: str) -> int:
    """The number of a subject written `1`, `01`, `sub01`, or `1.0` as spreadsheets do.

    Raises:
        DataError: there is not one number in it.
    """
    found = _SUBJECT.fullmatch(text)
    if found is None:
        raise DataError(f"'{text}' in the subject column of the sheet is not the number of a subject")
    return int(found[1])


def write_rows(
    path: Path, header: Sequence[str | None], rows: Iterable[Sequence[object]], above: Sequence[str] = ()
) -> None:
    """Write an xlsx sheet with the lines of `above` over its header."""
    write_tables(path, {"Sheet": [*([line] for line in above), header, *rows]})


def write_tables(path: Path, tables: Mapping[str, Iterable[Sequence[object]]]) -> None:
    """Write an xlsx file with a sheet for each table, by name."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in tables.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
