"""Scores of published spotting logs and submissions, counted in several ways, each with its name.

A log holds true and found intervals; a submission holds found ones and is scored against annotated intervals.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..core.clip import Interval
from ..core.errors import DataError, UsageError, did_you_mean
from . import megc_log, megc_submission
from ._file_notes import comparison_notes, list_names, log_notes, submission_notes
from ._video_names import VideoNames
from .intervals import Span, SpottingScore, challenge_counts, interval_f1, match_intervals
from .megc_log import LogEntry
from .megc_submission import SubmittedInterval
from .spot_then_recognize import SpotThenRecognize, analysis_classes, match_as_strs_code, spot_then_recognize
from .spotting import VideoIntervals, count_by_kind, spans_of

COUNTINGS: Mapping[str, str] = {
    "one to one": "an interval belongs to one pair at most, best overlap first; repeated intervals count once",
    "challenge": "as MEGC 2020: one find may be true for several labels, and FP = finds less the labels found",
    "rows": "the log's own TP, FP and FN as they stand",
    "STRS code": "as the challenge's code of STRS: in the order of the file, one find may be true for several labels; "
    "finds in videos without labels and labels of subjects without finds are left out",
}
"""Way to count -> what it means. The first is ours, the others compare with published scores."""

Counts = Mapping[str, SpottingScore]
"""Way to count -> counts."""


@dataclass(frozen=True)
class Annotations:
    """Annotated intervals to score against.

    Attributes:
        source: name of the data set, or the file.
        intervals: video -> its intervals, with an `emotion` among their labels where it is known.
        has_kinds: whether it says which intervals are micro- and which macro-expressions.
        complete: whether it lists the videos without an interval, too, so that any other name is a wrong one.
        number: of the data set in the challenge; `megc_log.UNNUMBERED` where it has none.
        notes: what a reader must know of it.
    """

    source: str
    intervals: VideoIntervals
    has_kinds: bool = True
    complete: bool = True
    number: int = megc_log.UNNUMBERED
    notes: tuple[str, ...] = ()

    def fits(self, dataset: int) -> bool:
        """Whether the part of a log with this number may be of these videos."""
        return megc_log.UNNUMBERED in (dataset, self.number) or dataset == self.number


@dataclass(frozen=True)
class VideoScore:
    """One video of a file: its name, its numbers of labels and finds, and its counts over all kinds."""

    video: str
    labels: int
    finds: int
    counts: Counts


@dataclass(frozen=True)
class LogScore:
    """Scores of a submission, or of the part of a log that belongs to one data set.

    Attributes:
        name: of the file.
        form: `log`, by its own pairs or its own labels, or `submission`, against annotated intervals.
        dataset: number of the data set in the challenge; `megc_log.UNNUMBERED` where the file does not say it.
        counts: kind (`micro`, `macro`, `all`, `either kind`) -> way to count -> counts.
        videos: the videos by name.
        recognized: way to count -> spot-then-recognize; empty where finds have no emotion.
        notes: what is doubtful, repeated or not comparable.
    """

    name: str
    form: str
    dataset: int
    counts: Mapping[str, Counts]
    videos: tuple[VideoScore, ...]
    recognized: Mapping[str, SpotThenRecognize] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def score_text(
    text: str, name: str, annotations: Annotations | None = None, kind: str = "", iou: float = 0.5
) -> list[LogScore]:
    """Score a file: one result for a submission, one for each data set of a log.

    Args:
        text: of the file, a log or a submission.
        name: of the file.
        annotations: to score against; needed for a submission. The finds of a log are scored against them if its kind
            is given; without, its own pairs count.
        kind: `micro` or `macro`: intervals whose file does not say their kind have this one, and no other is scored.
        iou: smallest overlap of a pair, above 0 and at most 1.

    Raises:
        DataError: a line cannot be read, or a video is not annotated.
        UsageError: annotations or a kind are needed, or `kind` or `iou` is out of range.
    """
    if kind not in ("", "micro", "macro"):
        raise UsageError(f"kind '{kind}': give micro or macro")
    if not 0 < iou <= 1:
        raise UsageError(f"iou = {iou}: give a value above 0 and at most 1, such as 0.5")
    if megc_submission.is_submission(text):
        if annotations is None:
            raise UsageError(
                f"'{name}' holds found intervals only; give --data NAME or --labels FILE.csv to score them"
            )
        rows = megc_submission.read(text, name)
        return [_score_finds(rows, name, megc_log.UNNUMBERED, annotations, kind, iou)]
    entries = megc_log.read(text, name)
    blocks = [[e for e in entries if e.dataset == number] for number in dict.fromkeys(e.dataset for e in entries)]
    return [_score_block(block, name, annotations, kind, iou) for block in blocks]


def annotations_of(text: str, name: str) -> Annotations:
    """Annotated intervals of a csv with the columns of a submission; a row without frames lists a video without any.

    Raises:
        DataError: a line cannot be read, or there is none.
    """
    rows = megc_submission.read(text, name)
    if not rows:
        raise DataError(f"'{name}' has no row below its header; write one for each annotated interval")
    notes = [f"labels '{name}': {line}" for line in submission_notes(rows, "label")]
    has_kinds = all(row.kind for row in rows if row.span)
    distinct = {(row.video.casefold(), row.span, row.kind): row for row in reversed(rows)}
    intervals = _by_video([*distinct.values()][::-1], VideoNames([]), "")
    return Annotations(name, intervals, has_kinds, complete=False, notes=tuple(notes))


def _score_block(
    entries: Sequence[LogEntry], name: str, annotations: Annotations | None, kind: str, iou: float
) -> LogScore:
    """The part of a log that belongs to one data set."""
    dataset = entries[0].dataset
    if annotations is None:
        return _score_log(entries, name, kind, iou)
    if not annotations.fits(dataset):
        score = _score_log(entries, name, kind, iou)
        other = f"its number {dataset} is not that of '{annotations.source}': it is scored by its own labels"
        return replace(score, notes=(*score.notes, other))
    if not kind:
        score = _score_log(entries, name, kind, iou)
        compared = comparison_notes(entries, annotations.intervals, annotations.source)
        return replace(score, notes=(*score.notes, *compared))
    finds = {(e.video.casefold(), e.found): SubmittedInterval(e.video, e.found, kind, "", e.line) for e in entries}
    rows = [row for row in finds.values() if row.span]
    score = _score_finds(rows, name, dataset, annotations, kind, iou)
    return replace(score, notes=(*log_notes(entries, iou), *score.notes))


def _score_log(entries: Sequence[LogEntry], name: str, kind: str, iou: float) -> LogScore:
    """A log by its own pairs; with a kind its own labels and finds are matched anew."""
    by_video: dict[str, list[LogEntry]] = {}
    for entry in entries:
        by_video.setdefault(entry.video.casefold(), []).append(entry)
    videos = []
    for _, own in sorted(by_video.items()):
        labels, finds = {e.true for e in own if e.true}, {e.found for e in own if e.found}
        videos.append(VideoScore(own[0].video, len(labels), len(finds), _count_log(own, kind, iou)))
    notes = log_notes(entries, iou)
    if not kind:
        notes.append(
            "a log names no kinds, so only its own pairs count; if it holds one kind only, --kind micro or --kind "
            "macro matches its intervals anew"
        )
    if all(video.labels for video in videos):
        notes.append(
            f"each of its {len(videos)} videos has a label: the false alarms in videos without labels are not in it, "
            "and its score is not comparable with one over all videos of a data set"
        )
    counts = {kind or "all": _count_log(entries, kind, iou)}
    return LogScore(name, "log", entries[0].dataset, counts, tuple(videos), notes=tuple(notes))


def _count_log(entries: Sequence[LogEntry], kind: str, iou: float) -> Counts:
    rows = megc_log.score(entries)[entries[0].dataset]
    if not kind:
        own, challenge = megc_log.score_one_to_one(entries, iou), megc_log.score_as_challenge(entries)
        return {"one to one": own, "challenge": challenge, "rows": rows}
    true: dict[str, dict[Span, None]] = {}
    found: dict[str, dict[Span, None]] = {}
    for entry in entries:
        for side, span in ((true, entry.true), (found, entry.found)):
            side.setdefault(entry.video.casefold(), {}).update({span: None} if span else {})
    sides = [{video: list(spans) for video, spans in side.items()} for side in (true, found)]
    return {
        "one to one": interval_f1(sides[0], sides[1], iou),
        "challenge": challenge_counts(sides[0], sides[1], iou),
        "rows": rows,
    }


def _score_finds(
    rows: Sequence[SubmittedInterval], name: str, dataset: int, annotations: Annotations, kind: str, iou: float
) -> LogScore:
    """Finds against annotated intervals."""
    names = VideoNames(annotations.intervals)
    _check_kinds(rows, name, annotations, kind)
    _check_videos(rows, name, annotations, names)
    named = {video: _named(own, kind) for video, own in annotations.intervals.items()}
    every = named, _by_video(rows, names, kind or "micro")
    true, found = ({video: _of_kind(own, kind) for video, own in side.items()} for side in every)
    by_way = _count_finds(true, found, iou)
    videos = []
    for video in sorted({*true, *found}):
        labels, finds = true.get(video, []), found.get(video, [])
        own = _count_finds({video: labels}, {video: finds}, iou)
        videos.append(VideoScore(video, len(labels), len(finds), {way: kinds["all"] for way, kinds in own.items()}))
    return LogScore(
        name=name,
        form="submission",
        dataset=dataset,
        counts={shown: {way: kinds[shown] for way, kinds in by_way.items()} for shown in _shown_kinds(true, found)},
        videos=tuple(videos),
        recognized=_recognized(true, found, kind or "micro", iou),
        notes=(
            *annotations.notes,
            *([] if kind or annotations.has_kinds else ["no file names kinds: all intervals are micro-expressions"]),
            *submission_notes(rows, "find"),
            *_notes_on_finds(every, true, found, kind),
        ),
    )


def _notes_on_finds(
    every: Sequence[VideoIntervals], true: VideoIntervals, found: VideoIntervals, kind: str
) -> list[str]:
    notes = []
    for side, scored, what in zip(every, (true, found), ("labels", "finds"), strict=True):
        if n_other := sum(len(own) - len(scored[video]) for video, own in side.items()):
            notes.append(f"{what} of another kind than {kind}, not scored: {n_other}")
    if no_label := [video for video, own in found.items() if own and not true.get(video)]:
        n_finds = sum(len(found[video]) for video in no_label)
        notes.append(f"finds in videos without labels, each a false alarm: {n_finds} ({list_names(no_label)})")
    if no_find := [video for video, own in true.items() if own and not found.get(video)]:
        n_labels = sum(len(true[video]) for video in no_find)
        notes.append(f"labels in videos without finds, each missed: {n_labels} ({list_names(no_find)})")
    return notes


def _count_finds(true: VideoIntervals, found: VideoIntervals, iou: float) -> dict[str, dict[str, SpottingScore]]:
    """Way to count -> kind -> counts."""
    once = {video: list({(i.onset, i.offset, i.kind): i for i in own}.values()) for video, own in found.items()}
    ways = {
        "one to one": (once, functools.partial(interval_f1, iou=iou)),
        "challenge": (found, functools.partial(challenge_counts, iou=iou)),
    }
    return {
        way: {**count_by_kind(true, finds, count), "either kind": count(spans_of(true), spans_of(finds))}
        for way, (finds, count) in ways.items()
    }


def _shown_kinds(true: VideoIntervals, found: VideoIntervals) -> tuple[str, ...]:
    kinds = {interval.kind for side in (true, found) for own in side.values() for interval in own}
    return ("micro", "macro", "all", "either kind") if len(kinds) != 1 else tuple(kinds)


def _recognized(true: VideoIntervals, found: VideoIntervals, kind: str, iou: float) -> dict[str, SpotThenRecognize]:
    """Way to count -> spot-then-recognize of a kind; empty where no find or no label has an emotion."""
    true, found = ({video: _of_kind(own, kind) for video, own in side.items()} for side in (true, found))
    true_emotions, found_emotions = ([_emotion(i) for own in side.values() for i in own] for side in (true, found))
    if not any(true_emotions) or not any(found_emotions):
        return {}
    classes = analysis_classes(true_emotions, found_emotions)
    pairs = [pair for video, own in true.items() for pair in match_intervals(own, found.get(video, []), iou)]
    matched = {"one to one": (_count_finds(true, found, iou)["one to one"][kind], pairs)}
    if all("/" in video for video in true):  # it needs the subjects
        matched["STRS code"] = match_as_strs_code(true, found, iou)
    results = {}
    for way, (counts, own_pairs) in matched.items():
        labels = [_emotion(label) for label, _ in own_pairs]
        predicted = [emotion if (emotion := _emotion(find)) in classes else "others" for _, find in own_pairs]
        results[way] = spot_then_recognize(counts, labels, predicted, kind, classes)
    return results


def _emotion(interval: Interval) -> str:
    return interval.labels.get("emotion", "").lower()


def _by_video(rows: Sequence[SubmittedInterval], names: VideoNames, kind: str) -> dict[str, list[Interval]]:
    """Video -> intervals of the rows, in their order; `kind` is that of rows that do not say it."""
    first: dict[str, str] = {}
    videos: dict[str, list[Interval]] = {}
    for row in rows:
        video = names.find(row.video) or first.setdefault(row.video.casefold(), row.video)
        own = videos.setdefault(video, [])
        if row.span is not None:
            labels = {"emotion": row.emotion} if row.emotion else {}
            own.append(Interval(*row.span, kind=row.kind or kind, labels=labels))
    return videos


def _named(intervals: Sequence[Interval], kind: str) -> list[Interval]:
    """The intervals, those without a kind with this one, or else with micro."""
    return [interval if interval.kind else replace(interval, kind=kind or "micro") for interval in intervals]


def _of_kind(intervals: Sequence[Interval], kind: str) -> list[Interval]:
    return [interval for interval in intervals if not kind or interval.kind == kind]


def _check_kinds(rows: Sequence[SubmittedInterval], name: str, annotations: Annotations, kind: str) -> None:
    has_kinds = all(row.kind for row in rows if row.span)
    if kind or has_kinds == annotations.has_kinds:
        return
    file = annotations.source if has_kinds else name
    raise UsageError(f"'{file}' does not say what is micro and what macro; add a column type (me, mae) or give --kind")


def _check_videos(rows: Sequence[SubmittedInterval], name: str, annotations: Annotations, names: VideoNames) -> None:
    unknown = [row for row in rows if names.find(row.video) is None]
    if unknown and (annotations.complete or len(unknown) == len(rows)):
        row, n_videos = unknown[0], len(annotations.intervals)
        others = f" ({len(unknown) - 1} more lines name none of them)" if len(unknown) > 1 else ""
        raise DataError(
            f"'{name}', line {row.line}: '{row.video}' is none of the {n_videos} videos of '{annotations.source}'"
            f"{did_you_mean(row.video, list(annotations.intervals)[:20])}{others}"
        )
