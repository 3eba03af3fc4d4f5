"""Reports of spotting: counts and scores of each data set, the published ones beside them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..core.errors import RunError, UnknownNameError
from ..experiments.spotting import SpottingRun, VideoResult
from ..metrics.bootstrap import percentile_interval
from ..metrics.intervals import SpottingScore
from ..metrics.spotting import KINDS, SpotThenRecognize, SpottingScores, evaluate_spotting, spot_then_recognize
from .page import page
from .published import PublishedSpotting, published_spotting
from .summary import SYNTHETIC
from .tables import LEAKY, Table, format_score
from .text import booktabs, section

LEAKY_NOTE = f"{LEAKY} a threshold was chosen on the test videos; not comparable"
COUNTS = (
    *("", "kind", "TP", "FP", "FN", "precision", "recall", "F1", "95 % by people"),
    *("false alarms/min", "onset error", "source"),
)
EITHER = "either kind"
DRAWS = 1000
SCORES = ("F1 of intervals", "micro", "macro", "all", "STRS", "source")


@dataclass(frozen=True)
class SpottingSummary:
    """What a report says of one data set of a run.

    Attributes:
        run: whose.
        data: name of the data set.
        videos: how many are judged, and of how many people.
        people: see above.
        minutes: of all videos.
        report: scores.
        intervals: kind -> 95 % interval of its F1, by drawing people.
        named: spot-then-recognize; None where no recognizer was asked.
        faceless: videos in which no face was seen; all their intervals are missed.
        crowded: videos with several people, of whom the one longest in sight was judged.
    """

    run: SpottingRun
    data: str
    videos: int
    people: int
    minutes: float
    report: SpottingScores
    intervals: Mapping[str, tuple[float, float]]
    named: SpotThenRecognize | None
    faceless: tuple[str, ...]
    crowded: tuple[str, ...]

    @property
    def label(self) -> str:
        """What its rows are called beside published ones; never without what a reader must know."""
        marks = ["synthetic faces"] * self.run.metadata.data[self.data]["synthetic"]
        marks += ["subset"] * any(line.startswith(f"{self.data}:") for line in self.run.metadata.subset)
        marks += ["partial"] * (not self.run.complete)
        seed = f", seed {self.run.metadata.seed}" if self.run.metadata.seed else ""
        return f"{self.run.metadata.recipe['name']}{seed}" + (f" ({', '.join(marks)})" if marks else "")

    def as_dict(self) -> dict[str, Any]:
        """As `report --json` prints it."""
        error = self.report.onset_error_ms
        return {
            "videos": self.videos,
            "subjects": self.people,
            "minutes": self.minutes,
            "scores": {kind: _numbers(score) for kind, score in _kinds(self.report).items()},
            "intervals": {kind: list(pair) for kind, pair in self.intervals.items()},
            "false_alarms_a_minute": self.report.false_alarms_per_minute,
            "onset_error_ms": None if math.isnan(error) else error,
            "spot_then_recognize": None if self.named is None else {**asdict(self.named), "strs": self.named.strs},
            "without_a_face": list(self.faceless),
            "several_faces": list(self.crowded),
            "published": [asdict(row) for row in published_spotting(self.data)],
        }


def summaries(run: SpottingRun) -> list[SpottingSummary]:
    """One a data set that has a finished video.

    Raises:
        RunError: no video is done yet.
    """
    videos = run.videos()
    if not videos:
        raise RunError(f"'{run.folder}' has no finished video yet; run the recipe again to go on")
    return [_summary(run, data, own) for data in run.metadata.data if (own := [v for v in videos if v.dataset == data])]


def render_spotting(runs: Sequence[SpottingRun], form: str) -> str:
    """Reports of runs as `json` (an object a line), `markdown`, `latex` or `html`."""
    if form == "json":
        return "\n".join(json.dumps(_as_dict(run), ensure_ascii=False) for run in runs)
    tables, told = spotting_tables(runs), spotting_warnings(runs)
    if form == "html":
        return page([], tables, told)
    if form == "markdown":
        return "\n\n".join([*(f"> {line}" for line in told), *(p for t in tables for p in section(t))]) + "\n"
    if form == "latex":
        captions = [f"{table.title}. {' '.join(told)} {table.note}" for table in tables]
        return "\n".join(["% needs \\usepackage{booktabs}", *map(booktabs, tables, captions)]) + "\n"
    raise UnknownNameError("form of report", form, ["json", "markdown", "latex", "html"])


def spotting_tables(runs: Sequence[SpottingRun]) -> list[Table]:
    """Two tables a data set: counts, and F1; in each every run's rows, then the published ones."""
    every = [summary for run in runs for summary in summaries(run)]
    groups = [[s for s in every if s.data == data] for data in dict.fromkeys(s.data for s in every)]
    return [table for group in groups for table in (_counts(group), _scores(group))]


