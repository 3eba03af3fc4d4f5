"""The tables of a report, as plain cells; the forms (terminal, Markdown, LaTeX, HTML) only draw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..metrics import METRICS, ordered_metrics
from .majority import WAR, exactly_majority, majority_of
from .published import PublishedRow
from .single_class import MARK, NOTE
from .summary import Summary

LEAKY = "†"
LEAKY_NOTE = f"{LEAKY} the epoch was chosen on test people, or they were trained on; not comparable"


TAUGHT = "confusion on the training clips: no score"


@dataclass(frozen=True)
class Table:
    """A heading, column names and rows of text.

    Attributes:
        note: beneath it; lines.
        part: where it is about one part of the clips only.
        ours: how many of the first rows are of our own runs, to be told from what they stand beside.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    part: str = ""
    ours: int = 0


def tables(summary: Summary) -> list[Table]:
    """Every table of a report, the most important first."""
    found = [_scores(summary), _parts(summary), _compared(summary, ""), _confusion(summary), _taught(summary)]
    found.append(_classes(summary))
    found += [table(summary, part) for part in summary.parts for table in (_compared, _confused)]
    found.append(_stages(summary))
    return [table for table in found if table.rows]


def comparisons(summaries: Sequence[Summary]) -> list[Table]:
    """One table a protocol: every run of it, the majority's guess, and the published rows."""
    found = []
    for name in dict.fromkeys(summary.protocol.name for summary in summaries):
        group = [summary for summary in summaries if summary.protocol.name == name]
        others = [row for row in group[0].published if not row.part]
        headline = group[0].protocol.primary_metrics
        names = [
            metric for metric in _metric_names() if metric in headline or any(metric in row.metrics for row in others)
        ]
        rows = [
            (_named(s), *(format_spread(s, m) for m in names), f"{s.n_clips} clips of {s.n_subjects} people")
            for s in group
        ]
        bets = group[0].baseline
        rows.append(("majority's guess", *(format_score(bets[m]) for m in names), f"{group[0].n_clips} clips"))
        rows += _sheet(group[0], names)
        rows += [_published(row, names) for row in others]
        notes = [LEAKY_NOTE] * any(row.leaky for row in others) + [NOTE] * any(s.single_class for s in group)
        notes += [*exactly_majority(others), *_differences(group)]
        note = "\n".join(notes)
        columns = ("", *(METRICS.get(metric).label for metric in names), "source")
        found.append(Table(group[0].protocol.title, columns, tuple(rows), note, ours=len(group)))
    return found


def _scores(summary: Summary) -> Table:
    headline = summary.protocol.primary_metrics
    rows = []
    for name in [*headline, *[name for name in summary.metrics if name not in headline]]:
        interval = summary.intervals.get(name)
        rows.append(
            (
                METRICS.get(name).label,
                format_score(summary.metrics[name]),
                f"{format_score(interval[0])} to {format_score(interval[1])}" if interval else "",
                format_score(summary.baseline[name]),
                f"±{format_score(summary.spread[name])}" if summary.spread else "",
            )
        )
    columns = ["", "score", "95 % over people", "majority's guess", f"sd of {len(summary.runs)} seeds"]
    if not summary.spread:
        columns, rows = columns[:-1], [row[:-1] for row in rows]  # type: ignore[misc]
    title = f"{summary.n_clips} clips of {summary.n_subjects} people"
    how = "mean of the folds" if summary.protocol.average == "folds" else "all folds pooled"
    return Table(title, tuple(columns), tuple(rows), f"{how}; classes: {', '.join(summary.protocol.classes)}")


def _parts(summary: Summary) -> Table:
    names = summary.protocol.primary_metrics
    if len(summary.parts) < 2:
        return Table("", (), ())
    rows = tuple(
        (part, str(int(values["n"])), str(int(values["subjects"])), *(format_score(values[name]) for name in names))
        for part, values in summary.parts.items()
    )
    what = "by fold" if summary.protocol.average == "folds" else "by data set"
    return Table(what, ("", "clips", "people", *(METRICS.get(name).label for name in names)), rows)


def _compared(summary: Summary, part: str) -> Table:
    """Ours beside the published numbers of the same protocol, or of one part of it."""
    others = [row for row in summary.published if row.part == part]
    if not others:
        return Table("", (), ())
    own: Mapping[str, float] = summary.parts[part] if part else summary.metrics
    names = [name for name in _metric_names() if name in own and any(name in row.metrics for row in others)]
    ours = (summary.label, *(format_score(own[name]) for name in names), "")
    rows = [ours]
    if not part:
        rows.append(("majority's guess", *(format_score(summary.baseline[name]) for name in names), "same clips"))
        rows += _sheet(summary, names)
    rows += [_published(row, names) for row in others]
    note = "\n".join([LEAKY_NOTE] * any(row.leaky for row in others) + exactly_majority(others) * (not part))
    where = f", {part}" if part else ""
    columns = ("", *(METRICS.get(name).label for name in names), "source")
    return Table(f"beside published numbers{where}", columns, tuple(rows), note, part, ours=1)


def _sheet(summary: Summary, names: Sequence[str]) -> list[tuple[str, ...]]:
    """The majority's guess on all clips of the published protocol, where these are not the clips of the run."""
    most = majority_of(summary.protocol.name)
    if most is None or WAR not in names or (most.total, most.accuracy) == (summary.n_clips, summary.baseline[WAR]):
        return []
    scores = (format_score(most.accuracy) if name == WAR else "" for name in names)
    return [("majority's guess", *scores, f'all {most.total} published clips ("{most.label}")')]


