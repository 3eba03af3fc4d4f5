"""Writes the tables of README.md from the registry: `python docs/tables.py`."""

from __future__ import annotations

from pathlib import Path

from microexpr import recipe
from microexpr.datasets import DATASETS
from microexpr.features import FEATURES
from microexpr.recognizers import RECOGNIZERS

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- tables: python docs/tables.py -->", "<!-- end of tables -->"


def tables() -> str:
    """The tables as Markdown."""
    lines = ["| data set | what | clips | people | frames/s |", "|---|---|--:|--:|--:|"]
    for name, cls in DATASETS:
        f = cls.facts
        lines.append(f"| `{name}` | {f.title} | {f.clips or ''} | {f.people or ''} | {f'{f.fps:g}' if f.fps else ''} |")
    lines += ["", "| recipe | what | protocol |", "|---|---|---|"]
    for name in recipe.shipped():
        members = recipe.load_all(name)
        rules = ", ".join(dict.fromkeys(member.protocol.name for member in members))
        lines.append(
            f"| `{name}` | {members[0].title if len(members) == 1 else f'{len(members)} in one go'} | {rules} |"
        )
    lines += ["", "Descriptors: " + ", ".join(f"`{name}`" for name in FEATURES.names()) + "."]
    lines += ["", "Recognizers: " + ", ".join(f"`{name}`" for name in RECOGNIZERS.names()) + "."]
    return "\n".join(lines)


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    README.write_text(f"{before}{BEGIN}\n{tables()}\n{after}", encoding="utf-8")
