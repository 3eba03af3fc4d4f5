"""A report as LaTeX: one `table` environment a table (package booktabs)."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.files import unique_file_name
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
    """Render the tables that compare runs first, then each run.

    The caption of a run's first table holds the warnings; the others state the caveats in a word each, and name it.
    """
    lines = [r"% needs \usepackage{booktabs}", *_body(report, "" if report.parts else f"{report.title}: ")]
    for part in report.parts:
        lines += _body(part, f"{part.title}: ")
    return "\n".join(lines) + "\n"


def _body(report: Report, prefix: str) -> list[str]:
    lines = [f"% {report.title}", *(f"% {line}" for line in report.warnings)]
    label = f"tab:{unique_file_name(report.name)}".replace("~", "-")  # a tie is no letter of a label
    tables = [table for table in report.tables if not table.page_only]
    for number, table in enumerate(tables, 1):
        title, note = _escape(f"{prefix}{table.title}."), _escape(table.note)
        if number == 1:
            said = _escape(" ".join(report.warnings))
        else:
            caveats = ", ".join(report.caveats) or "caveats"
            said = rf"({_escape(caveats)}: see Table~\ref{{{label}}})" if report.warnings else ""
        caption = " ".join(filter(None, (title, said, note)))
        lines.append(_table(table, caption, label if number == 1 else f"{label}-{number}"))
    return lines


def _table(table: Table, caption: str, label: str) -> str:
    lines = [
        r"\begin{table}",
        rf"\caption{{{caption}}}",
        rf"\label{{{label}}}",
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