def spotting_warnings(runs: Sequence[SpottingRun]) -> list[str]:
    """What a reader must know before quoting a number, each line once."""
    told = [SYNTHETIC] * any(run.synthetic for run in runs)
    for run in runs:
        header = run.metadata
        if not run.complete:
            failed = run.failed()
            why = f"; {len(failed)} failed, e.g. {next(iter(failed.items()))}" if failed else ""
            told.append(f"PARTIAL: {len(run.done())} of {len(run.unit_names)} videos of '{run.folder}' are done{why}.")
        if header.quick:
            told.append("SMALL: made smaller by --quick (fewer people, smaller pictures).")
        if header.subset:
            more = f"; and {len(header.subset) - 6} more differences" if len(header.subset) > 6 else ""
            told.append("SUBSET of the published videos: " + "; ".join(header.subset[:6]) + more + ".")
        if header.left_out:
            told.append(f"{len(header.left_out)} videos left out for want of pictures, e.g. {header.left_out[0]}.")
        told += [
            f"UNCHECKED: {what}; whether it knows people of these videos cannot be seen." for what in _foreign(run)
        ]
        for summary in summaries(run):
            if summary.faceless:
                names = ", ".join(summary.faceless[:3])
                told.append(f"{len(summary.faceless)} videos of {summary.data} show no face ({names}): all is missed.")
    return list(dict.fromkeys(told))


def _foreign(run: SpottingRun) -> list[str]:
    """Files of a user's that may have been learned from anybody."""
    recipe, found = run.metadata.recipe, []
    if run.metadata.model and recipe["recognizer"] != "default":
        found.append(f"the recognizer '{recipe['recognizer']}' was learned elsewhere")
    if not run.metadata.trained and recipe["spotter"].get("weights"):
        found.append(f"the spotter's weights '{recipe['spotter']['weights']}' were learned elsewhere")
    return found


def _summary(run: SpottingRun, data: str, videos: Sequence[VideoResult]) -> SpottingSummary:
    report = _scored(videos)
    told = [run.recognized(video.id) for video in videos]
    named = None
    if run.metadata.model and all(one is not None for one in told):
        events = [event for one in told if one is not None for event in one]
        named = spot_then_recognize(report, [event.label for event in events], [event.predicted for event in events])
    return SpottingSummary(
        run,
        data,
        len(videos),
        len({video.subject for video in videos}),
        sum(video.seconds for video in videos) / 60,
        report,
        _intervals(videos),
        named,
        tuple(video.name for video in videos if video.face is None),
        tuple(video.name for video in videos if video.faces > 1),
    )


def _scored(videos: Sequence[VideoResult]) -> SpottingScores:
    truth, found = {v.id: v.ground_truth for v in videos}, {v.id: v.found for v in videos}
    return evaluate_spotting(truth, found, {v.id: v.seconds for v in videos}, {v.id: v.fps for v in videos})


def _kinds(report: SpottingScores) -> dict[str, SpottingScore]:
    return {**report.by_kind, EITHER: report.any_kind}


