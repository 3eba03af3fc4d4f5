"""The tables of a report of action units, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..metrics import UNIT_METRICS, ordered_unit_metrics
from ._unit_published import ALWAYS, beside_published
from ._unit_summary import Interval, MeanScores, Scores, UnitSummary
from .base import Table
from .tables import format_interval, format_score, network_table, settings_table, stages_table

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
        _by_unit_and_dataset(summary),
        *beside_published([summary]),
        _sides(summary),
        stages_table(summary),
        network_table(summary),
        settings_table(summary),
    ]
    return [table for table in tables if table is not None]


def compare_units(summaries: Sequence[UnitSummary]) -> list[Table]:
    """Tables of means and of scores by action unit, and published ones, for the runs of each protocol."""
    tables = []
    for protocol in dict.fromkeys(summary.protocol.name for summary in summaries):
        group = [summary for summary in summaries if summary.protocol.name == protocol]
        tables += [_compare_means(group), _compare_by_unit(group), *beside_published(group)]
    return tables


def _label(name: str) -> str:
    """What the mean of a metric over action units is called."""
    return f"mean {UNIT_METRICS.get(name).label}"


def _score(scores: Mapping[str, float | None], name: str) -> str:
    value = scores.get(name)
    return "" if value is None else format_score(value)


def _mean(scores: Mapping[str, float | None], name: str) -> str:
    """A mean over many units and clips, which has a fourth decimal."""
    value = scores.get(name)
    return "" if value is None else f"{value:.4f}".removeprefix("0")


def _interval(intervals: Mapping[str, Interval], name: str) -> str:
    return format_interval(intervals.get(name))


def _spread(means: MeanScores, name: str) -> str:
    score = _score(means.metrics, name)
    return f"{score} ±{format_score(means.spread[name])}" if name in means.spread else score


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
            _label(name) + (f" of the {part}" if part else ""),
            _mean(means.metrics, name),
            _interval(means.intervals, name),
            _mean(means.trivial, name),
        )
        for name in summary.protocol.primary_metrics
        for part, means in summary.all_means()
    )
    return Table("scores", ("", "score", "95 %", ALWAYS), rows, view="scores", page_only=True)


def _means(summary: UnitSummary) -> Table:
    columns = [""]
    for part, means in summary.all_means():
        columns += [f"mean of the {part}" if part else "score", "95 % over subjects", ALWAYS]
        columns += [f"sd of {len(summary.runs)} seeds"] if means.spread else []
    rows = []
    for metric in ordered_unit_metrics():
        name = metric.name
        cells = [_label(name)]
        for _, means in summary.all_means():
            cells += [_mean(means.metrics, name), _interval(means.intervals, name), _mean(means.trivial, name)]
            cells += [f"±{_score(means.spread, name)}"] if means.spread else []
        rows.append(tuple(cells))
    title = f"{summary.n_clips} clips of {summary.n_subjects} subjects"
    return Table(title, tuple(columns), tuple(rows), _scope(summary))


def _by_unit(summary: UnitSummary) -> Table:
    primary = summary.protocol.primary_metrics
    columns = ["", "action unit", "clips"]
    for name in primary:
        label = UNIT_METRICS.get(name).label
        columns += [label, f"95 % of {label}"]
    columns.append(f"F1 of {ALWAYS}")
    rows = []
    for unit in summary.units:
        cells = [f"AU {unit.number}{'' if unit.judged else FEW}", unit.name, str(unit.positives)]
        for name in primary:
            cells += [_score(unit.metrics, name), _interval(unit.intervals, name)]
        rows.append((*cells, _score(unit.trivial, "f1")))
    notes = ["95 % over subjects; an action unit on either side of the face counts as present"]
    if len(summary.judged) < len(summary.units):
        notes.append(f"{FEW} fewer than {summary.protocol.min_positives} clips: not in the means")
    return Table("by action unit", tuple(columns), tuple(rows), "\n".join(notes))


def _by_unit_and_dataset(summary: UnitSummary) -> Table | None:
    """The first metric of each action unit on each data set."""
    if summary.dataset_means is None:
        return None
    name = summary.protocol.primary_metrics[0]
    label = UNIT_METRICS.get(name).label
    rows = [
        (f"AU {unit.number} {unit.name}", *(_score(own[unit.number], name) for own in summary.part_units.values()))
        for unit in summary.units
    ]
    rows.append((_label(name), *(_score(scores, name) for scores in summary.parts.values())))
    return Table(f"{label} by action unit and data set", ("", *summary.parts), tuple(rows), folded=True)


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
    each = [
        (part, name) for part, _ in first.all_means() for name in (first.protocol.primary_metrics if part else names)
    ]
    rows = []
    for summary in group:
        means = dict(summary.all_means())
        scores = (_spread(means[part], name) if part in means else "" for part, name in each)
        source = f"{summary.n_clips} clips of {summary.n_subjects} subjects"
        rows.append((f"{summary.title}: {summary.label}", *scores, source))
    trivial = dict(first.all_means())
    rows.append((ALWAYS, *(_score(trivial[part].trivial, name) for part, name in each), f"{first.n_clips} clips"))
    columns = ("", *(_label(name) + (f" of the {part}" if part else "") for part, name in each), "source")
    return Table(first.protocol.title, columns, tuple(rows), _scope(first), n_own=len(group))


def _compare_by_unit(group: Sequence[UnitSummary]) -> Table:
    name = group[0].protocol.primary_metrics[0]
    numbers = sorted({unit.number for summary in group for unit in summary.units})
    by_run = [{unit.number: unit for unit in summary.units} for summary in group]
    rows = []
    for number in numbers:
        known = next(units[number] for units in by_run if number in units)
        scores = (_score(units[number].metrics, name) if number in units else "" for units in by_run)
        rows.append((f"AU {number} {known.name}", str(known.positives), *scores))
    columns = ("", "clips", *(summary.name for summary in group))
    title = f"{UNIT_METRICS.get(name).label} by action unit: {group[0].protocol.title}"
    return Table(title, columns, tuple(rows))
