"""A report in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Drawn

from ..experiments.spotting import SpottingRun
from .overview import compare_runs, warnings
from .summary import Summary
from .tables import Table, tables


def show(summary: Summary, out: Console) -> None:
    """Print it."""
    out.print(f"\n[bold]{escape(summary.title)}[/bold]")
    out.print(
        f"{summary.protocol.title}; revealed of a test clip: {', '.join(summary.protocol.reveal) or 'nothing'}",
        markup=False,
    )
    for line in summary.warnings:
        out.print(f"[yellow]{escape(line)}[/yellow]")
    for table in tables(summary):
        _draw(table, out)


def show_comparison(summaries: Sequence[Summary], out: Console) -> None:
    """Print the runs of each protocol beside each other and beside published numbers."""
    common, own = warnings(summaries)
    for line in (*common, *(f"{name}: {line}" for name, line in own)):
        out.print(f"[yellow]{escape(line)}[/yellow]")
    for table in compare_runs(summaries):
        _draw(table, out)


def show_spotting(runs: Sequence[SpottingRun], out: Console) -> None:
    """Print runs of spotting, a table a data set."""
    from .spotting import spotting_tables, spotting_warnings

    for line in spotting_warnings(runs):
        out.print(f"[yellow]{escape(line)}[/yellow]")
    for table in spotting_tables(runs):
        _draw(table, out)


def _draw(table: Table, out: Console) -> None:
    drawn = Drawn(
        title=escape(table.title), caption=escape(table.note) or None, title_justify="left", caption_justify="left"
    )
    for i, column in enumerate(table.columns):
        drawn.add_column(
            escape(column), justify="left" if i == 0 or column in ("source", "protocol") else "right", overflow="fold"
        )
    for number, row in enumerate(table.rows):
        drawn.add_row(*map(escape, row), style="bold" if number < table.ours else None)
    out.print(drawn)
