"""A report in the terminal, drawn with rich."""

from __future__ import annotations

import io

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from ..base import REPORT_FORMATS, Report, ReportFormat, Table

MAX_PARTS = 3
"""A report of more runs shows only the tables that compare them."""

LEFT_ALIGNED = ("source", "protocol")
"""Columns of text; all but these and the first are aligned to the right."""


def render(report: Report) -> str:
    """Render every table without colors, for a file; `print_report` prints to a terminal."""
    text = io.StringIO()
    print_report(report, Console(file=text, width=120), everything=True)
    return text.getvalue()


def print_report(report: Report, console: Console, everything: bool = False) -> None:
    """Print a report so that it ends with what matters most, which stays on the screen: the warnings and the scores.

    Args:
        report: the report; one of several runs ends with the tables that compare them.
        console: where it is printed.
        everything: print folded tables too: published numbers of single data sets and folds.
    """
    if len(report.parts) <= MAX_PARTS:
        for part in report.parts:
            _print_body(part, console, everything)
    _print_body(report, console, everything)


def _print_body(report: Report, console: Console, everything: bool) -> None:
    tables = [table for table in report.tables if not table.page_only and (everything or not table.folded)]
    console.print(f"\n[bold]{escape(report.title)}[/bold]")
    if report.subtitle:
        console.print(report.subtitle, markup=False)
    for table in reversed(tables[1:]):
        console.print(_draw(table, everything))
    for line in report.warnings:
        console.print(f"[yellow]{escape(line)}[/yellow]")
    for table in tables[:1]:
        console.print(_draw(table, everything))


def _draw(table: Table, everything: bool) -> RichTable:
    """A table with its note; of published rows only the nearest ones unless everything is asked for."""
    rows = [row for i, row in enumerate(table.rows) if everything or not table.brief or i in table.brief]
    left_out = len(table.rows) - len(rows)
    more = f"{left_out} more published rows, and those of single data sets: --published" if left_out else ""
    note = "\n".join(filter(None, (table.note, more)))
    drawn = RichTable(
        title=escape(table.title), caption=escape(note) or None, title_justify="left", caption_justify="left"
    )
    for i, column in enumerate(table.columns):
        left = i == 0 or column in LEFT_ALIGNED
        drawn.add_column(escape(column), justify="left" if left else "right", overflow="fold")
    for number, row in enumerate(rows):
        drawn.add_row(*map(escape, row), style="bold" if number < table.n_own else None)
    return drawn


REPORT_FORMATS.add("terminal", ReportFormat(".txt", "tables of text", render))
