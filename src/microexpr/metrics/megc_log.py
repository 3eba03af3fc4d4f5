"""The log of the spotting challenges (MEGC 2020 and 2021): what was true, what was found, and how each counts.

    2
    s15_0101 127 140 120 138 TP
    s15_0101 - - 201 210 FP
    s15_0102 57 64 - - FN

The first line says which data set follows, 1 for SAMM Long Videos and 2 for CAS(ME)^2; a file may hold both, each below
its own line. Submissions also come with commas, tabs, a header or empty cells: all of that is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..core.clip import Interval
from ..core.errors import DataError, UsageError
from .intervals import SpottingScore, overlap
from .spotting import Found, match_intervals

NUMBERS = {"samm_lv": 1, "casme_sq": 2}
"""Data set -> its number in a log."""

_DATASETS = {str(number): name for name, number in NUMBERS.items()}
_BLANK = {"", "-", "--", "nan"}
Span = tuple[int, int]


@dataclass(frozen=True)
class LogEntry:
    """One line: a true interval, a found one, or both where they were matched."""

    dataset: str
    video: str
    truth: Span | None
    found: Span | None

    @property
    def result(self) -> str:
        """`TP`, `FP` or `FN`."""
        return "TP" if self.truth and self.found else "FN" if self.truth else "FP"


def entries(dataset: str, truth: Found, found: Found, iou: float = 0.5) -> list[LogEntry]:
    """Every true and every found interval once, video by video: pairs first, then misses, then false alarms.

    Args:
        dataset: a name in `NUMBERS`.
        truth, found: video -> intervals in the same frame numbers.
        iou: least overlap of a pair.

    Raises:
        UsageError: a data set or a name of a video that a log cannot hold.
    """
    if dataset not in NUMBERS:
        raise UsageError(f"data set '{dataset}' has no number in MEGC logs; known: {', '.join(NUMBERS)}")
    lines: list[LogEntry] = []
    for video in sorted({*truth, *found}):
        if not video or re.search(r"[\s,;]", video):
            raise UsageError(f"video '{video}': a name in a log has no space, comma or semicolon")
        real, guesses = list(truth.get(video, ())), list(found.get(video, ()))
        for one, guess in match_intervals(real, guesses, iou):
            lines.append(LogEntry(dataset, video, (one.onset, one.offset), (guess.onset, guess.offset)))
            real.remove(one)
            guesses.remove(guess)
        lines += [LogEntry(dataset, video, (one.onset, one.offset), None) for one in real]
        lines += [LogEntry(dataset, video, None, (one.onset, one.offset)) for one in guesses]
    return lines


def write(lines: Iterable[LogEntry]) -> str:
    """The log as text."""
    by_set: dict[str, list[LogEntry]] = {}
    for line in lines:
        by_set.setdefault(line.dataset, []).append(line)
    text = []
    for dataset, own in by_set.items():
        text.append(str(NUMBERS[dataset]))
        text += [f"{one.video} {_cells(one.truth)} {_cells(one.found)} {one.result}" for one in own]
    return "\n".join(text) + "\n"


def read(text: str, name: str = "log") -> list[LogEntry]:
    """The lines of a log.

    Args:
        text: of the file.
        name: of the file, for errors.

    Raises:
        DataError: a line that is none, named by its number: wrong words, times that are no frame numbers or end before
            they begin, a result that contradicts the intervals, or a line above the number of its data set.
    """
    found: list[LogEntry] = []
    dataset = ""
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        cells = [cell.strip() for cell in re.split(r"[,;\t]", line)] if re.search(r"[,;\t]", line) else line.split()
        if not any(cells) or _header(cells):
            continue
        where = f"'{name}', line {number}: '{line.strip()[:80]}'"
        if re.fullmatch(r"[12](\.0)?", cells[0]) and not any(cells[1:]):
            dataset = _DATASETS[cells[0][0]]
        elif not dataset:
            raise DataError(f"{where} stands above the number of its data set; begin with 1 (SAMM LV) or 2 (CAS(ME)^2)")
        else:
            found.append(_entry(dataset, cells, where))
    if not dataset:
        raise DataError(f"'{name}' has no line with the number of a data set: 1 (SAMM LV) or 2 (CAS(ME)^2)")
    return found


def doubts(lines: Sequence[LogEntry], iou: float = 0.5) -> list[str]:
    """What a reader of somebody's log should know: pairs that overlap too little, intervals that count twice."""
    told = []
    for one in lines:
        if one.truth and one.found and (value := overlap(one.truth, one.found)) < iou:
            told.append(
                f"{one.video}: {_cells(one.truth)} and {_cells(one.found)} overlap by {value:.2f}, below {iou:g}"
            )
    for side in ("truth", "found"):
        seen: set[tuple[str, str, Span]] = set()
        for one in lines:
            span = getattr(one, side)
            if span and (key := (one.dataset, one.video, span)) in seen:
                told.append(f"{one.video}: the {side} interval {_cells(span)} counts twice")
            elif span:
                seen.add(key)
    return told


def score(lines: Iterable[LogEntry]) -> dict[str, SpottingScore]:
    """Data set -> counts of a log."""
    counts: dict[str, list[str]] = {}
    for one in lines:
        counts.setdefault(one.dataset, []).append(one.result)
    return {d: SpottingScore(*(own.count(word) for word in ("TP", "FP", "FN"))) for d, own in counts.items()}


def intervals(
    lines: Iterable[LogEntry], kind: str
) -> tuple[Mapping[str, list[Interval]], Mapping[str, list[Interval]]]:
    """Truth and found of a log as `evaluation` takes them, all of one kind; a log does not tell kinds apart."""
    truth: dict[str, list[Interval]] = {}
    found: dict[str, list[Interval]] = {}
    for one in lines:
        for side, span in ((truth, one.truth), (found, one.found)):
            side.setdefault(one.video, []).extend([Interval(*span, kind=kind)] if span else [])
    return truth, found


def _cells(span: Span | None) -> str:
    return "- -" if span is None else f"{span[0]} {span[1]}"


def _header(cells: Sequence[str]) -> bool:
    return len(cells) == 6 and cells[-1].lower() in ("result", "type", "class") and not any(map(_number, cells[1:5]))


def _number(cell: str) -> bool:
    return re.fullmatch(r"\d+(\.0+)?", cell) is not None


def _entry(dataset: str, cells: Sequence[str], where: str) -> LogEntry:
    if len(cells) != 6 or not cells[0]:
        raise DataError(f"{where} has {len(cells)} cells; write video, two true, two found frames, and TP, FP or FN")
    spans: list[Span | None] = []
    for first, last in (cells[1:3], cells[3:5]):
        if first.lower() in _BLANK and last.lower() in _BLANK:
            spans.append(None)
        elif not (_number(first) and _number(last)):
            raise DataError(f"{where}: '{first} {last}' are not two frame numbers, nor '- -'")
        elif int(float(last)) < int(float(first)):
            raise DataError(f"{where}: the interval {first} {last} ends before it begins")
        else:
            spans.append((int(float(first)), int(float(last))))
    if spans == [None, None]:
        raise DataError(f"{where} has neither a true nor a found interval")
    one = LogEntry(dataset, cells[0], *spans)
    if one.result != cells[5].upper():
        raise DataError(f"{where} is a {one.result} by its intervals, not '{cells[5]}'")
    return one
