"""The table of descriptors of the reference: paper, number of values, invariances, what it needs to know, and time.

Nothing in it is typed: papers stand in the modules' docstrings, times in the file that `benchmarks/features.py` writes.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from docstrings import table

TIMES = Path(__file__).parent / "benchmarks" / "features.json"
"""What `python benchmarks/features.py --json` wrote."""


def paper(cls: type) -> str:
    """Return the paper that the second paragraph of a class's module begins with, to its year; "" if none is named."""
    paragraphs = (inspect.getdoc(inspect.getmodule(cls)) or "").split("\n\n")
    found = re.match(r".{3,}?\b(19|20)\d\d\b", " ".join(paragraphs[1].split())) if len(paragraphs) > 1 else None
    return found.group() if found else ""


def revealed() -> dict[str, list[str]]:
    """Return descriptor -> what the chains of shipped recipes with it read of a test clip: `onset, apex`, each once."""
    from microexpr.preprocessing import Chain
    from microexpr.recipes import load_recipes, shipped_recipes

    found: dict[str, list[str]] = {}
    for recipe in (member for name in shipped_recipes() for member in load_recipes(name)):
        for stage in getattr(recipe, "stages", ()):
            times = ", ".join(Chain.build(stage.chain).reads) or "nothing"
            for name in (step["feature"]["name"] for step in stage.chain if "name" in (step.get("feature") or {})):
                if times not in found.setdefault(name, []):
                    found[name].append(times)
    return found


def descriptor_table(registry: Iterable[tuple[str, Any]]) -> str:
    """Return the table, and a sentence about its columns."""
    times = json.loads(TIMES.read_text(encoding="utf-8")) if TIMES.is_file() else {"milliseconds": {}}
    reveal = revealed()
    rows = [
        (
            f"[`{name}`](#{name})",
            paper(cls),
            cls().length,
            ", ".join(cls.invariant_to),
            "; or ".join(reveal.get(name, ())),
            times["milliseconds"].get(name, ""),
        )
        for name, cls in registry
    ]
    head = ("descriptor", "paper", "values", "invariant to", "of a test clip", "ms a clip")
    return "\n\n".join([table(head, rows), explanation(times)])


def explanation(times: dict[str, Any]) -> str:
    """Return what the columns of the table mean, and on which machine the times were measured."""
    text = (
        "Values, invariances and times are those of the default settings; a contract check tests the invariances. `of "
        "a test clip` are the annotated times that the shipped recipes with the descriptor read, as far as their "
        "protocols reveal them."
    )
    if "machine" not in times:
        return text
    facts = times["machine"]
    clip = f"{times['frames']} frames of {times['size']}x{times['size']} pixels"
    where = f"{facts['processor']} ({facts['cores']} cores, load {facts['load_at_start']} of other work)"
    return (
        f"{text} Times are processor time of one thread for {clip}, or as many flows, or one flow, as the descriptor "
        f"reads: the median of {times['rounds']} rounds of `python benchmarks/features.py` on {where}, NumPy "
        f"{facts['numpy']}, OpenCV {facts['opencv']}."
    )
