"""A report in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Drawn

from .summary import Summary
from .tables import tables


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
        drawn = Drawn(
            title=escape(table.title), caption=escape(table.note) or None, title_justify="left", caption_justify="left"
        )
        for i, column in enumerate(table.columns):
            drawn.add_column(escape(column), justify="left" if i == 0 or column == "source" else "right")
        for number, row in enumerate(table.rows):
            ours = table.title.startswith("beside") and number == 0
            drawn.add_row(*map(escape, row), style="bold" if ours else None)
        out.print(drawn)
