"""Scores of published spotting logs and submissions as a report: a table of videos for each file, and one of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..core.clip import Interval
from ..core.errors import DataError, MissingDataError, UsageError
from ..datasets import DATASETS, Dataset, open_dataset
from ..metrics.log_scores import COUNTINGS, Annotations, Counts, LogScore, annotations_of, score_text
from ..metrics.megc_log import UNNUMBERED
from .base import Report, Table
from .tables import format_score

COLUMNS = ("", "kind", "counted", "TP", "FP", "FN", "precision", "recall", "F1")
VIDEO_COLUMNS = ("video", "labels", "finds", "TP", "FP", "FN", "F1", "TP as challenge", "FP as challenge")
OWN, CHALLENGE = tuple(COUNTINGS)[:2]


def score_logs(
    logs: str | Path | Sequence[str | Path],
    *,
    data: str = "",
    root: str | Path | None = None,
    labels: str | Path | None = None,
    kind: str = "",
    iou: float = 0.5,
) -> Report:
    """Score published spotting logs (MEGC 2020, 2021) and submissions (MEGC 2021 to 2025).

    Every score is counted one to one, and as the challenge counts, to compare with published ones; tables say which.
    The report's `data` has an object for each file and data set: `counts` by kind and way to count (`one_to_one`,
    `challenge`, `rows`), `spot_then_recognize`, `videos`, `notes`.

    Args:
        logs: a file, or several. A log holds true and found intervals; a submission holds found ones, with the columns
            `vid,onset,offset,type` or `subject,video,onset,offset,emotion`.
        data: name of a data set whose annotated intervals are the labels. Needed for submissions, or else `labels`; a
            log is compared with it, and scored against it if `kind` is given.
        root: folder of that data set; None looks for it as `open_dataset` does.
        labels: a csv of labels instead, with the columns of a submission. A row without frames is a video without any.
        kind: `micro` or `macro`: intervals whose file does not say their kind have this one, and no other is scored.
        iou: smallest intersection over union of a pair, above 0 and at most 1.

    Raises:
        DataError: a file cannot be read; the message names it, the line, and what to do.
        UsageError: there is no file, labels are needed or given twice, or an argument is out of range.
    """
    paths = [Path(logs)] if isinstance(logs, str | Path) else [Path(path) for path in logs]
    if not paths:
        raise UsageError("there is no log to score; give at least one file")
    if data and labels is not None:
        raise UsageError(f"labels come from data set '{data}' or from '{labels}', not from both; give one of them")
    annotations = None
    if data:
        annotations = _annotations_of_dataset(open_dataset(data, root))
    elif labels is not None:
        annotations = annotations_of(_text(Path(labels)), str(labels))
    scores = [s for path in paths for s in score_text(_text(path), str(path), annotations, kind, iou)]
    source = "" if annotations is None else annotations.source
    records = [_record(score, source) for score in scores]
    notes = [
        f"{_label(score)}: {line}." for score, record in zip(scores, records, strict=True) for line in record["notes"]
    ]
    title = f"spotting log {paths[0].name}" if len(paths) == 1 else f"{len(paths)} spotting logs"
    return Report(
        title=title,
        name="spotting-logs",
        subtitle=f"a pair overlaps (intersection over union) by {iou:g} or more",
        tables=(_table(scores, notes), *_recognition_table(scores), *map(_video_table, scores)),
        data=tuple(records),
        scores=tuple(row for score in scores for row in _rows(score)),
    )


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise MissingDataError(f"'{path}' is not there; give the path of a log") from None
    except IsADirectoryError:
        raise DataError(f"'{path}' is a folder; give the files in it") from None
    except UnicodeDecodeError:
        raise DataError(f"'{path}' is no text in UTF-8; save it as text or csv in UTF-8") from None


def _annotations_of_dataset(dataset: Dataset) -> Annotations:
    videos: dict[str, Sequence[Interval]] = {}
    for clip in dataset.annotated_clips():
        videos[clip.id.rpartition("/")[2]] = clip.intervals
    if not any(videos.values()):
        long = [name for name, cls in DATASETS if cls.info.events]
        raise UsageError(
            f"data set '{dataset.name}' has no labeled interval of a long video; such are {', '.join(long)}"
        )
    notes = ["the labels are of a synthetic copy"] if dataset.synthetic else []
    return Annotations(dataset.name, videos, number=dataset.info.megc_number, notes=tuple(notes))


def _release_note(score: LogScore) -> Iterator[str]:
    """What the release holds that the log's first line names; nothing for a file that names none."""
    for _, cls in DATASETS:
        if score.dataset != UNNUMBERED and cls.info.megc_number == score.dataset:
            n_labels = sum(video.labels for video in score.videos)
            kinds = ", ".join(f"{n} {kind}" for kind, n in cls.info.events["kind"].items())
            yield (
                f"videos of {cls.info.title}: {len(score.videos)} of {cls.info.clips}; labels: {n_labels}; the release "
                f"has {kinds}"
            )


