"""Corrections of known annotation errors: read from a user's file, and applied to the clips of a release."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from ..core.clip import TIMES, Clip
from ..core.errors import DataError, did_you_mean
from ._passed_over import note_read
from ._records import Correction, DatasetIssue

CORRECTIONS = "corrections.csv"
"""A user's own corrections, beside the release: columns clip, field, expected, value, reason."""


def read_corrections(folder: Path) -> list[Correction]:
    """The corrections that a user put into the folder of a release; none without the file.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    path = folder / CORRECTIONS
    if not path.is_file():
        return []
    note_read(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(f"'{path}' cannot be read ({error}); save it as csv in UTF-8") from None
    names = [f.name for f in dataclasses.fields(Correction)]
    for row in rows:
        if absent := [name for name in names if row.get(name) is None]:
            raise DataError(f"'{path}' lacks the column '{absent[0]}'; it needs {', '.join(names)}")
    return [Correction(**{name: row[name].strip() for name in names}) for row in rows]


def write_corrections(folder: Path, corrections: Iterable[Correction]) -> None:
    """Write the `corrections.csv` of a folder."""
    names = [f.name for f in dataclasses.fields(Correction)]
    with (folder / CORRECTIONS).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *(dataclasses.astuple(correction) for correction in corrections)])


def apply_corrections(
    clips: Sequence[Clip], shipped: Sequence[Correction], own: Sequence[Correction], labels: Collection[str]
) -> tuple[list[Clip], list[DatasetIssue]]:
    """The corrected clips, and an issue for each correction that does not fit.

    Args:
        clips: of the release.
        shipped: corrections of the reader; one of a clip that is not here is skipped.
        own: corrections of the user; one of a clip that is not here is an issue.
        labels: label fields of the release; those that a clip has are known anyway.
    """
    corrected, issues = list(clips), []
    index = {clip.id: i for i, clip in enumerate(clips)}
    fields = {*TIMES, *labels}.union(*(clip.labels for clip in clips))
    for correction in (*shipped, *own):
        if correction.clip in index:
            result = _apply(correction, corrected[index[correction.clip]], fields)
            if isinstance(result, DatasetIssue):
                issues.append(result)
            else:
                corrected[index[correction.clip]] = result
        elif correction in own:
            issues.append(DatasetIssue(CORRECTIONS, "clip", correction.clip, "is not a clip of this folder"))
    return corrected, issues


def _apply(correction: Correction, clip: Clip, fields: Collection[str]) -> Clip | DatasetIssue:
    """The corrected clip, or why the correction does not fit; an empty text stands for an unknown frame number."""
    interval_name, _, time = correction.field.rpartition(".")
    if interval_name in clip.named_intervals() and time in TIMES:
        return _apply_to_interval(correction, clip, interval_name, time)
    name, value = correction.field, correction.value
    what = f"the correction to {value} ({correction.reason})"
    if name not in fields:
        return DatasetIssue(clip.id, name, value, f"{what} names no field{did_you_mean(name, fields)}")
    old: Any = getattr(clip, name) if name in TIMES else clip.labels.get(name)
    text = "" if old is None else str(old)
    if text == value:
        return clip  # this copy of the release has it right already
    if text != correction.expected:
        reason = f"{what} expects '{correction.expected}'; this is another version of the sheet"
        return DatasetIssue(clip.id, name, text, reason)
    if name not in TIMES:
        return dataclasses.replace(clip, labels={**clip.labels, name: value})
    if value and not value.isdecimal():
        return DatasetIssue(clip.id, name, value, f"{what} is not a frame number")
    return dataclasses.replace(clip, **{name: int(value) if value else None})  # type: ignore[arg-type]


def _apply_to_interval(correction: Correction, clip: Clip, name: str, time: str) -> Clip | DatasetIssue:
    """The clip with one time of its interval `name` corrected, or why the correction does not fit."""
    old = clip.named_intervals()[name]
    as_clip = Clip(clip.id, clip.dataset, clip.subject, clip.source, clip.fps, old.onset, old.apex, old.offset)
    result = _apply(dataclasses.replace(correction, field=time), as_clip, TIMES)
    if isinstance(result, DatasetIssue):
        return dataclasses.replace(result, field=correction.field)
    new = dataclasses.replace(old, **{time: getattr(result, time)})
    return dataclasses.replace(clip, intervals=tuple(new if i is old else i for i in clip.intervals))
