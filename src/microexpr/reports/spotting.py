"""The report of spotting runs: counts and scores on each data set, beside the published ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ..core.errors import RunError
from ..experiments.spotting_run import SpottingRun, VideoResult
from ..metrics import (
    SpotThenRecognize,
    SpottingScore,
    SpottingScores,
    evaluate_spotting,
    percentile_interval,
    spot_then_recognize,
)
from ..metrics.spotting import KINDS
from .base import REPORTS, Report, Table
from .published import PublishedSpotting, published_spotting
from .settings import tell_apart, with_difference
from .tables import LEAKY, format_interval, format_score
from .warnings import run_warnings

LEAKY_NOTE = f"{LEAKY} a threshold was chosen on the test videos; not comparable"
ANY_KIND = "either kind"
N_SAMPLES = 1000
"""Bootstrap samples of subjects."""

COUNT_COLUMNS = (
    "",
    "kind",
    "TP",
    "FP",
    "FN",
    "precision",
    "recall",
    "F1",
    "95 % over subjects",
    "false alarms/min",
    "onset error",
    "source",
)
SCORE_COLUMNS = ("F1 of intervals", "micro", "macro", "all", "STRS", "source")


@dataclass(frozen=True)
class SpottingSummary:
    """Scores of one run on one data set.

    Attributes:
        run: the run.
        dataset: name of the data set.
        n_videos: number of videos that are done.
        n_subjects: number of their subjects.
        minutes: total length of the videos.
        scores: scores by kind and for either kind.
        intervals: kind -> 95 % bootstrap interval of its F1 over subjects.
        recognized: spot-then-recognize; None where no recognizer was used.
        faceless: videos in which no face was found; all their intervals are missed.
        crowded: videos with several faces, of which the one that is visible longest was evaluated.
        differs: what tells the run from others of the same recipe in one report; "" where there are none.
    """

    run: SpottingRun
    dataset: str
    n_videos: int
    n_subjects: int
    minutes: float
    scores: SpottingScores
    intervals: Mapping[str, tuple[float, float]]
    recognized: SpotThenRecognize | None
    faceless: tuple[str, ...]
    crowded: tuple[str, ...]
    differs: str = ""

    @property
    def name(self) -> str:
        """Name of the recipe, and what tells it from others of this name."""
        return with_difference(str(self.run.metadata.recipe["name"]), self.differs)

    @property
    def label(self) -> str:
        """Name of its rows in tables, with its caveats."""
        metadata = self.run.metadata
        seed = f", seed {metadata.seed}" if metadata.seed else ""
        return f"{self.name}{seed}" + (f" ({', '.join(self.caveats)})" if self.caveats else "")

    @property
    def caveats(self) -> list[str]:
        """What must be stated with every score, in a word each."""
        metadata = self.run.metadata
        caveats = {
            "synthetic faces": metadata.data[self.dataset]["synthetic"],
            "subset": any(line.startswith(f"{self.dataset}:") for line in metadata.subset),
            "partial": not self.run.complete,
        }
        return [caveat for caveat, holds in caveats.items() if holds]

    @property
    def by_kind(self) -> dict[str, SpottingScore]:
        """`micro`, `macro`, `all`, `either kind` -> its counts and scores."""
        return {**self.scores.by_kind, ANY_KIND: self.scores.any_kind}

    def as_dict(self) -> dict[str, Any]:
        """The summary as `report --json` prints it."""
        error = self.scores.onset_error_ms
        recognized = None
        if self.recognized is not None:
            recognized = {**asdict(self.recognized), "strs": self.recognized.strs}
        return {
            "videos": self.n_videos,
            "subjects": self.n_subjects,
            "minutes": self.minutes,
            "scores": {kind: _score_record(score) for kind, score in self.by_kind.items()},
            "intervals": {kind: list(pair) for kind, pair in self.intervals.items()},
            "as_challenge_counts": {kind: _score_record(score) for kind, score in self.scores.as_challenge.items()},
            "false_alarms_per_minute": self.scores.false_alarms_per_minute,
            "onset_error_ms": None if math.isnan(error) else error,
            "spot_then_recognize": recognized,
            "without_a_face": list(self.faceless),
            "several_faces": list(self.crowded),
            "published": [asdict(row) for row in published_spotting(self.dataset)],
        }


def make_spotting_report(runs: Sequence[SpottingRun]) -> Report:
    """Report runs of spotting: two tables for each data set, with every run's rows and then the published ones."""
    by_run = [
        (run, [replace(summary, differs=differs) for summary in summarize_spotting(run)])
        for run, differs in zip(runs, tell_apart(runs), strict=True)
    ]
    summaries = [summary for _, own in by_run for summary in own]
    tables: list[Table] = []
    for dataset in dict.fromkeys(summary.dataset for summary in summaries):
        group = [summary for summary in summaries if summary.dataset == dataset]
        tables += [_count_table(group), _score_table(group)]
    warnings = {run.folder: _warnings(run, own) for run, own in by_run}
    titles = dict.fromkeys(str(run.metadata.recipe["title"]) for run in runs)
    names = dict.fromkeys(str(run.metadata.recipe["name"]) for run in runs)
    return Report(
        title=next(iter(titles)) if len(titles) == 1 else f"{len(runs)} runs of spotting",
        name="-".join(names),
        caveats=tuple(dict.fromkeys(caveat for summary in summaries for caveat in summary.caveats)),
        warnings=tuple(dict.fromkeys(line for lines in warnings.values() for line in lines)),
        tables=(*tables, *map(_settings, runs)),
        data=tuple(_record(run, own, warnings[run.folder]) for run, own in by_run),
        scores=tuple(row for summary in summaries for row in _score_rows(summary)),
    )