def _intervals(videos: Sequence[VideoResult]) -> dict[str, tuple[float, float]]:
    """Kind -> 2.5 and 97.5 % of the F1 of as many people, drawn with replacement; every draw is judged pooled."""
    people = dict.fromkeys(video.subject for video in videos)
    each = [_kinds(_scored([video for video in videos if video.subject == person])) for person in people]
    drawn = np.random.default_rng(0).integers(len(each), size=(DRAWS, len(each)))
    found = {}
    for kind in each[0]:
        tp, fp, fn = np.array([(one[kind].tp, one[kind].fp, one[kind].fn) for one in each])[drawn].sum(axis=1).T
        found[kind] = percentile_interval(np.divide(2 * tp, 2 * tp + fp + fn, out=np.zeros(DRAWS), where=tp > 0))
    return found


def _counts(group: Sequence[SpottingSummary]) -> Table:
    rows, notes = [], ["Overlap (IoU) of one half or more, one to one, counts pooled over all videos."]
    for one in group:
        each, error = f"{one.videos} videos of {one.people} people", one.report.onset_error_ms
        for kind, score in _kinds(one.report).items():
            alarms = f"{score.fp / one.minutes:.1f}"
            late = "" if kind in KINDS else "none matched" if math.isnan(error) else f"{error:.0f} ms"
            low, high = one.intervals[kind]
            span = f"{format_score(low)} to {format_score(high)}"
            rows.append((one.label, kind, *_cells(score), span, alarms, late, each))
        if told := _more(one):
            notes.append(f"{one.label}: {told}.")
    ours = len(rows)
    for row in published_spotting(group[0].data):
        for kind, counts in row.counts.items():
            rows.append((row.method, kind, *_cells(SpottingScore(*counts)), "", "", "", _source(row)))
    return Table(f"{group[0].data}: what was found", COUNTS, tuple(rows), "\n".join(notes), ours=ours)


def _scores(group: Sequence[SpottingSummary]) -> Table:
    rows = []
    for one in group:
        scores = (format_score(one.report.by_kind[kind].f1) for kind in KINDS)
        each = f"{one.videos} videos of {one.people} people"
        rows.append((one.label, *scores, format_score(one.named.strs) if one.named else "", each))
    published = published_spotting(group[0].data)
    for row in published:
        values = (getattr(row, name) for name in (*KINDS, "strs"))
        cells = ("" if value is None else format_score(value) for value in values)
        rows.append((row.method + LEAKY * row.leaky, *cells, _source(row)))
    note = LEAKY_NOTE if any(row.leaky for row in published) else ""
    title = f"{group[0].data}: beside the published"
    return Table(title, SCORES, tuple(rows), note, ours=len(group))


def _more(one: SpottingSummary) -> str:
    """What there is to say of a run beside its counts."""
    told = []
    if one.crowded:
        told.append(f"{len(one.crowded)} videos with several people, of whom the one longest in sight is judged")
    if one.named is not None:
        left = f", {one.named.left_out} without a coarse class left out" if one.named.left_out else ""
        told.append(
            f"spot-then-recognize of {one.named.kind}-expressions: STRS {format_score(one.named.strs)} "
            f"(F1 of analysis {format_score(one.named.analysis_f1)} on {one.named.scored} true positives{left})"
        )
    return "; ".join(told)


def _cells(score: SpottingScore) -> tuple[str, ...]:
    counts = (str(score.tp), str(score.fp), str(score.fn))
    return (*counts, *(format_score(value) for value in (score.precision, score.recall, score.f1)))


def _source(row: PublishedSpotting) -> str:
    return row.source + (f"; {row.note}" if row.note else "")


def _numbers(score: SpottingScore) -> dict[str, float]:
    return {**asdict(score), "precision": score.precision, "recall": score.recall, "f1": score.f1}


def _as_dict(run: SpottingRun) -> dict[str, Any]:
    header = run.metadata
    return {
        "kind": header.kind,
        "recipe": header.recipe["name"],
        "title": header.recipe["title"],
        "spotter": header.recipe["spotter"],
        "recognizer": header.model,
        "learned": header.trained,
        "seed": header.seed,
        "complete": run.complete,
        "videos": {"done": len(run.done()), "all": len(run.unit_names)},
        "synthetic": run.synthetic,
        "quick": header.quick,
        "subset": header.subset,
        "left_out": header.left_out,
        "warnings": spotting_warnings([run]),
        "per_dataset": {summary.data: summary.as_dict() for summary in summaries(run)},
    }
