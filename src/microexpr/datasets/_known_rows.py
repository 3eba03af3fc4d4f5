"""Rows of a sheet that are known to be wrong, where the source names them by their number and not by their clip.

A `Correction` needs the clip and the wrong value. Where only the number of a row is published, nothing is corrected:
`Dataset.check` names the rows whose values are still others, and a `corrections.csv` corrects them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..core.clip import TIMES, Clip
from ._corrections import CORRECTIONS
from ._records import DatasetIssue

MEB = "meb (Varanka et al. 2022)"
"""The source of most known rows: the readers of Varanka et al."""


@dataclass(frozen=True)
class WrongRow:
    """A value of a row that is wrong in copies of a sheet.

    Attributes:
        row: of the sheet, counted from 0 below its header.
        field: a time or a label of the clip.
        value: the right value.
    """

    row: int
    field: str
    value: str


def wrong_row_issues(
    wrong: Iterable[WrongRow], sheet: Sequence[str], clips: Iterable[Clip], rows: int, source: str
) -> list[DatasetIssue]:
    """An issue for each known wrong value that no correction has put right.

    Args:
        wrong: the known rows.
        sheet: ids of the clips in the order of the sheet's rows.
        clips: corrected.
        rows: of the sheet that the source numbers; in a sheet with more or fewer the numbers mean nothing.
        source: who says so.
    """
    if len(sheet) != rows:
        return []
    by_id: Mapping[str, Clip] = {clip.id: clip for clip in clips}
    issues = []
    for known in wrong:
        clip = by_id.get(sheet[known.row])
        if clip is None or (now := _text(clip, known.field)) == known.value:
            continue
        line = f"{clip.id},{known.field},{now},{known.value},{source}"
        reason = f"row {known.row} is known to be wrong, {source} has {known.value}; a line of {CORRECTIONS}: {line}"
        issues.append(DatasetIssue(clip.id, known.field, now, reason))
    return issues


def _text(clip: Clip, field: str) -> str:
    value = getattr(clip, field) if field in TIMES else clip.labels.get(field)
    return "" if value is None else str(value)
