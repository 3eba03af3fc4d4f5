"""A report as LaTeX: one `table` environment a table (package booktabs)."""

from __future__ import annotations

from collections.abc import Sequence

from ..base import REPORT_FORMATS, Report, ReportFormat, Table

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "_": r"\_",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
    "×": r"$\times$",
}


def render(report: Report) -> str:
    """Render the tables that compare runs first, then each run; every caption holds the warnings."""
    lines = [r"% needs \usepackage{booktabs}", *_body(report, "" if report.parts else f"{report.title}: ")]
    for part in report.parts:
        lines += _body(part, f"{part.title}: ")
    return "\n".join(lines) + "\n"


def _body(report: Report, prefix: str) -> list[str]:
    lines = [f"% {report.title}", *(f"% {line}" for line in report.warnings)]
    warnings = " ".join(report.warnings)
    for table in report.tables:
        if not table.page_only:
            lines.append(_table(table, f"{prefix}{table.title}. {warnings} {table.note}".strip()))
    return lines


def _table(table: Table, caption: str) -> str:
    lines = [
        r"\begin{table}",
        rf"\caption{{{_escape(caption)}}}",
        r"\begin{tabular}{l" + "r" * (len(table.columns) - 1) + "}",
        r"\toprule",
        _line(table.columns),
        r"\midrule",
        *map(_line, table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return " & ".join(map(_escape, cells)) + r" \\"


def _escape(text: str) -> str:
    return "".join(_SPECIAL.get(letter, letter) for letter in text)


REPORT_FORMATS.add("latex", ReportFormat(".tex", "LaTeX tables (booktabs)", render))
