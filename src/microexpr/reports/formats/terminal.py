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
    """Render without colors, for a file; `print_report` prints to a terminal."""
    text = io.StringIO()
    print_report(report, Console(file=text, width=120))
    return text.getvalue()


def print_report(report: Report, console: Console) -> None:
    """Print a report; one of several runs ends with the tables that compare them."""
    if len(report.parts) <= MAX_PARTS:
        for part in report.parts:
            _print_body(part, console)
    _print_body(report, console)


def _print_body(report: Report, console: Console) -> None:
    console.print(f"\n[bold]{escape(report.title)}[/bold]")
    if report.subtitle:
        console.print(report.subtitle, markup=False)
    for line in report.warnings:
        console.print(f"[yellow]{escape(line)}[/yellow]")
    for table in report.tables:
        if not table.page_only:
            console.print(_draw(table))


def _draw(table: Table) -> RichTable:
    drawn = RichTable(
        title=escape(table.title), caption=escape(table.note) or None, title_justify="left", caption_justify="left"
    )
    for i, column in enumerate(table.columns):
        left = i == 0 or column in LEFT_ALIGNED
        drawn.add_column(escape(column), justify="left" if left else "right", overflow="fold")
    for number, row in enumerate(table.rows):
        drawn.add_row(*map(escape, row), style="bold" if number < table.n_own else None)
    return drawn


REPORT_FORMATS.add("terminal", ReportFormat(".txt", "tables of text", render))
