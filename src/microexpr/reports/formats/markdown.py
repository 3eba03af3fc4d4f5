"""A report as Markdown: headings, warnings as quotes, pipe tables."""

from __future__ import annotations

from collections.abc import Sequence

from ..base import REPORT_FORMATS, Report, ReportFormat, Table


def render(report: Report) -> str:
    """Render the tables that compare runs first, then each run."""
    blocks = [f"# {report.title}"] if report.parts else [f"## {report.title}"]
    blocks += _body(report)
    for part in report.parts:
        blocks += [f"## {part.title}", *_body(part)]
    return "\n\n".join(blocks) + "\n"


def _body(report: Report) -> list[str]:
    blocks = [report.subtitle] if report.subtitle else []
    blocks += [f"> {line}" for line in report.warnings]
    for table in report.tables:
        if table.page_only:
            continue
        blocks += [f"### {table.title}", _pipes(table)]
        if table.note:
            blocks.append("  \n".join(f"*{line}*" for line in table.note.splitlines()))
    return blocks


def _pipes(table: Table) -> str:
    return "\n".join(map(_line, [table.columns, ["---"] * len(table.columns), *table.rows]))


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


REPORT_FORMATS.add("markdown", ReportFormat(".md", "Markdown tables", render))
