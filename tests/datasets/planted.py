"""What tests of readers share: a copy without frames, and a change of a cell of a sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openpyxl

from microexpr.datasets.synthetic.clips import ClipSpec, RecordingSpec
from microexpr.synthetic import Timing, draw_timing


def write_no_frames(
    self: RecordingSpec, spec: ClipSpec, folder: Path, pattern: str, timing: Timing | None = None
) -> tuple[int, int, int]:
    """Stands for `RecordingSpec.write_frames`: the times of a clip whose frames nobody needs."""
    timing = timing or draw_timing(np.random.default_rng(spec.seed), self.fps, self.pad)
    first = self.first_number
    return first + timing.onset, first + timing.apex, first + timing.offset


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