def summarize_spotting(run: SpottingRun) -> list[SpottingSummary]:
    """Compute the scores of a run, a summary for each data set that has a finished video.

    Raises:
        RunError: no video is done yet.
    """
    videos = run.videos()
    if not videos:
        raise RunError(f"'{run.folder}' has no finished video yet; run the recipe again to continue")
    summaries = []
    for dataset in run.metadata.data:
        own = [video for video in videos if video.dataset == dataset]
        if own:
            summaries.append(_summarize(run, dataset, own))
    return summaries


def _summarize(run: SpottingRun, dataset: str, videos: Sequence[VideoResult]) -> SpottingSummary:
    scores = _score_videos(videos)
    return SpottingSummary(
        run=run,
        dataset=dataset,
        n_videos=len(videos),
        n_subjects=len({video.subject for video in videos}),
        minutes=sum(video.seconds for video in videos) / 60,
        scores=scores,
        intervals=_intervals(videos),
        recognized=_recognized(run, videos, scores),
        faceless=tuple(video.name for video in videos if video.face is None),
        crowded=tuple(video.name for video in videos if video.faces > 1),
    )


def _recognized(run: SpottingRun, videos: Sequence[VideoResult], scores: SpottingScores) -> SpotThenRecognize | None:
    """STRS of the true positives; None where no recognizer was used, or where it has not predicted all of them yet."""
    if not run.metadata.model:
        return None
    events = []
    for video in videos:
        predictions = run.recognized(video.id)
        if predictions is None:
            return None
        events += predictions
    labels, predicted = [event.label for event in events], [event.predicted for event in events]
    return spot_then_recognize(scores.by_kind["micro"], labels, predicted)


def _score_videos(videos: Sequence[VideoResult]) -> SpottingScores:
    return evaluate_spotting(
        {video.id: video.ground_truth for video in videos},
        {video.id: video.found for video in videos},
        {video.id: video.seconds for video in videos},
        {video.id: video.fps for video in videos},
    )


