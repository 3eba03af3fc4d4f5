"""What is doubtful or repeated in a log or a submission, a line each: nothing of a file is dropped without a word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ._lines import list_numbers
from ._video_names import VideoNames
from .intervals import Span, overlap
from .megc_log import LogEntry
from .megc_submission import SubmittedInterval
from .spotting import VideoIntervals


def log_notes(entries: Sequence[LogEntry], iou: float) -> list[str]:
    """Notes on the rows of a log, with the numbers of their lines."""
    repeated = _repeated((entry.line, (entry.video.casefold(), entry.true, entry.found)) for entry in entries)
    results: dict[tuple[str, str, Span], set[str]] = {}
    for entry in entries:
        for side, span in (("label", entry.true), ("find", entry.found)):
            if span:
                results.setdefault((side, entry.video.casefold(), span), set()).add(entry.result)

    def is_both(side: str, span: Span | None, entry: LogEntry) -> bool:
        return span is not None and len(results[side, entry.video.casefold(), span]) > 1

    groups = {
        "rows that repeat an earlier one": repeated,
        "finds that begin before frame 0, scored as they stand": [
            e.line for e in entries if e.found and e.found[0] < 0
        ],
        "labels that begin before frame 0, scored as they stand": [e.line for e in entries if e.true and e.true[0] < 0],
        f"pairs that overlap by less than {iou:g} and are none one to one": [
            e.line for e in entries if e.true and e.found and overlap(e.true, e.found) < iou
        ],
        "rows of a label that is both found and missed": [e.line for e in entries if is_both("label", e.true, e)],
        "rows of a find that is both true and false": [e.line for e in entries if is_both("find", e.found, e)],
    }
    return _lines(groups)


def comparison_notes(entries: Sequence[LogEntry], annotated: VideoIntervals, source: str) -> list[str]:
    """How the labels and videos of a log differ from those of a data set or csv."""
    names = VideoNames(annotated)
    video_of = {entry.video: names.find(entry.video) or entry.video for entry in entries}
    here = {(video_of[e.video], e.true) for e in entries if e.true}
    there = {(video, (i.onset, i.offset)) for video, own in annotated.items() for i in own}
    unknown = sorted({video.casefold() for video in video_of.values() if video not in annotated})
    absent = sorted(set(annotated) - set(video_of.values()))
    notes = [f"labels of the log: {len(here)}; labels of '{source}': {len(there)}; in both: {len(here & there)}"]
    if unknown:
        notes.append(f"videos of the log that are none of '{source}': {len(unknown)} ({list_names(unknown)})")
    if absent:
        notes.append(
            f"videos of '{source}' without a row, whose labels and false alarms are not counted: {len(absent)} of "
            f"{len(annotated)} ({list_names(absent)})"
        )
    return notes


def submission_notes(rows: Sequence[SubmittedInterval], what: str) -> list[str]:
    """Notes on the rows of a submission or of annotated intervals (`what`: find, label), with their lines."""
    groups = {
        f"rows that repeat an earlier {what}": _repeated(
            (row.line, (row.video.casefold(), row.span, row.kind)) for row in rows
        ),
        f"{what}s that begin before frame 0, scored as they stand": [r.line for r in rows if r.span and r.span[0] < 0],
    }
    return _lines(groups)


def list_names(names: Sequence[str]) -> str:
    """The first three names, and how many there are."""
    return ", ".join(names[:3]) + (f", ... {len(names)} in all" if len(names) > 3 else "")


def _repeated(rows: Iterable[tuple[int, object]]) -> list[int]:
    """Lines whose row stands in an earlier line."""
    seen: set[object] = set()
    lines = []
    for line, row in rows:
        if row in seen:
            lines.append(line)
        seen.add(row)
    return lines


def _lines(groups: dict[str, list[int]]) -> list[str]:
    return [f"{what}: {len(lines)} (line {list_numbers(lines)})" for what, lines in groups.items() if lines]
