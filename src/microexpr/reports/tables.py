"""The tables of a report of recognition, as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ..metrics import METRICS, ordered_metrics
from ..protocols import PROTOCOLS
from ._run_group import RunGroup
from .base import Fractions, Table
from .majority import WAR, exactly_majority, majority_of
from .published import PublishedRow, published_samples
from .settings import format_setting
from .single_class import MARK, NOTE
from .summary import Summary

S = TypeVar("S", bound=RunGroup)

LEAKY = "†"
LEAKY_NOTE = f"{LEAKY} the epoch was chosen on test subjects, or they were trained on; not comparable"
BASELINE = "majority baseline"
N_BEST = 3
"""Comparable published rows with the highest scores that a terminal shows."""
N_FEW = 6
"""Largest number of published rows of which a terminal shows every one."""


def make_tables(summary: Summary) -> list[Table]:
    """Every table of a report, the most important first."""
    tables = [
        _primary_scores(summary),
        _all_scores(summary),
        _by_part(summary),
        _beside_published(summary, ""),
        _test_confusion(summary),
        _train_confusion(summary),
        _by_class(summary),
    ]
    for part in summary.parts:
        tables += [_beside_published(summary, part), _confusion_beside_published(summary, part)]
    tables += [
        *samples_tables(summary),
        stages_table(summary),
        network_table(summary),
        _by_subject(summary),
        settings_table(summary),
    ]
    return [table for table in tables if table is not None]


def compare_by_protocol(summaries: Sequence[Summary]) -> list[Table]:
    """A table for each protocol: its runs, the majority baseline, and the published rows."""
    return [_compare(group) for group in by_protocol(summaries)]


def by_protocol(summaries: Sequence[S]) -> list[list[S]]:
    """The summaries of each protocol, in the order in which the protocols first appear."""
    names = dict.fromkeys(summary.protocol.name for summary in summaries)
    return [[summary for summary in summaries if summary.protocol.name == name] for name in names]


def format_score(value: float) -> str:
    """Three decimals without the leading zero, as papers print them."""
    return f"{value:.3f}".removeprefix("0") if value < 1 else f"{value:.3f}"


def format_interval(interval: tuple[float, float] | None) -> str:
    """An interval of two scores; "" for none."""
    return "" if interval is None else f"{format_score(interval[0])} to {format_score(interval[1])}"


def format_number(number: int) -> str:
    """1683 as 1 683."""
    return f"{number:,}".replace(",", " ")


def format_spread(summary: Summary, metric: str) -> str:
    """The score, with the standard deviation over seeds where there are several."""
    score = format_score(summary.metrics[metric])
    return f"{score} ±{format_score(summary.spread[metric])}" if summary.spread else score


def format_source(row: PublishedRow) -> str:
    """Source of a published row, and its note."""
    return f"{row.source}; {row.note}" if row.note else row.source


def _labels(names: Sequence[str]) -> list[str]:
    return [METRICS.get(name).label for name in names]


def _compare(group: Sequence[Summary]) -> Table:
    """Runs of one protocol, the majority baseline and the published rows."""
    first = group[0]
    published = [row for row in first.published if not row.part]
    primary = first.protocol.primary_metrics
    names = [
        metric.name
        for metric in ordered_metrics()
        if metric.name in primary or any(metric.name in row.metrics for row in published)
    ]
    rows = []
    for summary in group:
        mark = MARK if summary.single_class else ""
        scores = [format_spread(summary, name) for name in names]
        rows.append(
            (
                f"{summary.title}: {summary.label}{mark}",
                *scores,
                f"{summary.n_clips} clips of {summary.n_subjects} subjects",
            )
        )
    rows.append((BASELINE, *(format_score(first.baseline[name]) for name in names), f"{first.n_clips} clips"))
    rows += _published_baseline(first, names)
    rows += [_published_row(row, names) for row in published]
    notes = [LEAKY_NOTE] if any(row.leaky for row in published) else []
    if any(summary.single_class for summary in group):
        notes.append(NOTE)
    notes += exactly_majority(published)
    columns = ("", *_labels(names), "source")
    brief = _brief(published, len(rows) - len(published), primary[0], [summary.recipe for summary in group])
    return Table(first.protocol.title, columns, tuple(rows), "\n".join(notes), n_own=len(group), brief=brief)


def _primary_scores(summary: Summary) -> Table:
    rows = tuple(
        (
            METRICS.get(name).label,
            format_score(summary.metrics[name]),
            format_interval(summary.intervals.get(name)),
            format_score(summary.baseline[name]),
        )
        for name in summary.protocol.primary_metrics
    )
    return Table("scores", ("", "score", "95 %", BASELINE), rows, view="scores", page_only=True)


def _all_scores(summary: Summary) -> Table:
    primary = summary.protocol.primary_metrics
    columns = ["", "score", "95 % over subjects", BASELINE]
    if summary.spread:
        columns.append(f"sd of {len(summary.runs)} seeds")
    rows = []
    for name in [*primary, *[name for name in summary.metrics if name not in primary]]:
        cells = [
            METRICS.get(name).label,
            format_score(summary.metrics[name]),
            format_interval(summary.intervals.get(name)),
            format_score(summary.baseline[name]),
        ]
        if summary.spread:
            cells.append(f"±{format_score(summary.spread[name])}")
        rows.append(tuple(cells))
    average = "mean of the folds" if summary.protocol.average == "folds" else "all folds pooled"
    note = f"{average}; classes: {', '.join(summary.protocol.classes)}"
    if len(summary.runs) > 1 and not summary.spread:
        note += f"; all {len(summary.runs)} seeds predict the same: nothing in this recipe depends on the seed"
    title = f"{summary.n_clips} clips of {summary.n_subjects} subjects"
    return Table(title, tuple(columns), tuple(rows), note)


def _by_part(summary: Summary) -> Table | None:
    """Scores of each part with intervals, and beneath each the majority baseline of its clips."""
    names = summary.protocol.primary_metrics
    if len(summary.parts) < 2:
        return None
    rows: list[tuple[str, ...]] = []
    for part, values in summary.parts.items():
        intervals, majority = summary.part_intervals[part], summary.part_baseline[part]
        scores = ((format_score(values[name]), format_interval(intervals.get(name))) for name in names)
        counts = (str(int(values["n"])), str(int(values["subjects"])))
        rows.append((part, *counts, *(cell for pair in scores for cell in pair)))
        rows.append((BASELINE, "", "", *(cell for name in names for cell in (format_score(majority[name]), ""))))
    what = "fold" if summary.protocol.average == "folds" else "data set"
    columns = ("", "clips", "subjects", *(column for label in _labels(names) for column in (label, "95 %")))
    note = f"95 % over subjects; the baseline predicts the most frequent class of that {what}"
    return Table(f"by {what}", columns, tuple(rows), note)


def _beside_published(summary: Summary, part: str) -> Table | None:
    """Own scores beside the published ones of the same protocol, or of one part of it."""
    published = [row for row in summary.published if row.part == part]
    if not published:
        return None
    own: Mapping[str, float] = summary.parts[part] if part else summary.metrics
    names = [
        metric.name
        for metric in ordered_metrics()
        if metric.name in own and any(metric.name in row.metrics for row in published)
    ]
    rows = [(summary.label, *(format_score(own[name]) for name in names), "")]
    notes = [LEAKY_NOTE] if any(row.leaky for row in published) else []
    baseline = summary.part_baseline[part] if part else summary.baseline
    rows.append((BASELINE, *(format_score(baseline[name]) if name in baseline else "" for name in names), "same clips"))
    if not part:
        rows += _published_baseline(summary, names)
        notes += exactly_majority(published)
    brief = _brief(published, len(rows), summary.protocol.primary_metrics[0], [summary.recipe])
    rows += [_published_row(row, names) for row in published]
    title = f"beside published numbers, {part}" if part else "beside published numbers"
    columns = ("", *_labels(names), "source")
    return Table(title, columns, tuple(rows), "\n".join(notes), n_own=1, folded=bool(part), brief=brief)


def _brief(published: Sequence[PublishedRow], before: int, metric: str, recipes: Sequence[str]) -> tuple[int, ...]:
    """Positions of the rows for a terminal: those before the published ones, the same recipes, and the best others.

    Empty, which is every row, where there are few of them.
    """
    if len(published) <= N_FEW:
        return ()
    comparable = [i for i, row in enumerate(published) if metric in row.metrics and not row.leaky]
    best = sorted(comparable, key=lambda i: -published[i].metrics[metric])[:N_BEST]
    chosen = (i for i, row in enumerate(published) if i in best or row.recipe in recipes)
    return (*range(before), *(before + i for i in chosen))


def _published_baseline(summary: Summary, names: Sequence[str]) -> list[tuple[str, ...]]:
    """The majority baseline on all clips of the published protocol, where these are not the clips of the run."""
    majority = majority_of(summary.protocol.name)
    if majority is None or WAR not in names:
        return []
    if (majority.total, majority.accuracy) == (summary.n_clips, summary.baseline[WAR]):
        return []
    scores = (format_score(majority.accuracy) if name == WAR else "" for name in names)
    return [(BASELINE, *scores, f'all {majority.total} published clips ("{majority.label}")')]


def _published_row(row: PublishedRow, names: Sequence[str]) -> tuple[str, ...]:
    scores = (format_score(row.metrics[name]) if name in row.metrics else "" for name in names)
    return (row.method + (LEAKY if row.leaky else ""), *scores, format_source(row))


def _confusion_beside_published(summary: Summary, part: str) -> Table | None:
    """Confusion matrix of a part in per cent, beside the published one."""
    printed = [row for row in summary.published if row.part == part and row.percent]
    if not printed:
        return None
    classes, counts = summary.protocol.classes, summary.part_confusion[part]
    rows = []
    for i, label in enumerate(classes):
        n = max(1, int(counts[i].sum()))
        own = (f"{100 * count / n:.1f}" for count in counts[i])
        rows.append((label, *own, "", *(f"{value:.1f}" for value in printed[0].percent[i])))
    columns = ("label \\ predicted", *classes, "|", *(f"{label} " for label in classes))
    title = f"confusion in per cent, {part}: {summary.label} | {printed[0].source}"
    note = "a row sums to 100 over the clips with a prediction"
    return Table(title, columns, tuple(rows), note, folded=True)


def _test_confusion(summary: Summary) -> Table:
    totals = [summary.per_class[label].n for label in summary.protocol.classes]
    return _confusion("confusion matrix, test clips", summary, summary.confusion, totals, "")


def _train_confusion(summary: Summary) -> Table | None:
    counts = summary.train_confusion
    if counts is None:
        return None
    totals = counts.sum(axis=1).tolist()
    title = "confusion matrix, training clips: not a score"
    return _confusion(title, summary, counts, totals, summary.train_confusion_note)


def _confusion(title: str, summary: Summary, counts: np.ndarray, totals: Sequence[int], note: str) -> Table:
    """Counts with the number of clips of each class, and of those without a prediction where there are any."""
    missing = [n - int(row.sum()) for n, row in zip(totals, counts, strict=True)]
    abstentions = any(missing)
    rows, fractions = [], []
    for label, own, n, n_missing in zip(summary.protocol.classes, counts.tolist(), totals, missing, strict=True):
        extra = (str(n_missing), str(n)) if abstentions else (str(n),)
        rows.append((label, *map(str, own), *extra))
        fractions.append((None, *(count / n if n else 0.0 for count in own), *([None] * len(extra))))
    columns = ("label \\ predicted", *summary.protocol.classes, *(("no prediction",) if abstentions else ()), "clips")
    colored: Fractions = tuple(fractions)
    return Table(title, columns, tuple(rows), note, view="matrix", fractions=colored)


def _by_class(summary: Summary) -> Table:
    rows = tuple(
        (label, format_score(score.precision), format_score(score.recall), format_score(score.f1), str(score.n))
        for label, score in summary.per_class.items()
    )
    return Table("by class", ("", "precision", "recall", "F1", "clips"), rows)


def samples_tables(summary: Summary) -> list[Table]:
    """Numbers of clips as the papers of a protocol print them, beside those of the release and of this test."""
    printed = published_samples(summary.protocol.name)
    if not printed:
        return []
    run = summary.run
    tested = Counter((row.dataset, row.label) for fold in run.done() for row in run.fold_predictions(fold))
    columns = ("class", "printed", "release", "difference", "tested here")
    tables = []
    for sample in printed:
        release = PROTOCOLS.get(sample.protocol).counts[sample.part]
        rows = []
        for label, count in sample.counts.items():
            difference = f"{count - release[label]:+d}" if count != release[label] else ""
            rows.append((label, str(count), str(release[label]), difference, str(tested[sample.part, label])))
        tables.append(Table(f"clips of {sample.part} in {sample.source}", columns, tuple(rows), sample.note))
    return tables


def stages_table(group: RunGroup) -> Table | None:
    """What each stage started from and was trained on, and its scores on held-out subjects."""
    stages = group.run.stages()
    if not stages or (len(stages) == 1 and stages[0]["from"] == "random weights"):
        return None
    rows = []
    for stage in stages:
        trained = f"{stage['clips']} images of {stage['subjects']} subjects" if "clips" in stage else "the folds"
        test = stage.get("test") or {}
        scores = ", ".join(
            f"{METRICS.get(name).label} {format_score(value)}" for name, value in test.items() if name in METRICS
        )
        held_out = f"{scores} ({test['clips']} images of {test['subjects']} subjects)" if test else ""
        rows.append((stage["name"], stage["from"], trained, ", ".join(stage.get("data", {})), held_out))
    columns = ("stage", "initial weights", "trained on", "data", "held-out subjects")
    return Table("stages", columns, tuple(rows))


def network_table(group: RunGroup) -> Table | None:
    """Layers of the network with their shapes and numbers of weights; the table is long, and only on pages."""
    network: Mapping[str, Any] | None = group.run.network()
    if network is None:
        return None
    rows = [("input", "", " × ".join(map(str, network["input"])), "")]
    for layer in network["layers"]:
        calls = f" (used {layer['calls']} times)" if layer["calls"] > 1 else ""
        shape = " × ".join(map(str, layer["shape"]))
        rows.append((layer["name"], layer["kind"] + calls, shape, str(layer["parameters"])))
    rows.append(("all", network["kind"], "", str(network["parameters"])))
    rows.append(("of these trained here", "", "", str(network["trainable_parameters"])))
    note = "of the first fold; shapes of one input, without the batch"
    columns = ("layer", "kind", "output", "weights")
    return Table("network, layer by layer", columns, tuple(rows), note, folded=True, page_only=True)


def _by_subject(summary: Summary) -> Table:
    counts = summary.subjects_correct.items()
    rows = tuple((subject, f"{correct} of {n}") for subject, (correct, n) in counts)
    fractions: Fractions = tuple((None, correct / n) for _, (correct, n) in counts)
    columns = ("subject", "correct clips")
    return Table("by subject", columns, rows, view="bars", fractions=fractions, page_only=True)


def settings_table(group: RunGroup) -> Table:
    """What the run was made with: recipe, data, protocol, seeds."""
    metadata = group.run.metadata
    rows = (
        ("recipe", str(metadata.recipe["name"])),
        ("key", metadata.key),
        ("seeds", ", ".join(str(run.metadata.seed) for run in group.runs)),
        ("data", ", ".join(f"{name} {facts['fingerprint']}" for name, facts in metadata.data.items())),
        ("labels", metadata.labels or "of the releases"),
        *_stage_settings(metadata.recipe["stages"]),
        ("protocol", group.protocol.name),
        ("source of the protocol", group.protocol.source),
        ("microexpr", metadata.version),
    )
    note = "a setting that the recipe does not name has its default"
    return Table("settings", ("setting", "value"), rows, note, view="settings", page_only=True)


def _stage_settings(stages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """The chain and the recognizer of each stage as the recipe names them."""
    for stage in stages:
        of = f" of '{stage['name']}'" if len(stages) > 1 else ""
        yield f"chain{of}", ", then ".join(map(format_setting, stage["chain"]))
        yield f"recognizer{of}", format_setting(stage["recognizer"])
