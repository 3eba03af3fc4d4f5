"""Runs whose recipes have each their own protocol in one table, and what papers print for the same recipes."""

from __future__ import annotations

from collections.abc import Sequence

from ..protocols import PROTOCOLS
from .majority import NOTE, WAR, exactly_majority, majority_of
from .published import PublishedRow, all_published
from .single_class import is_majority_baseline
from .summary import Summary
from .tables import LEAKY, LEAKY_NOTE, Table, comparisons, format_score, format_spread

UNWEIGHTED = ("macro_f1", "unweighted_average_recall")


def compare_runs(summaries: Sequence[Summary]) -> list[Table]:
    """What compares several runs: a table a protocol where each has the same recipes, otherwise one table for all."""
    protocols = {summary.protocol.name for summary in summaries}
    recipes = {name: frozenset(s.title for s in summaries if s.protocol.name == name) for name in protocols}
    if len(set(recipes.values())) == 1:
        return comparisons(summaries)
    return [table for table in (overview(summaries), facts(summaries)) if table.rows]


def warnings(summaries: Sequence[Summary]) -> tuple[list[str], list[tuple[str, str]]]:
    """The warnings that hold for every run, and the others, each after the name of its recipe."""
    common = [line for line in summaries[0].warnings if all(line in summary.warnings for summary in summaries)]
    own = [(str(s.run.metadata.recipe["name"]), line) for s in summaries for line in s.warnings if line not in common]
    return common, own


def overview(summaries: Sequence[Summary]) -> Table:
    """One row a run, with its own majority's guess; such rows are not to be compared with each other."""
    shared = [mark for mark in summaries[0].caveats if all(mark in summary.caveats for summary in summaries)]
    rows = tuple(_row(summary, shared) for summary in summaries)
    title = f"{len(rows)} runs, each under its own protocol" + (f" ({', '.join(shared)})" if shared else "")
    columns = ("", "protocol", "clips", "classes", "WAR", "majority", "UF1", "UAR", "one class only", "published WAR")
    notes = ["Protocols differ in their clips and classes: compare a row with its majority, not with another row."]
    notes.append(_collapsed(summaries))
    notes += [LEAKY_NOTE] * any(LEAKY in row[-1] for row in rows)
    return Table(title, columns, rows, "\n".join(notes))


def facts(summaries: Sequence[Summary]) -> Table:
    """What papers print for the recipes of these runs under any protocol, each beside the majority of its clips."""
    names = {str(summary.run.metadata.recipe["name"]) for summary in summaries}
    found = [row for row in all_published() if row.recipe in names and WAR in row.metrics and not row.part]
    rows = []
    for row in sorted(found, key=lambda row: row.recipe):
        most = majority_of(row.protocol)
        told = (row.protocol, str(len(PROTOCOLS[row.protocol].classes))) if row.protocol in PROTOCOLS else ("", "")
        scores = (format_score(row.metrics[WAR]), format_score(most.accuracy) if most else "")
        rows.append((row.method + LEAKY * row.leaky, *told, *scores, _source(row)))
    columns = ("", "protocol", "classes", "WAR", "majority", "source")
    notes = [NOTE, *exactly_majority(found)] + [LEAKY_NOTE] * any(row.leaky for row in found)
    return Table("what the papers print for these recipes", columns, tuple(rows), "\n".join(notes))


def _row(summary: Summary, shared: Sequence[str]) -> tuple[str, ...]:
    own = [mark for mark in summary.caveats if mark not in shared]
    name = str(summary.run.metadata.recipe["name"]) + (f" ({', '.join(own)})" if own else "")
    scores = (
        format_spread(summary, WAR),
        format_score(summary.baseline[WAR]),
        *(format_spread(summary, m) for m in UNWEIGHTED),
    )
    printed = ", ".join(f"{format_score(row.metrics[WAR])}{LEAKY * row.leaky}" for row in _printed(summary))
    rules = summary.protocol
    return (
        name,
        rules.name,
        str(summary.n_clips),
        str(len(rules.classes)),
        *scores,
        _guesses(summary),
        printed or "none",
    )


def _printed(summary: Summary) -> list[PublishedRow]:
    """What is published of this very recipe under this protocol."""
    name = summary.run.metadata.recipe["name"]
    return [row for row in summary.published if row.recipe == name and WAR in row.metrics and not row.part]


def _guesses(summary: Summary) -> str:
    if is_majority_baseline(summary.run):
        return "by design"
    return "yes" if summary.single_class else "no"


def _collapsed(summaries: Sequence[Summary]) -> str:
    """Which of the methods have collapsed, and to what."""
    named = [f"{s.run.metadata.recipe['name']} ({s.single_class})" for s in summaries if s.single_class]
    return f"Collapsed to one class: {'; '.join(named) or 'none'}."


def _source(row: PublishedRow) -> str:
    return row.source + (f"; {row.note}" if row.note else "")