def _label(score: LogScore) -> str:
    number = f", data set {score.dataset}" if score.dataset != UNNUMBERED else ""
    return f"{Path(score.name).name}{number}"


def _video_table(score: LogScore) -> Table:
    rows = []
    for video in score.videos:
        own, challenge = video.counts[OWN], video.counts[CHALLENGE]
        counts = (own.tp, own.fp, own.fn, format_score(own.f1), challenge.tp, challenge.fp)
        rows.append((video.video, str(video.labels), str(video.finds), *map(str, counts)))
    return Table(f"{_label(score)}: videos", VIDEO_COLUMNS, tuple(rows), f"TP, FP, FN and F1 are {OWN}.")


def _recognition_table(scores: Sequence[LogScore]) -> Iterator[Table]:
    rows = []
    for score in scores:
        for way, result in score.recognized.items():
            values = (result.spotting_f1, result.macro_precision, result.macro_recall, result.analysis_f1, result.strs)
            left_out = f"{result.scored} ({result.left_out} of no class left out)" if result.left_out else result.scored
            rows.append((_label(score), way, *map(format_score, values), str(left_out), ", ".join(result.classes)))
    columns = (
        "",
        "counted",
        "F1 of spotting",
        "macro precision",
        "macro recall",
        "F1 of analysis",
        "STRS",
        "TP",
        "classes",
    )
    note = "F1 of analysis: harmonic mean of macro precision and macro recall. STRS: its product with F1 of spotting."
    if rows:
        yield Table("spot-then-recognize", columns, tuple(rows), note)


def _table(scores: Sequence[LogScore], notes: Sequence[str]) -> Table:
    rows = [
        (_label(score), kind, way, *map(str, (c.tp, c.fp, c.fn)), *map(format_score, (c.precision, c.recall, c.f1)))
        for score in scores
        for kind, counts in score.counts.items()
        for way, c in counts.items()
    ]
    ways = dict.fromkeys(
        way for score in scores for counts in (*score.counts.values(), score.recognized) for way in counts
    )
    meanings = [f"{way}: {COUNTINGS[way]}." for way in ways]
    return Table("all videos", COLUMNS, tuple(rows), "\n".join([*meanings, *notes]), n_own=len(rows))


def _record(score: LogScore, source: str) -> dict[str, Any]:
    """The object of a file as `microexpr score --json` prints it."""
    return {
        "file": score.name,
        "form": score.form,
        "dataset_number": score.dataset or None,
        "labels": source if score.form == "submission" else "the log's own",
        "counts": {kind: _counts(counts) for kind, counts in score.counts.items()},
        "spot_then_recognize": {_key(way): {**asdict(r), "strs": r.strs} for way, r in score.recognized.items()},
        "videos": [
            {"video": v.video, "labels": v.labels, "finds": v.finds, "counts": _counts(v.counts)} for v in score.videos
        ],
        "notes": [*score.notes, *_release_note(score)],
        "counted": {_key(way): meaning for way, meaning in COUNTINGS.items()},
    }


def _counts(counts: Counts) -> dict[str, Mapping[str, float]]:
    return {
        _key(way): {**asdict(score), "precision": score.precision, "recall": score.recall, "f1": score.f1}
        for way, score in counts.items()
    }


def _key(way: str) -> str:
    return way.lower().replace(" ", "_")


def _rows(score: LogScore) -> Iterator[dict[str, Any]]:
    """One row a kind, way to count, and video; `video` is "" for all videos."""
    common = {"file": score.name, "dataset_number": score.dataset or None}
    for kind, counts in score.counts.items():
        for way, values in _counts(counts).items():
            yield {**common, "video": "", "kind": kind, "counted": way, **values}
    for video in score.videos:
        for way, values in _counts(video.counts).items():
            yield {**common, "video": video.video, "kind": "all", "counted": way, **values}