def _intervals(videos: Sequence[VideoResult]) -> dict[str, tuple[float, float]]:
    """Kind -> 95 % bootstrap interval of F1: subjects are drawn with replacement, and their counts are pooled."""
    by_subject = []
    for subject in dict.fromkeys(video.subject for video in videos):
        scores = _score_videos([video for video in videos if video.subject == subject])
        by_subject.append({**scores.by_kind, ANY_KIND: scores.any_kind})
    drawn = np.random.default_rng(0).integers(len(by_subject), size=(N_SAMPLES, len(by_subject)))
    intervals = {}
    for kind in by_subject[0]:
        counts = np.array([(scores[kind].tp, scores[kind].fp, scores[kind].fn) for scores in by_subject])
        tp, fp, fn = counts[drawn].sum(axis=1).T
        f1 = np.divide(2 * tp, 2 * tp + fp + fn, out=np.zeros(N_SAMPLES), where=tp > 0)
        intervals[kind] = percentile_interval(f1)
    return intervals


def _warnings(run: SpottingRun, summaries: Sequence[SpottingSummary]) -> list[str]:
    lines = run_warnings([run], "videos", "videos", "videos")
    for file in _foreign_files(run):
        lines.append(f"UNCHECKED: {file} trained elsewhere; whether on subjects of these videos cannot be checked.")
    for summary in summaries:
        if summary.faceless:
            names = ", ".join(summary.faceless[:3])
            lines.append(
                f"{len(summary.faceless)} videos of {summary.dataset} show no face ({names}): all their intervals are "
                "missed."
            )
    return lines


def _foreign_files(run: SpottingRun) -> list[str]:
    """Files of the user that may have been trained on subjects of these videos."""
    recipe, files = run.metadata.recipe, []
    if run.metadata.model and recipe["recognizer"] != "default":
        files.append(f"the recognizer '{recipe['recognizer']}' was")
    if not run.metadata.trained and recipe["spotter"].get("weights"):
        files.append(f"the spotter's weights '{recipe['spotter']['weights']}' were")
    return files


def _count_table(group: Sequence[SpottingSummary]) -> Table:
    rows: list[tuple[str, ...]] = []
    notes = [
        "Overlap (IoU) of 0.5 or more, counts pooled over all videos. Rows of runs are matched one to one, published "
        "rows counted as the challenge counts."
    ]
    for summary in group:
        clips = f"{summary.n_videos} videos of {summary.n_subjects} subjects"
        for kind, score in summary.by_kind.items():
            alarms = f"{score.fp / summary.minutes:.1f}"
            error = _onset_error(summary) if kind == ANY_KIND else ""
            interval = format_interval(summary.intervals[kind])
            rows.append((summary.label, kind, *_score_cells(score), interval, alarms, error, clips))
        notes.append(f"{summary.label}: {'; '.join(_remarks(summary))}.")
    n_own, dataset = len(rows), group[0].dataset
    for row in published_spotting(dataset):
        for kind, counts in row.counts.items():
            rows.append((row.method, kind, *_score_cells(SpottingScore(*counts)), "", "", "", _source(row)))
    return Table(f"{dataset}: counts", COUNT_COLUMNS, tuple(rows), "\n".join(notes), n_own=n_own)


def _score_table(group: Sequence[SpottingSummary]) -> Table:
    rows = []
    for summary in group:
        strs = format_score(summary.recognized.strs) if summary.recognized else ""
        scores = [format_score(summary.scores.by_kind[kind].f1) for kind in KINDS]
        rows.append((summary.label, *scores, strs, f"{summary.n_videos} videos of {summary.n_subjects} subjects"))
    dataset = group[0].dataset
    published = published_spotting(dataset)
    for row in published:
        values = (row.micro, row.macro, row.all, row.strs)
        cells = ("" if value is None else format_score(value) for value in values)
        rows.append((row.method + (LEAKY if row.leaky else ""), *cells, _source(row)))
    note = LEAKY_NOTE if any(row.leaky for row in published) else ""
    title = f"{dataset}: beside published numbers"
    return Table(title, SCORE_COLUMNS, tuple(rows), note, n_own=len(group))


