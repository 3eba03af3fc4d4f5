"""Published scores of action units beside those of runs, by data set and by action unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..metrics import UNIT_METRICS
from ._unit_summary import DATASETS_PART, UnitSummary
from .base import Table
from .published import PublishedRow, published
from .tables import format_score, format_source

ALWAYS = "always present"
"""Name of the trivial baseline: every action unit is predicted for every clip."""

N_BEST = 3
"""Published methods with the highest scores that a terminal shows."""


def beside_published(group: Sequence[UnitSummary]) -> list[Table]:
    """Runs of one protocol, the trivial baseline and the published methods: by data set, and by action unit.

    Empty where nothing is published of the protocol. A published part is a data set, an action unit (`AU 12`), the mean
    of the data sets (`DATASETS_PART`) or, without a name, the mean over the action units.
    """
    protocol = group[0].protocol
    methods: dict[tuple[str, str], dict[str, PublishedRow]] = {}
    for row in published(protocol.name):
        methods.setdefault((row.method, row.source), {})[row.part] = row
    if not methods:
        return []
    name = protocol.primary_metrics[0]
    datasets = {"": f"mean {UNIT_METRICS.get(name).label}", DATASETS_PART: f"mean of the {DATASETS_PART}"}
    datasets |= {dataset: dataset for dataset in protocol.datasets}
    units = {f"AU {unit}": f"AU {unit}" for unit in protocol.classes}
    every = list(methods.values())
    return [_table(group, name, "data set", datasets, every), _table(group, name, "action unit", units, every)]


def _table(
    group: Sequence[UnitSummary],
    name: str,
    what: str,
    parts: Mapping[str, str],
    methods: Sequence[Mapping[str, PublishedRow]],
) -> Table:
    """One metric: a row for each run, the baseline and each method that has scores of these parts."""
    labels = [s.label if len(group) == 1 else f"{s.title}: {s.label}" for s in group]
    rows = [(label, *_own(summary, name, parts)) for label, summary in zip(labels, group, strict=True)]
    rows.append((ALWAYS, *_trivial(group[0], name, parts)))
    before = len(rows)
    shown = [by_part for by_part in methods if set(parts) & set(by_part)]
    for by_part in shown:
        first = next(iter(by_part.values()))
        scores = (_cell(by_part[part].metrics.get(name)) if part in by_part else "" for part in parts)
        rows.append((first.method, *scores))
    sources = dict.fromkeys(format_source(row) for by_part in shown for row in by_part.values())
    return Table(
        f"{UNIT_METRICS.get(name).label} by {what}, beside published numbers",
        ("", *parts.values()),
        tuple(rows),
        "\n".join([f"{ALWAYS}: on the clips of the run", *sources]),
        n_own=len(group),
        brief=_brief(shown, before, name, [summary.recipe for summary in group]),
        folded=what == "action unit",
    )


def _own(summary: UnitSummary, name: str, parts: Iterable[str]) -> list[str]:
    """The run's scores of parts; "" for those that it lacks."""
    scores = {part: means.metrics.get(name) for part, means in summary.all_means()}
    scores |= {part: values.get(name) for part, values in summary.parts.items()}
    scores |= {f"AU {unit.number}": unit.metrics.get(name) for unit in summary.units}
    return [_cell(scores.get(part)) for part in parts]


def _trivial(summary: UnitSummary, name: str, parts: Iterable[str]) -> list[str]:
    """The scores of the trivial baseline on the run's clips."""
    scores = {part: means.trivial.get(name) for part, means in summary.all_means()}
    scores |= {part: values.get(name) for part, values in summary.part_trivial.items()}
    scores |= {f"AU {unit.number}": unit.trivial.get(name) for unit in summary.units}
    return [_cell(scores.get(part)) for part in parts]


def _cell(score: float | None) -> str:
    return "" if score is None else format_score(score)


def _brief(
    methods: Sequence[Mapping[str, PublishedRow]], before: int, name: str, recipes: Sequence[str]
) -> tuple[int, ...]:
    """Positions of the rows for a terminal: runs and baseline, the same recipes, and the best published methods."""
    scores = [by_part[""].metrics.get(name, 0.0) if "" in by_part else 0.0 for by_part in methods]
    best = sorted(range(len(methods)), key=lambda i: -scores[i])[:N_BEST]
    same = [i for i, by_part in enumerate(methods) if any(row.recipe in recipes for row in by_part.values())]
    return (*range(before), *(before + i for i in sorted({*best, *same})))
