"""Log files of the spotting challenges (MEGC 2020 and 2021): true and found intervals, and how each counts.

    2
    s15_0101 127 140 120 138 TP
    s15_0101 - - 201 210 FP
    s15_0102 57 64 - - FN

The first line is the challenge's number of the data set that follows: 1 for SAMM Long Videos, 2 for CAS(ME)^2
(`DatasetInfo.megc_number`); a file may hold several, each below its own number. Entries of 2021 have no such line,
begin with an empty one, write `__ __` for no interval, and names such as `s15/15_0102*`. Logs also come with commas,
tabs, a header, empty cells or a number at the end of each row: all of these are read. An interval may begin before
the first frame. A log does not name kinds, so its intervals are never paired anew unless the kind is known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..core.clip import Interval
from ..core.errors import DataError, UsageError
from ._lines import is_blank, is_frame, numbered_lines, parse_lines, parse_span, split_cells
from .intervals import Span, SpottingScore, choose_pairs, match_intervals, overlap
from .spotting import VideoIntervals

UNNUMBERED = 0
"""Number of the data set of a log that does not say it."""

RESULTS = ("TP", "FP", "FN")

_EXPECTED_NUMBER = "the number of its data set (1: SAMM Long Videos, 2: CAS(ME)^2)"


@dataclass(frozen=True)
class LogEntry:
    """A line of a log: a true interval, a found interval, or both if they match.

    Attributes:
        dataset: the challenge's number of the data set; `UNNUMBERED` where the log does not say it.
        video: name of the video.
        true: (onset, offset) of the true interval, or None.
        found: (onset, offset) of the found interval, or None.
        line: its number in the file; 0 for an entry of no file.
    """

    dataset: int
    video: str
    true: Span | None
    found: Span | None
    line: int = field(default=0, compare=False)

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
    """The log as text, one block a data set; without a line of its number for `UNNUMBERED`."""
    by_dataset: dict[int, list[LogEntry]] = {}
    for entry in entries:
        by_dataset.setdefault(entry.dataset, []).append(entry)
    lines = []
    for dataset, block in by_dataset.items():
        lines += [str(dataset)] if dataset != UNNUMBERED else []
        lines += [f"{entry.video} {_cells(entry.true)} {_cells(entry.found)} {entry.result}" for entry in block]
    return "\n".join(lines) + "\n"


def read(text: str, name: str = "log") -> list[LogEntry]:
    """Read a log.

    Args:
        text: of the file.
        name: of the file, for errors.

    Raises:
        DataError: it holds no row, or a line is wrong (its number is named): wrong cells, times that are not frame
            numbers or end before they begin, a result that contradicts the intervals, or a row above the first data
            set's number.
    """
    rows: list[tuple[int, str]] = []
    datasets: dict[int, int] = {}
    dataset, may_be_header = UNNUMBERED, True
    for number, line in numbered_lines(text):
        if not any(cells := split_cells(line)):
            continue
        if here := _dataset_number(cells):
            dataset, may_be_header = here, True
        elif not (may_be_header and _is_header(cells)):
            rows.append((number, line))
            datasets[number], may_be_header = dataset, False
    if not rows:
        raise DataError(f"'{name}' holds no row; write video, two true, two found frames, and {' or '.join(RESULTS)}")

    def parse(number: int, line: str) -> LogEntry:
        if datasets[number] == UNNUMBERED != dataset:
            raise DataError(f"it stands above {_EXPECTED_NUMBER}; begin the file with that number")
        return _parse_entry(datasets[number], split_cells(line), number)

    return parse_lines(rows, parse, name)


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
    """Number of the data set -> counts of the rows of a log as they stand, with precision, recall and F1."""
    results: dict[int, Counter[str]] = {}
    for entry in entries:
        results.setdefault(entry.dataset, Counter())[entry.result] += 1
    return {dataset: SpottingScore(own["TP"], own["FP"], own["FN"]) for dataset, own in results.items()}


def score_as_challenge(entries: Iterable[LogEntry]) -> SpottingScore:
    """Counts of one data set as the challenge publishes them, from the log's own pairs.

    A label is found if a row pairs it with a find; one find may be true for several labels. False positives are the
    finds less the labels that were found (`challenge_counts`). An interval counts once, however many rows name it.
    """
    entries = list(entries)
    labels = {(entry.video.casefold(), entry.true) for entry in entries if entry.true}
    finds = {(entry.video.casefold(), entry.found) for entry in entries if entry.found}
    matched = {(entry.video.casefold(), entry.true) for entry in entries if entry.result == "TP"}
    return SpottingScore(len(matched), max(0, len(finds) - len(matched)), len(labels) - len(matched))


def score_one_to_one(entries: Iterable[LogEntry], iou: float = 0.5) -> SpottingScore:
    """Counts of one data set where every interval belongs to one pair at most, chosen from the log's own pairs.

    Pairs that overlap by less than `iou` are none. An interval counts once, however many rows name it.
    """
    labels: dict[tuple[str, Span], int] = {}
    finds: dict[tuple[str, Span], int] = {}
    candidates = set()
    for entry in entries:
        video = entry.video.casefold()
        i = labels.setdefault((video, entry.true), len(labels)) if entry.true else -1
        j = finds.setdefault((video, entry.found), len(finds)) if entry.found else -1
        if entry.true and entry.found and (value := overlap(entry.true, entry.found)) >= iou:
            candidates.add((value, i, j))
    tp = len(choose_pairs(sorted(candidates, key=lambda candidate: candidate[1:])))
    return SpottingScore(tp, len(finds) - tp, len(labels) - tp)


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


def _dataset_number(cells: Sequence[str]) -> int:
    """The data set's number that a line holds and nothing else; 0 for any other line."""
    alone = re.fullmatch(r"[1-9]\d*(\.0)?", cells[0]) and not any(cells[1:])
    return int(float(cells[0])) if alone else UNNUMBERED


def _is_header(cells: Sequence[str]) -> bool:
    words = not any(is_frame(cell) or is_blank(cell) for cell in cells[1:6])
    return words and len(cells) >= 6 and cells[5].upper() not in RESULTS


def _parse_entry(dataset: int, cells: Sequence[str], line: int) -> LogEntry:
    further = [cell for cell in cells[6:] if cell]
    if len(cells) < 6 or not cells[0] or further[1:] or not all(map(is_frame, further)):  # a seventh is an index
        count = len([*cells[:6], *further])
        raise DataError(f"it has {count} cells; write video, two true, two found frames, and {' or '.join(RESULTS)}")
    entry = LogEntry(dataset, cells[0], parse_span(*cells[1:3]), parse_span(*cells[3:5]), line)
    if entry.true is None and entry.found is None:
        raise DataError("it has neither a true nor a found interval; write one, or remove the line")
    if entry.result != cells[5].upper():
        raise DataError(f"it is a {entry.result} by its intervals, not '{cells[5]}'; correct one of them")
    return entry
