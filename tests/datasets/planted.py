"""What tests of readers share: the cells of a sheet, and a change of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl


def edit(sheet: Path, row: int, column: str, value: object) -> None:
    """Change a cell of a sheet; rows are counted from 0 below the header, which is its first row."""
    book = openpyxl.load_workbook(sheet)
    header = [cell.value for cell in book.worksheets[0][1]]
    book.worksheets[0].cell(row + 2, header.index(column) + 1).value = value
    book.save(sheet)


def cells(sheet: Path, row: int) -> dict[str, Any]:
    """Column -> value of a row; rows are counted as in `edit`."""
    header, *rows = openpyxl.load_workbook(sheet).worksheets[0].iter_rows(values_only=True)
    return dict(zip(map(str, header), rows[row], strict=True))
