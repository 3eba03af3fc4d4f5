"""A table of runs with different protocols, and the published scores of the same recipes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.errors import MicroexprError
from ..metrics import METRICS
from ..protocols import PROTOCOLS
from ._run_group import RunGroup
from .base import Table
from .comparison import Comparison, compare_groups, comparison_table
from .leaderboard import SMALLEST, leaderboard_table, rank
from .majority import NOTE, WAR, exactly_majority, majority_of
from .published import PublishedRow, all_published
from .single_class import is_majority_baseline
from .summary import Summary
from .tables import (
    BASELINE,
    LEAKY,
    LEAKY_NOTE,
    by_protocol,
    compare_by_protocol,
    format_score,
    format_source,
    format_spread,
)

UNWEIGHTED = ("macro_f1", "unweighted_average_recall")


def comparison_tables(summaries: Sequence[Summary]) -> list[Table]:
    """Tables that compare runs: one for each protocol if all have the same recipes, otherwise one for all runs.

    Published scores of the recipes under other protocols follow.
    """
    protocols = {summary.protocol.name for summary in summaries}
    recipes = {name: frozenset(s.title for s in summaries if s.protocol.name == name) for name in protocols}
    if len(set(recipes.values())) == 1:
        elsewhere = published_of_recipes(summaries, besides=protocols)
        return [*compare_by_protocol(summaries), *([elsewhere] if elsewhere.rows else [])]
    return [table for table in (overview(summaries), published_of_recipes(summaries)) if table.rows]


def compare_by_clip(
    summaries: Sequence[RunGroup], lifts: Mapping[Path, Mapping[str, Any] | None]
) -> tuple[list[Table], list[Table], list[Comparison]]:
    """Comparisons of the recipes of each protocol: two are compared by every metric, more are ranked.

    Runs that cannot be compared clip by clip are named beneath the table.

    Args:
        summaries: the runs of each recipe.
        lifts: folder of a recipe's first run -> what `lift_by_choosing` gives.

    Returns:
        A ranking for each protocol of many recipes, a table of differences for each of two, and all comparisons.
    """
    rankings, tables, every = [], [], list[Comparison]()
    for group in by_protocol(summaries):
        if len(group) >= SMALLEST:
            ranks = rank(group, [lifts[summary.run.folder] for summary in group])
            rankings.append(leaderboard_table(ranks))
            every += [place.to_best for place in ranks if place.to_best is not None]
        elif len(group) == 2:
            first, second = group
            found, reasons = [], []
            try:
                found.append(compare_groups(first, second))
            except MicroexprError as error:
                reasons.append(f"{second.title}: {error}")
            tables.append(comparison_table(found, first.title, [second.title][: len(found)], reasons))
            every += found
    return rankings, tables, every


def overview(summaries: Sequence[Summary]) -> Table:
    """A row for each run, with the majority baseline of its clips; rows must not be compared with each other."""
    shared = [caveat for caveat in summaries[0].caveats if all(caveat in summary.caveats for summary in summaries)]
    rows = tuple(_row(summary, shared) for summary in summaries)
    title = f"{len(rows)} runs, each under its own protocol" + (f" ({', '.join(shared)})" if shared else "")
    labels = [METRICS.get(name).label for name in UNWEIGHTED]
    columns = ("", "protocol", "clips", "classes", "WAR", BASELINE, *labels, "one class only", "published WAR")
    notes = ["Protocols differ in their clips and classes: compare a row with its baseline, not with another row."]
    notes.append(_single_class_note(summaries))
    if any(LEAKY in row[-1] for row in rows):
        notes.append(LEAKY_NOTE)
    return Table(title, columns, rows, "\n".join(notes))


def published_of_recipes(summaries: Sequence[Summary], besides: Collection[str] = ()) -> Table:
    """Published scores of the recipes of these runs, with the majority baseline of their clips.

    Args:
        summaries: of the runs.
        besides: protocols whose published scores stand in another table.
    """
    names = {summary.own_recipe for summary in summaries}
    published = [
        row
        for row in all_published()
        if row.recipe in names and WAR in row.metrics and not row.part and row.protocol not in besides
    ]
    rows = []
    for row in sorted(published, key=lambda row: row.recipe):
        majority = majority_of(row.protocol)
        rows.append(
            (
                row.method + (LEAKY if row.leaky else ""),
                row.protocol if row.protocol in PROTOCOLS else "",
                str(len(PROTOCOLS.get(row.protocol).classes)) if row.protocol in PROTOCOLS else "",
                format_score(row.metrics[WAR]),
                format_score(majority.accuracy) if majority else "",
                format_source(row),
            )
        )
    columns = ("", "protocol", "classes", "WAR", "majority", "source")
    notes = [NOTE, *exactly_majority(published)]
    if any(row.leaky for row in published):
        notes.append(LEAKY_NOTE)
    return Table("published scores of these recipes", columns, tuple(rows), "\n".join(notes))


def _row(summary: Summary, shared: Sequence[str]) -> tuple[str, ...]:
    own = [caveat for caveat in summary.caveats if caveat not in shared]
    protocol = summary.protocol
    published = [f"{format_score(row.metrics[WAR])}{LEAKY if row.leaky else ''}" for row in _published(summary)]
    return (
        summary.method + (f" ({', '.join(own)})" if own else ""),
        protocol.name,
        str(summary.n_clips),
        str(len(protocol.classes)),
        format_spread(summary, WAR),
        format_score(summary.baseline[WAR]),
        *(format_spread(summary, name) for name in UNWEIGHTED),
        _predicts_one_class(summary),
        ", ".join(published) or "none",
    )


def _published(summary: Summary) -> list[PublishedRow]:
    """Published scores of the recipe under this protocol."""
    recipe = summary.own_recipe
    return [row for row in summary.published if row.recipe == recipe and WAR in row.metrics and not row.part]


def _predicts_one_class(summary: Summary) -> str:
    if is_majority_baseline(summary.run):
        return "by design"
    if len(summary.runs) > 1:
        return f"{summary.collapsed} of {len(summary.runs)} seeds"
    return "yes" if summary.collapsed else "no"


def _single_class_note(summaries: Sequence[Summary]) -> str:
    """Which of the methods predict one class only, and which class."""
    names: dict[str, list[str]] = {}
    for summary in summaries:
        if summary.single_class:
            names.setdefault(summary.single_class, []).append(summary.name)
    collapsed = [f"{', '.join(same)} ({message})" for message, same in names.items()]
    return f"Collapsed to one class: {'; '.join(collapsed) or 'none'}."
