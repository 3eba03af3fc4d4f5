"""Options that several commands have, and what their texts mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ..core import errors

Plugins = Annotated[list[Path], typer.Option("--plugin", help="A Python file that registers data sets or methods.")]
Roots = Annotated[
    list[str], typer.Option("--root", metavar="NAME=FOLDER", help="Where a data set is, e.g. casme2=/data/c2.")
]
Model = Annotated[
    str, typer.Option("--model", metavar="FILE", help="A trained recognizer; `none` leaves every event unknown.")
]
Threshold = Annotated[
    float, typer.Option("--threshold", min=0, max=1, help="Below this share of the best class an event is `unknown`.")
]
AnalysisSettings = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="Of the analysis, e.g. spotter.name=mdmd, tracking.max_faces=1."),
]


def load_plugins(plugins: Sequence[Path]) -> None:
    """Import them, so that what they register can be named."""
    from ..core.registry import load_plugin

    for path in plugins:
        load_plugin(path)


def parse_assignments(texts: Sequence[str], option: str) -> list[tuple[str, str]]:
    """`NAME=VALUE` taken apart.

    Raises:
        UsageError: one has no `=`, or nothing on a side of it.
    """
    found = [text.partition("=") for text in texts]
    if wrong := [text for text, (key, sign, _) in zip(texts, found, strict=True) if not (key and sign)]:
        raise errors.UsageError(f"{option} {wrong[0]}: write {option} NAME=VALUE")
    return [(key, value) for key, _, value in found]


def roots_of(texts: Sequence[str]) -> dict[str, Path]:
    """Of `--root`."""
    return {name: Path(folder) for name, folder in parse_assignments(texts, "--root")}


def settings_of(texts: Sequence[str]) -> dict[str, Any]:
    """Of `--set`: values as in TOML."""
    from ..recipes import toml_value

    return {key: toml_value(value) for key, value in parse_assignments(texts, "--set")}
