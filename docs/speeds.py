"""The page of speeds: every figure is read from the file that `benchmarks/speed.py --json` wrote."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Goal:
    """What a row was to reach, beside another of the same part.

    Attributes:
        title: what is measured.
        part: how the name of the part begins.
        row: name of the row.
        against: name of the row that it is compared with; "" where its time itself is the goal.
        wanted: the goal: times the work per second of the other row, or at most so many times its cost or seconds.
        work: for goals that are ratios of seconds, how many times the work of the other row this one does; 0 for
            ratios of speed.
        missed: why it is out of reach, where it is.
    """

    title: str
    part: str
    row: str
    against: str
    wanted: float
    work: int = 0
    missed: str = ""

    def reached(self, rows: list[dict[str, Any]], column: str) -> float | None:
        """Return what was reached, of one column of the rows; None where it was not measured."""
        found = {r["name"]: r for r in rows if r["part"].startswith(self.part)}
        row, other = found.get(self.row), found.get(self.against or self.row)
        if row is None or other is None or not row[column] or not other[column]:
            return None
        if not self.against:
            folds = re.search(r"(\d+) folds", row["part"])
            return int(folds[1]) / row[column] if folds else None
        ratio = float(row[column] / other[column])
        return self.work / ratio if self.work else ratio

    def cells(self, rows: list[dict[str, Any]]) -> tuple[str, ...] | None:
        """Return its line of the table; None where it was not measured."""
        wall, own = (self.reached(rows, column) for column in ("value", "per_processor_second"))
        if wall is None:
            return None
        unit, less = (" times" if self.against else " s"), self.work or not self.against
        met = wall < self.wanted if less else wall >= self.wanted
        wanted = f"{'less than' if less else 'at least'} {self.wanted:g}{unit}"
        figures = [figure(value) + unit if value else "" for value in (wall, own)]
        return (self.title, wanted, *figures, "yes" if met else f"no: {self.missed}" if self.missed else "no")


GOALS = (
    Goal("STSTNet, all folds at once, beside a plain PyTorch loop", "STSTNet, 8", "batched", "plain PyTorch loop", 4),
    Goal("STSTNet, all folds at once, beside `processes`", "STSTNet, 8", "batched", "processes", 4),
    Goal(
        "STSTNet, five seeds at once, beside one",
        "STSTNet, seeds",
        "five seeds",
        "one seed",
        3,
        5,
        "the weights of the seeds have nothing in common, so that only reading, preparing and scoring are shared; the "
        "rest is arithmetic near the limit of the core (`python benchmarks/fold_epoch.py`)",
    ),
    Goal(
        "ResNet10 at 64 pixels, all folds at once, beside `processes`",
        "ResNet10",
        "batched",
        "processes",
        1.5,
        missed="the time is arithmetic that every fold does for itself; what is saved is the start of the processes",
    ),
    Goal(
        "Support vector machine, 68 folds of 442 clips, features ready",
        "442 clips of 768 values, SVM, 68",
        "batched",
        "",
        1,
        missed="a fold takes 26 ms of a core for four fits; a third of that is libsvm itself, and what "
        "scikit-learn does around it in Python runs on one core at a time",
    ),
)


def speed_page() -> str:
    """Return the page."""
    sections = ["# Speed", INTRODUCTION]
    if not FIGURES.is_file():
        return join([*sections, "Nothing was measured yet."])
    tables = json.loads(FIGURES.read_text(encoding="utf-8"))
    goals = goal_table(list(tables.get("full", {}).get("rows", {}).values()))
    sections += ["## Goals", goals] if goals else []
    for length, title in LENGTHS.items():
        if length in tables:
            sections += [f"## {title}", describe(tables[length]["machine"]), *part_tables(tables[length]["rows"])]
    return join(sections)


def goal_table(rows: list[dict[str, Any]]) -> str:
    """Return the table of the goals, each with what was reached; "" where none was measured."""
    lines = [cells for goal in GOALS if (cells := goal.cells(rows))]
    head = ("", "goal", "reached", "in processor time", "met")
    return table(head, lines) if lines else ""


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
