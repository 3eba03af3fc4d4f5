"""The tables of a report of action units, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..metrics import UNIT_METRICS, ordered_unit_metrics
from ._unit_summary import Interval, Scores, UnitSummary
from .base import Table
from .tables import format_interval, format_score, network_table, settings_table, stages_table

ALWAYS = "always present"
"""Name of the trivial baseline: every action unit is predicted for every clip."""

FEW = "‡"
"""Marks action units with too few clips for the means."""

SIDES = ("right", "left", "both")


def make_unit_tables(summary: UnitSummary) -> list[Table]:
    """Every table of a report, the most important first."""
    tables = [
        _primary_scores(summary),
        _means(summary),
        _by_unit(summary),
        _by_part(summary),
        _sides(summary),
        stages_table(summary),
        network_table(summary),
        settings_table(summary),
    ]
    return [table for table in tables if table is not None]


def compare_units(summaries: Sequence[UnitSummary]) -> list[Table]:
    """A table of means and one of AUC by action unit, for the runs of each protocol."""
    tables = []
    for protocol in dict.fromkeys(summary.protocol.name for summary in summaries):
        group = [summary for summary in summaries if summary.protocol.name == protocol]
        tables += [_compare_means(group), _compare_by_unit(group)]
    return tables


def _label(name: str) -> str:
    """What the mean of a metric over action units is called."""
    return f"mean {UNIT_METRICS.get(name).label}"


def _score(scores: Mapping[str, float | None], name: str) -> str:
    value = scores.get(name)
    return "" if value is None else format_score(value)


def _interval(intervals: Mapping[str, Interval], name: str) -> str:
    return format_interval(intervals.get(name))


def _spread(summary: UnitSummary, name: str) -> str:
    score = _score(summary.metrics, name)
    return f"{score} ±{format_score(summary.spread[name])}" if name in summary.spread else score


def _scope(summary: UnitSummary) -> str:
    """Over which action units means are."""
    protocol = summary.protocol
    average = "mean of the folds" if protocol.average == "folds" else "all folds pooled"
    return (
        f"means over the {len(summary.judged)} action units of {protocol.min_positives} clips or more; {average}; "
        f"F1, precision and recall at a probability of {protocol.threshold:g} or more"
    )


def _primary_scores(summary: UnitSummary) -> Table:
    rows = tuple(
        (
            _label(name),
            _score(summary.metrics, name),
            _interval(summary.intervals, name),
            _score(summary.trivial, name),
        )
        for name in summary.protocol.primary_metrics
    )
    return Table("scores", ("", "score", "95 %", ALWAYS), rows, view="scores", page_only=True)


def _means(summary: UnitSummary) -> Table:
    columns = ["", "score", "95 % over subjects", ALWAYS]
    if summary.spread:
        columns.append(f"sd of {len(summary.runs)} seeds")
    rows = []
    for metric in ordered_unit_metrics():
        name = metric.name
        cells = [_label(name), _score(summary.metrics, name)]
        cells += [_interval(summary.intervals, name), _score(summary.trivial, name)]
        if summary.spread:
            cells.append(f"±{_score(summary.spread, name)}")
        rows.append(tuple(cells))
    title = f"{summary.n_clips} clips of {summary.n_subjects} subjects"
    return Table(title, tuple(columns), tuple(rows), _scope(summary))


def _by_unit(summary: UnitSummary) -> Table:
    rows = tuple(
        (
            f"AU {unit.number}{'' if unit.judged else FEW}",
            unit.name,
            str(unit.positives),
            _score(unit.metrics, "auc"),
            _interval(unit.intervals, "auc"),
            _score(unit.metrics, "f1"),
            _score(unit.trivial, "f1"),
            _score(unit.metrics, "average_precision"),
        )
        for unit in summary.units
    )
    notes = ["95 % over subjects; an action unit on either side of the face counts as present"]
    if len(summary.judged) < len(summary.units):
        notes.append(f"{FEW} fewer than {summary.protocol.min_positives} clips: not in the means")
    columns = ("", "action unit", "clips", "AUC", "95 % of AUC", "F1", f"F1 of {ALWAYS}", "AP")
    return Table("by action unit", columns, rows, "\n".join([*notes, "AP: average precision"]))


def _by_part(summary: UnitSummary) -> Table | None:
    """Means of each part with intervals, and beneath each the baseline."""
    if len(summary.parts) < 2:
        return None
    names = summary.protocol.primary_metrics
    rows: list[tuple[str, ...]] = []
    for part, values in summary.parts.items():
        intervals, trivial = summary.part_intervals[part], summary.part_trivial[part]
        scores = (cell for name in names for cell in (_score(values, name), _interval(intervals, name)))
        rows.append((part, *_counts(values), *scores))
        rows.append((ALWAYS, "", "", *(cell for name in names for cell in (_score(trivial, name), ""))))
    title = "by fold" if summary.protocol.average == "folds" else "by data set"
    columns = ("", "clips", "subjects", *(column for name in names for column in (_label(name), "95 %")))
    return Table(title, columns, tuple(rows), "95 % over subjects")


def _counts(values: Scores) -> tuple[str, str]:
    return str(values["n"]), str(values["subjects"])


def _sides(summary: UnitSummary) -> Table:
    """On which side of the face coded units were found."""
    sides = summary.sides
    rows = tuple(
        (f"coded: {name}", *map(str, counts), str(sum(counts)))
        for name, counts in zip(SIDES, sides.counts, strict=True)
    )
    note = "coded action units of all clips; right and left are those of the person"
    if sides.accuracy is not None:
        interval = f" (95 % over subjects: {format_interval(sides.interval)})" if sides.interval else ""
        note += (
            f"\nof {sides.one_sided} units coded on one side, the coded side is more probable in "
            f"{format_score(sides.accuracy)}{interval}; chance is .500"
        )
    columns = ("", *(f"found: {name}" for name in SIDES), "not found", "units")
    return Table("sides of the face", columns, rows, note)


def _compare_means(group: Sequence[UnitSummary]) -> Table:
    names, first = [metric.name for metric in ordered_unit_metrics()], group[0]
    rows = [
        (
            f"{summary.title}: {summary.label}",
            *(_spread(summary, name) for name in names),
            f"{summary.n_clips} clips of {summary.n_subjects} subjects",
        )
        for summary in group
    ]
    rows.append((ALWAYS, *(_score(first.trivial, name) for name in names), f"{first.n_clips} clips"))
    columns = ("", *map(_label, names), "source")
    return Table(first.protocol.title, columns, tuple(rows), _scope(first), n_own=len(group))


def _compare_by_unit(group: Sequence[UnitSummary]) -> Table:
    numbers = sorted({unit.number for summary in group for unit in summary.units})
    by_run = [{unit.number: unit for unit in summary.units} for summary in group]
    rows = []
    for number in numbers:
        known = next(units[number] for units in by_run if number in units)
        scores = (_score(units[number].metrics, "auc") if number in units else "" for units in by_run)
        rows.append((f"AU {number} {known.name}", str(known.positives), *scores))
    columns = ("", "clips", *(summary.recipe for summary in group))
    return Table(f"AUC by action unit: {group[0].protocol.title}", columns, tuple(rows))
