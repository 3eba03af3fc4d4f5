"""Log files of the spotting challenges (MEGC 2020 and 2021): true and found intervals, and how each counts.

    2
    s15_0101 127 140 120 138 TP
    s15_0101 - - 201 210 FP
    s15_0102 57 64 - - FN

The first line is the challenge's number of the data set that follows: 1 for SAMM Long Videos, 2 for CAS(ME)^2
(`DatasetInfo.megc_number`); a file may hold several, each below its own number. Submissions also come with commas,
tabs, a header or empty cells: all of these are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..core.clip import Interval
from ..core.errors import DataError, UsageError
from .intervals import Span, SpottingScore, match_intervals, overlap
from .spotting import VideoIntervals

_BLANK = {"", "-", "--", "nan"}
_EXPECTED_NUMBER = "the number of its data set (1: SAMM Long Videos, 2: CAS(ME)^2)"


@dataclass(frozen=True)
class LogEntry:
    """A line of a log: a true interval, a found interval, or both if they match.

    Attributes:
        dataset: the challenge's number of the data set.
        video: name of the video.
        true: (onset, offset) of the true interval, or None.
        found: (onset, offset) of the found interval, or None.
    """

    dataset: int
    video: str
    true: Span | None
    found: Span | None

    @property
    def result(self) -> str:
        """`TP`, `FP` or `FN`."""
        if self.true and self.found:
            return "TP"
        return "FN" if self.true else "FP"


def make_entries(
    dataset: int, true_intervals: VideoIntervals, found_intervals: VideoIntervals, iou: float = 0.5
) -> list[LogEntry]:
    """List every true and every found interval once, video by video: pairs, then misses, then false alarms.

    Args:
        dataset: the challenge's number of the data set, 1 or more.
        true_intervals: video -> true intervals.
        found_intervals: video -> found intervals in the same frame numbers.
        iou: smallest overlap of a pair.

    Raises:
        UsageError: the number, or the name of a video, cannot be written to a log.
    """
    if dataset < 1:
        raise UsageError(f"data set number {dataset} in an MEGC log; give the challenge's number, 1 or more")
    entries: list[LogEntry] = []
    for video in sorted({*true_intervals, *found_intervals}):
        if not video or re.search(r"[\s,;]", video):
            raise UsageError(f"video '{video}': a name in a log has no space, comma or semicolon")
        misses, false_alarms = list(true_intervals.get(video, ())), list(found_intervals.get(video, ()))
        for true, found in match_intervals(misses, false_alarms, iou):
            entries.append(LogEntry(dataset, video, (true.onset, true.offset), (found.onset, found.offset)))
            misses.remove(true)
            false_alarms.remove(found)
        entries += [LogEntry(dataset, video, (miss.onset, miss.offset), None) for miss in misses]
        entries += [LogEntry(dataset, video, None, (alarm.onset, alarm.offset)) for alarm in false_alarms]
    return entries


def write(entries: Iterable[LogEntry]) -> str:
    """The log as text, one block a data set."""
    by_dataset: dict[int, list[LogEntry]] = {}
    for entry in entries:
        by_dataset.setdefault(entry.dataset, []).append(entry)
    lines = []
    for dataset, block in by_dataset.items():
        lines.append(str(dataset))
        lines += [f"{entry.video} {_cells(entry.true)} {_cells(entry.found)} {entry.result}" for entry in block]
    return "\n".join(lines) + "\n"


def read(text: str, name: str = "log") -> list[LogEntry]:
    """Read a log.

    Args:
        text: of the file.
        name: of the file, for errors.

    Raises:
        DataError: a line cannot be read (its number is named): wrong cells, times that are not frame numbers or end
            before they begin, a result that contradicts the intervals, or a line above the first data set's number.
    """
    entries: list[LogEntry] = []
    dataset = 0
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        cells = [cell.strip() for cell in re.split(r"[,;\t]", line)] if re.search(r"[,;\t]", line) else line.split()
        if not any(cells) or _is_header(cells):
            continue
        where = f"'{name}', line {number}: '{line.strip()[:80]}'"
        if re.fullmatch(r"[1-9]\d*(\.0)?", cells[0]) and not any(cells[1:]):
            dataset = int(float(cells[0]))
        elif not dataset:
            raise DataError(f"{where} stands above {_EXPECTED_NUMBER}; begin the file with that number")
        else:
            entries.append(_parse_entry(dataset, cells, where))
    if not dataset:
        raise DataError(f"'{name}' has no line with {_EXPECTED_NUMBER}")
    return entries


def find_problems(entries: Sequence[LogEntry], iou: float = 0.5) -> list[str]:
    """List what makes the counts of a log doubtful: pairs that overlap by less than `iou`, intervals counted twice."""
    problems = []
    for entry in entries:
        if entry.true and entry.found and (value := overlap(entry.true, entry.found)) < iou:
            spans = f"{_cells(entry.true)} and {_cells(entry.found)}"
            problems.append(f"{entry.video}: {spans} overlap by {value:.2f}, below {iou:g}")
    for side in ("true", "found"):
        counted: set[tuple[int, str, Span]] = set()
        for entry in entries:
            span = entry.true if side == "true" else entry.found
            if span is None:
                continue
            key = (entry.dataset, entry.video, span)
            if key in counted:
                problems.append(f"{entry.video}: the {side} interval {_cells(span)} counts twice")
            counted.add(key)
    return problems


def score(entries: Iterable[LogEntry]) -> dict[int, SpottingScore]:
    """Number of the data set -> counts of a log, with precision, recall and F1."""
    results: dict[int, list[str]] = {}
    for entry in entries:
        results.setdefault(entry.dataset, []).append(entry.result)
    return {
        dataset: SpottingScore(tp=own.count("TP"), fp=own.count("FP"), fn=own.count("FN"))
        for dataset, own in results.items()
    }


def intervals(entries: Iterable[LogEntry], kind: str) -> tuple[VideoIntervals, VideoIntervals]:
    """(true, found) intervals of a log, as `evaluate_spotting` takes them; a log does not name their kind: give it."""
    true_intervals: dict[str, list[Interval]] = {}
    found_intervals: dict[str, list[Interval]] = {}
    for entry in entries:
        for side, span in ((true_intervals, entry.true), (found_intervals, entry.found)):
            side.setdefault(entry.video, []).extend([Interval(*span, kind=kind)] if span else [])
    return true_intervals, found_intervals


def _cells(span: Span | None) -> str:
    return "- -" if span is None else f"{span[0]} {span[1]}"


def _is_header(cells: Sequence[str]) -> bool:
    return len(cells) == 6 and cells[-1].lower() in ("result", "type", "class") and not any(map(_is_number, cells[1:5]))


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\d+(\.0+)?", cell) is not None


def _parse_entry(dataset: int, cells: Sequence[str], where: str) -> LogEntry:
    if len(cells) != 6 or not cells[0]:
        raise DataError(f"{where} has {len(cells)} cells; write video, two true, two found frames, and TP, FP or FN")
    entry = LogEntry(dataset, cells[0], _parse_span(cells[1:3], where), _parse_span(cells[3:5], where))
    if entry.true is None and entry.found is None:
        raise DataError(f"{where} has neither a true nor a found interval")
    if entry.result != cells[5].upper():
        raise DataError(f"{where} is a {entry.result} by its intervals, not '{cells[5]}'")
    return entry


def _parse_span(cells: Sequence[str], where: str) -> Span | None:
    first, last = cells
    if first.lower() in _BLANK and last.lower() in _BLANK:
        return None
    if not (_is_number(first) and _is_number(last)):
        raise DataError(f"{where}: '{first} {last}' are not two frame numbers, nor '- -'")
    onset, offset = int(float(first)), int(float(last))
    if offset < onset:
        raise DataError(f"{where}: the interval {first} {last} ends before it begins")
    return onset, offset
