"""What anybody's published folds betray about how they were made: the report of `microexpr audit --folds`."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..core.errors import DataError, MissingDataError
from ..core.files import decode_text
from ..metrics.fold_spread import FoldSpread, fold_spread
from .base import Report, Table
from .tables import format_score


def audit_folds(path: str | Path) -> Report:
    """Report what the spread of published folds betrays.

    Args:
        path: csv with a line for each fold: `score` (0 to 1, or per cent) and, if known, `fold` and `clips`; or with a
            line for each clip: `subject` (or `fold`), `label` and `predicted`.

    Raises:
        MissingDataError: there is no such file.
        DataError: its columns or values cannot be used; the message says which.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"'{path}' is not there; give a csv of folds or of predictions")
    rows = list(csv.DictReader(io.StringIO(decode_text(path.read_bytes()), newline="")))
    names, scores, clips = _folds(rows, path)
    try:
        spread = fold_spread(scores, clips)
    except ValueError as error:
        raise DataError(f"'{path}': {error}") from None
    lines = spread_lines(spread)
    table = Table(
        "folds",
        ("fold", *(("clips",) if clips else ()), "score"),
        tuple(
            (name, *((str(clips[i]),) if clips else ()), format_score(score))
            for i, (name, score) in enumerate(zip(names, scores, strict=True))
        ),
        folded=len(scores) > 12,
    )
    signs = Table("what the spread says", ("sign", "seen", "meaning"), tuple(lines))
    suspicious = spread.two_kinds or spread.small_better
    return Report(
        title=f"folds of {path.name}",
        name="audit-folds",
        subtitle="These folds look as a leak makes them." if suspicious else "No sign of a leak in these folds.",
        tables=(signs, table),
        data=({**dataclasses.asdict(spread), "two_kinds": spread.two_kinds, "small_better": spread.small_better},),
    )


def spread_lines(spread: FoldSpread) -> list[tuple[str, str, str]]:
    """Each sign, what was seen of it, and what it means."""
    (low, high) = spread.low, spread.high
    lines = [
        (
            "spread",
            f"{format_score(low)} to {format_score(high)}, standard deviation {spread.sd:.3f}",
            f"chance alone gives this spread to folds of {spread.chance_clips:.0f} clips; people differ besides",
        )
    ]
    if spread.groups:
        groups = " and ".join(f"{format_score(a)} to {format_score(b)}" for a, b in spread.groups)
        meaning = (
            "two kinds of folds with nothing between: some test clips, or their people, were probably trained on"
            if spread.two_kinds
            else "no two kinds of folds"
        )
        lines.append(("two kinds", f"{groups}: a gap of {spread.gap:.2f}", meaning))
    if spread.dispersion is not None:
        meaning = "1 is chance alone; in leave-one-subject-out people add to it"
        lines.append(("dispersion", f"{spread.dispersion:.1f}", meaning))
    if spread.small_better_p is not None:
        meaning = (
            "small folds score better than large ones: the epoch, or a threshold, was probably chosen on each test fold"
            if spread.small_better
            else "small folds are not better than large ones beyond chance"
        )
        lines.append(("small folds", f"p = {spread.small_better_p:.4f}", meaning))
    return lines


def _folds(rows: Sequence[Mapping[str, str]], path: Path) -> tuple[list[str], list[float], list[int] | None]:
    """Name, score and number of clips of each fold."""
    columns = set(rows[0]) if rows else set()
    if {"label", "predicted"} <= columns and (group := next((c for c in ("fold", "subject") if c in columns), "")):
        right: dict[str, list[bool]] = defaultdict(list)
        for row in rows:
            right[row[group]].append(row["label"] == row["predicted"])
        return list(right), [float(np.mean(own)) for own in right.values()], [len(own) for own in right.values()]
    column = next((c for c in ("score", "accuracy", "acc", "f1", "uf1") if c in columns), "")
    if not column:
        raise DataError(
            f"'{path}' has the columns {', '.join(sorted(columns)) or 'none'}; give score (and clips) of each fold, or "
            "subject, label and predicted of each clip"
        )
    try:
        scores = [float(row[column]) for row in rows]
        clips = [int(row["clips"]) for row in rows] if "clips" in columns else None
    except ValueError as error:
        raise DataError(f"'{path}': {error}; scores and numbers of clips are numbers") from None
    if scores and max(scores) > 1:
        scores = [score / 100 for score in scores]
    names = [row.get("fold") or row.get("subject") or str(number) for number, row in enumerate(rows, 1)]
    return names, scores, clips
