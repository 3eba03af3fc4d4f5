"""Writes the tables of README.md and docs/recipes.md from the registry: `python docs/tables.py`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from microexpr import recipes
from microexpr.datasets import DATASETS
from microexpr.features import FEATURES
from microexpr.networks import NETWORKS
from microexpr.recognizers import RECOGNIZERS
from microexpr.spotting import SPOTTERS

DOCS = Path(__file__).parent
README, RECIPES = DOCS.parent / "README.md", DOCS / "recipes.md"
BEGIN, END = "<!-- tables: python docs/tables.py -->", "<!-- end of tables -->"


def overview() -> str:
    """Data sets, and the names of everything else, as Markdown."""
    lines = ["| data set | what | clips | people | frames/s |", "|---|---|--:|--:|--:|"]
    for name, cls in DATASETS:
        f = cls.info
        lines.append(
            f"| `{name}` | {f.title} | {f.clips or ''} | {f.subjects or ''} | {f'{f.fps:g}' if f.fps else ''} |"
        )
    families: dict[str, list[str]] = {}
    for name in recipes.shipped_recipes():
        families.setdefault(name.partition("-")[0], []).append(name)
    lines += ["", "Recipes ([what they are](docs/recipes.md)):", ""]
    lines += [f"* {_listed(names)}" for names in families.values()]
    lines += ["", f"Descriptors: {_listed(FEATURES.names())}.", "", f"Recognizers: {_listed(RECOGNIZERS.names())}."]
    lines += ["", f"Networks: {_listed(NETWORKS.names())}.", "", f"Spotters: {_listed(SPOTTERS.names())}."]
    return "\n".join(lines)


def recipe_table() -> str:
    """Every shipped recipe as Markdown."""
    lines = ["| recipe | what | protocol |", "|---|---|---|"]
    for name in recipes.shipped_recipes():
        members = recipes.load_recipes(name)
        rules = ", ".join(dict.fromkeys(one for member in members for one in member.protocols))
        what = members[0].title if len(members) == 1 else f"{len(members)} in one go"
        lines.append(f"| `{name}` | {what} | {rules} |")
    return "\n".join(lines)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    for path, made in ((README, overview()), (RECIPES, recipe_table())):
        text = path.read_text(encoding="utf-8")
        before, after = text[: text.index(BEGIN)], text[text.index(END) :]
        path.write_text(f"{before}{BEGIN}\n{made}\n{after}", encoding="utf-8")
