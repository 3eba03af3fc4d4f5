"""A report in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Drawn

from .summary import Summary
from .tables import Table, comparisons, tables


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
        _draw(table, out, ours=1 if table.title.startswith("beside") else 0)


def show_comparison(summaries: Sequence[Summary], out: Console) -> None:
    """Print the runs of each protocol beside each other and beside published numbers."""
    for line in dict.fromkeys(line for summary in summaries for line in summary.warnings):
        out.print(f"[yellow]{escape(line)}[/yellow]")
    for table in comparisons(summaries):
        _draw(table, out, ours=[row[0] for row in table.rows].index("majority's guess"))


def _draw(table: Table, out: Console, ours: int) -> None:
    """One table; its first rows are ours."""
    drawn = Drawn(
        title=escape(table.title), caption=escape(table.note) or None, title_justify="left", caption_justify="left"
    )
    for i, column in enumerate(table.columns):
        drawn.add_column(escape(column), justify="left" if i == 0 or column == "source" else "right")
    for number, row in enumerate(table.rows):
        drawn.add_row(*map(escape, row), style="bold" if number < ours else None)
    out.print(drawn)