def _settings(run: SpottingRun) -> Table:
    metadata = run.metadata
    rows = (
        ("recipe", str(metadata.recipe["name"])),
        ("key", metadata.key),
        ("seed", str(metadata.seed)),
        ("data", ", ".join(f"{name} {facts['fingerprint']}" for name, facts in metadata.data.items())),
        ("spotter", ", ".join(f"{key} = {value}" for key, value in metadata.recipe["spotter"].items())),
        ("trained", "on the other subjects of each data set" if metadata.trained else "no"),
        ("recognizer", metadata.model or "none"),
        ("microexpr", metadata.version),
    )
    return Table("settings", ("setting", "value"), rows, view="settings", page_only=True)


def _onset_error(summary: SpottingSummary) -> str:
    error = summary.scores.onset_error_ms
    return "none matched" if math.isnan(error) else f"{error:.0f} ms"


def _as_challenge(summary: SpottingSummary) -> str:
    counted = [
        f"{kind} {score.tp}/{score.fp}/{score.fn}, F1 {format_score(score.f1)}"
        for kind, score in summary.scores.as_challenge.items()
    ]
    return f"TP/FP/FN as the challenge counts them (one find may be true for several labels): {'; '.join(counted)}"


def _remarks(summary: SpottingSummary) -> list[str]:
    remarks = [_as_challenge(summary)]
    if summary.crowded:
        remarks.append(f"{len(summary.crowded)} videos with several faces, of which the one visible longest is used")
    if (result := summary.recognized) is not None:
        left_out = f", {result.left_out} without a coarse class left out" if result.left_out else ""
        remarks.append(
            f"spot-then-recognize of {result.kind}-expressions: STRS {format_score(result.strs)} "
            f"(F1 of analysis {format_score(result.analysis_f1)}, the harmonic mean of macro precision "
            f"{format_score(result.macro_precision)} and macro recall {format_score(result.macro_recall)}, "
            f"on {result.scored} true positives{left_out})"
        )
    return remarks


def _score_cells(score: SpottingScore) -> tuple[str, ...]:
    scores = (format_score(value) for value in (score.precision, score.recall, score.f1))
    return (str(score.tp), str(score.fp), str(score.fn), *scores)


def _source(row: PublishedSpotting) -> str:
    return f"{row.source}; {row.note}" if row.note else row.source


def _score_record(score: SpottingScore) -> dict[str, float]:
    return {**asdict(score), "precision": score.precision, "recall": score.recall, "f1": score.f1}


def _score_rows(summary: SpottingSummary) -> Iterator[dict[str, Any]]:
    """One row a kind and score."""
    metadata = summary.run.metadata
    for kind, score in summary.by_kind.items():
        low, high = summary.intervals[kind]
        for metric, value in (("precision", score.precision), ("recall", score.recall), ("f1", score.f1)):
            yield {
                "recipe": summary.name,
                "seed": metadata.seed,
                "dataset": summary.dataset,
                "kind": kind,
                "metric": metric,
                "score": value,
                "low": low if metric == "f1" else None,
                "high": high if metric == "f1" else None,
                "videos": summary.n_videos,
                "subjects": summary.n_subjects,
            }


def _record(run: SpottingRun, summaries: Sequence[SpottingSummary], warnings: Sequence[str]) -> dict[str, Any]:
    metadata = run.metadata
    return {
        "kind": run.kind,
        "recipe": metadata.recipe["name"],
        "name": summaries[0].name,
        "title": metadata.recipe["title"],
        "spotter": metadata.recipe["spotter"],
        "recognizer": metadata.model,
        "trained": metadata.trained,
        "seed": metadata.seed,
        "complete": run.complete,
        "videos": {"done": len(run.done()), "all": len(run.unit_names)},
        "synthetic": run.synthetic,
        "quick": metadata.quick,
        "subset": metadata.subset,
        "left_out": metadata.left_out,
        "warnings": list(warnings),
        "per_dataset": {summary.dataset: summary.as_dict() for summary in summaries},
    }


REPORTS.add("spotting", make_spotting_report)