def _named(summary: Summary) -> str:
    return f"{summary.title}: {summary.label}{MARK * bool(summary.single_class)}"


def _published(row: PublishedRow, names: Sequence[str]) -> tuple[str, ...]:
    scores = (format_score(row.metrics[name]) if name in row.metrics else "" for name in names)
    return (row.method + LEAKY * row.leaky, *scores, row.source + (f"; {row.note}" if row.note else ""))


def format_spread(summary: Summary, metric: str) -> str:
    """The score, with the standard deviation over seeds where there are several."""
    score = format_score(summary.metrics[metric])
    return f"{score} ±{format_score(summary.spread[metric])}" if summary.spread else score


def _differences(group: Sequence[Summary]) -> list[str]:
    """How far the first row is ahead of each other one, seed by seed."""
    first, lines = group[0], []
    seeds = [run.metadata.seed for run in first.runs]
    for other in group[1:]:
        if len(seeds) < 2 or seeds != [run.metadata.seed for run in other.runs]:
            continue
        told = []
        for metric in first.protocol.primary_metrics:
            ahead = [a[metric] - b[metric] for a, b in zip(first.seed_metrics, other.seed_metrics, strict=True)]
            wins = sum(one > 0 for one in ahead)
            told.append(
                f"{METRICS.get(metric).label} {np.mean(ahead):+.3f} (sd {np.std(ahead, ddof=1):.3f}, ahead in {wins})"
            )
        lines.append(f"{first.title} less {other.title}: {', '.join(told)} of {len(seeds)} seeds")
    return lines


def _confused(summary: Summary, part: str) -> Table:
    """Confusion matrix of a part in per cent, beside the published one."""
    printed = [row for row in summary.published if row.part == part and row.percent]
    if not printed:
        return Table("", (), ())
    classes, counts = summary.protocol.classes, summary.part_confusion[part]
    rows = []
    for i, word in enumerate(classes):
        n = max(1, int(counts[i].sum()))
        rows.append(
            (word, *(f"{100 * c / n:.1f}" for c in counts[i]), "", *(f"{p:.1f}" for p in printed[0].percent[i]))
        )
    columns = ("truth \\ guess", *classes, "|", *(f"{word} " for word in classes))
    title = f"confusion in per cent, {part}: {summary.label} | {printed[0].source}"
    return Table(title, columns, tuple(rows), "a row sums to 100 over the clips that got a guess", part)


def _stages(summary: Summary) -> Table:
    """What each stage began from and learned from, and how it did on people kept apart."""
    rows = []
    for stage in summary.run.stages():
        learned = (f"{stage['clips']} pictures of {stage['people']} people",) if "clips" in stage else ("the folds",)
        test = stage.get("test") or {}
        scores = ", ".join(
            f"{METRICS.get(name).label} {format_score(value)}" for name, value in test.items() if name in METRICS
        )
        kept = f"{scores} ({test['clips']} pictures of {test['people']} people)" if test else ""
        rows.append((stage["name"], stage["from"], *learned, ", ".join(stage.get("data", {})), kept))
    columns = ("stage", "begins from", "learns from", "data", "people kept apart")
    return Table("stages", columns, tuple(rows) if len(rows) > 1 or (rows and rows[0][1] != "random weights") else ())


def network_table(network: Mapping[str, Any]) -> Table:
    """Layers of `Run.network()`, with shapes and weights: for pages, being long."""
    rows = [("input", "", " × ".join(map(str, network["input"])), "")]
    for layer in network["layers"]:
        often = f" (used {layer['calls']} times)" if layer["calls"] > 1 else ""
        rows.append((layer["name"], layer["kind"] + often, " × ".join(map(str, layer["shape"])), str(layer["weights"])))
    rows.append(("all", network["kind"], "", str(network["weights"])))
    rows.append(("of these learned here", "", "", str(network["trained"])))
    note = "of the first fold; shapes of one input, without the batch"
    return Table("network, layer by layer", ("layer", "kind", "result", "weights"), tuple(rows), note)


def _confusion(summary: Summary) -> Table:
    classes = summary.protocol.classes
    rows = []
    for word, counts in zip(classes, summary.confusion.tolist(), strict=True):
        n = summary.per_class[word].n
        rows.append((word, *map(str, counts), str(n - sum(counts)), str(n)))
    return Table("confusion matrix", ("truth \\ guess", *classes, "no guess", "all"), tuple(rows))


def _taught(summary: Summary) -> Table:
    if summary.train_confusion is None:
        return Table("", (), ())
    classes = summary.protocol.classes
    rows = tuple(
        (word, *map(str, counts)) for word, counts in zip(classes, summary.train_confusion.tolist(), strict=True)
    )
    return Table(TAUGHT, ("truth \\ guess", *classes), rows, summary.train_confusion_note)


def _classes(summary: Summary) -> Table:
    rows = tuple(
        (word, format_score(s.precision), format_score(s.recall), format_score(s.f1), str(s.n))
        for word, s in summary.per_class.items()
    )
    return Table("by class", ("", "precision", "recall", "F1", "clips"), rows)


def format_score(value: float) -> str:
    """Three digits without the leading zero, as the field prints them."""
    return f"{value:.3f}".removeprefix("0") if value < 1 else f"{value:.3f}"


def _metric_names() -> list[str]:
    return [metric.name for metric in ordered_metrics()]
