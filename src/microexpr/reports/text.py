"""A report as JSON lines, Markdown or LaTeX."""

from __future__ import annotations

import json
from collections.abc import Sequence

from .overview import compare_runs, warnings
from .summary import Summary
from .tables import Table, tables


def as_json(summaries: Sequence[Summary]) -> str:
    """One JSON object a line."""
    return "\n".join(json.dumps(summary.as_dict(), ensure_ascii=False) for summary in summaries)


def as_markdown(summaries: Sequence[Summary]) -> str:
    """Headings and pipe tables."""
    parts = []
    for table in compare_runs(summaries) if len(summaries) > 1 else ():
        parts += section(table)
    for summary in summaries:
        parts += [f"## {summary.title}", f"{summary.protocol.title}. {_revealed(summary)}"]
        parts += [f"> {line}" for line in summary.warnings]
        for table in tables(summary):
            parts += section(table)
    return "\n\n".join(parts) + "\n"


def as_latex(summaries: Sequence[Summary]) -> str:
    """One `table` environment a table (package booktabs)."""
    parts = ["% needs \\usepackage{booktabs}"]
    for table in compare_runs(summaries) if len(summaries) > 1 else ():
        parts.append(booktabs(table, f"{table.title}. {' '.join(warnings(summaries)[0])} {table.note}"))
    for summary in summaries:
        parts.append("% " + summary.title)
        parts += [f"% {line}" for line in summary.warnings]
        warned = " ".join(summary.warnings)
        parts += [
            booktabs(table, f"{summary.title}: {table.title}. {warned} {table.note}") for table in tables(summary)
        ]
    return "\n".join(parts) + "\n"


def _revealed(summary: Summary) -> str:
    return f"Revealed of a test clip: {', '.join(summary.protocol.reveal) or 'nothing'}."


def section(table: Table) -> list[str]:
    """A table as Markdown: heading, pipes, note."""
    notes = "  \n".join(f"*{line}*" for line in table.note.splitlines())
    return [f"### {table.title}", _pipes(table)] + [notes] * bool(notes)


def _pipes(table: Table) -> str:
    lines = [table.columns, tuple("---" for _ in table.columns), *table.rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def booktabs(table: Table, caption: str) -> str:
    """A table as LaTeX."""

    def line(cells: Sequence[str]) -> str:
        return " & ".join(map(_latex, cells)) + r" \\"

    body = [line(table.columns), r"\midrule", *map(line, table.rows)]
    layout = "l" + "r" * (len(table.columns) - 1)
    return "\n".join(
        [
            r"\begin{table}",
            r"\caption{" + _latex(caption.strip()) + "}",
            r"\begin{tabular}{" + layout + "}",
            r"\toprule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


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


def _latex(text: str) -> str:
    return "".join(_SPECIAL.get(letter, letter) for letter in text)
