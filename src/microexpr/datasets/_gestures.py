"""Tables of micro-gestures: a csv without a header for each video, whose lines are gesture, first and last frame."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ..core.clip import Interval
from . import _sheets as sheets
from ._passed_over import note_read
from ._records import DatasetIssue

KIND = "gesture"
"""The kind of such an interval: it is neither a micro- nor a macro-expression."""

_NUMBERS = tuple(map(str, range(1000)))


def read_gestures(
    path: Path, clip_id: str, classes: Collection[str], skipped: str = ""
) -> tuple[list[Interval], int, list[DatasetIssue]]:
    """The gestures of a table, in its order.

    Args:
        path: of the table; an empty one has no gesture.
        clip_id: of the video, for issues.
        classes: the gestures of the release, as the table writes them.
        skipped: what stands for something that is no micro-gesture.

    Returns:
        The intervals, each with the label `gesture` and the number of its line as `name`; the number of skipped lines;
        and an issue for each line that cannot be understood.
    """
    if not path.read_bytes().strip():
        note_read(path)
        return [], 0, []
    intervals, n_skipped, issues = [], 0, []
    for row in sheets.read_rows(path, ("gesture", "start", "end"), bare=_NUMBERS):
        name, gesture = row[sheets.LINE], row["gesture"]
        if skipped and gesture == skipped:
            n_skipped += 1
            continue
        cells = {"onset": row["start"], "apex": "", "offset": row["end"]}
        (onset, _, offset), wrong = sheets.parse_interval_times(clip_id, name, cells)
        if gesture not in classes:
            wrong.append(
                DatasetIssue(clip_id, f"{name}.gesture", gesture, f"is not a gesture of {path.name}'s release")
            )
        if not wrong and (onset is None or offset is None):
            time = "onset" if onset is None else "offset"
            wrong.append(DatasetIssue(clip_id, f"{name}.{time}", "", "is empty"))
        issues += wrong
        if not wrong and onset is not None and offset is not None:
            intervals.append(Interval(onset, offset, kind=KIND, labels={"name": name, "gesture": gesture}))
    return intervals, n_skipped, issues
