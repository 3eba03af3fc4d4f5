"""The reference page of the methods that each paper names, written from the suites and the published scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from docstrings import join, table

PAPERS = {"methods-of-peng2018": "Peng et al. 2018", "methods-of-devanaboyina2021": "Devanaboyina 2021"}
"""Suite -> the paper whose methods it runs."""


def methods_page() -> str:
    """Return the page: for each paper a row for each method, with its recipe and what was published of it."""
    parts = [
        "# Methods of the papers",
        "Every method that a paper names or compares with, as a recipe. `microexpr run SUITE` runs all of a paper and "
        "prints one table; `microexpr recipes NAME` prints a recipe, whose comments say what the method's own paper "
        "states, what it leaves open and what was chosen.",
    ]
    for suite, paper in PAPERS.items():
        parts += [f"## {paper}", f"```sh\nmicroexpr run {suite}\n```", _methods(suite)]
    return join(parts)


def _methods(suite: str) -> str:
    """Return the table of a suite: each recipe once, under whatever protocols the suite runs it."""
    from microexpr.recipes import load_recipe, load_recipes

    protocols = list(dict.fromkeys(p for member in load_recipes(suite) for p in member.protocols))
    names = dict.fromkeys(_without(member.name, protocols) for member in load_recipes(suite))
    rows = [(f"`{name}`", _title(load_recipe(name)), _revealed(load_recipe(name)), _published(name)) for name in names]
    return table(("recipe", "method", "revealed of a test clip", "published"), rows)


def _without(name: str, protocols: Iterable[str]) -> str:
    """Return the name of a recipe without the protocol that a suite gave it."""
    for protocol in protocols:
        name = name.removesuffix(f"-{protocol}")
    return name


def _title(recipe: Any) -> str:
    return str(recipe.title)


def _revealed(recipe: Any) -> str:
    """Return the times of a clip that the steps of a recipe read."""
    from microexpr.preprocessing import Chain

    return ", ".join(Chain.build(recipe.stages[-1].chain).reads) or "nothing"


def _published(name: str) -> str:
    """Return every published score of a recipe that can be traced, with its protocol and source."""
    from microexpr.metrics import METRICS
    from microexpr.reports.published import all_published
    from microexpr.reports.tables import format_score

    found = []
    for row in all_published():
        if row.recipe == name and not row.part:
            pairs = [(METRICS.get(key).label, format_score(value)) for key, value in row.metrics.items()]
            scores = ", ".join(f"{label} {score}" for label, score in pairs)
            note = f"; {row.note}" if row.note else ""
            found.append(f"{scores} ({row.protocol}; {row.source}{note}){' †' if row.leaky else ''}")
    return "<br>".join(found) or "no score that can be traced"
