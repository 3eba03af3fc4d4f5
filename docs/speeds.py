"""The page of speeds: every figure is read from the file that `benchmarks/speed.py --json` wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docstrings import join, table

FIGURES = Path(__file__).parent / "benchmarks" / "speed.json"
"""What `python benchmarks/speed.py --json` wrote: `full`, and `short` for `make bench`."""

INTRODUCTION = (
    "Each row is measured in one run with the first row of its table, in turn, and compared with it: ratios depend on "
    "the machine less than figures do. Work a second is what a user waits for; work a processor second counts what all "
    "processes used, and depends little on other work of the machine (that of Ray's workers is not known). All data "
    "are synthetic, epochs are few, the start of processes is counted, and nothing is scored. "
    "`python benchmarks/speed.py loso` measures one part, `make bench` a short version of all parts, and shows what is "
    "slower by more than a third than in the last table."
)

LENGTHS = {"full": "All people", "short": "Fewer people (`make bench`)"}
"""Length of the measurement -> heading."""

MEANINGS = {
    "plain PyTorch loop": "written as public scripts are: a model, an optimizer and a data loader for each fold",
    "fixed work": "products of matrices and optical flow, the same in every version",
}
"""Rows that are not microexpr's."""


def speed_page() -> str:
    """Return the page."""
    sections = ["# Speed", INTRODUCTION]
    if not FIGURES.is_file():
        return join([*sections, "Nothing was measured yet."])
    tables = json.loads(FIGURES.read_text(encoding="utf-8"))
    for length, title in LENGTHS.items():
        if length in tables:
            sections += [f"## {title}", describe(tables[length]["machine"]), *part_tables(tables[length]["rows"])]
    return join(sections)


def part_tables(rows: dict[str, dict[str, Any]]) -> list[str]:
    """Return a heading and a table for each part."""
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in rows.values():
        parts.setdefault(row["part"], []).append(row)
    found = []
    for part, own in parts.items():
        first = own[0]
        cells = [(named(r["name"]), figure(r["value"]), f"{r['ratio']:.2f}", *processor_cells(r)) for r in own]
        head = ("", first["unit"], f"of {first['against']}", "a processor second", f"of {first['against']}")
        columns = len(head) if any(row["processor_ratio"] for row in own) else 3
        found += [
            f"### {part[0].upper()}{part[1:]}",
            table(head[:columns], [cell[:columns] for cell in cells]),
        ]
    return found


def figure(value: float) -> str:
    """Return a figure with three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def processor_cells(row: dict[str, Any]) -> tuple[str, str]:
    """Return the cells of processor time; empty where it was not measured."""
    return (
        (figure(row["per_processor_second"]), f"{row['processor_ratio']:.2f}") if row["processor_ratio"] else ("", "")
    )


def named(name: str) -> str:
    """Return the name of a row, with what it means where it is not microexpr's."""
    return f"{name} ({MEANINGS[name]})" if name in MEANINGS else name


def describe(machine: dict[str, Any]) -> str:
    """Return a sentence about the machine."""
    versions = ", ".join(f"{name} {machine[name]}" for name in ("python", "torch", "numpy", "opencv"))
    return (
        f"The machine: {machine['processor']}, {machine['cores']} cores, load {machine['load_at_start']} of other work "
        f"when it began; {versions}; the best of {machine['rounds']} rounds, one thread a process."
    )
