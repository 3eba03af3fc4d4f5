"""Options of several commands, and functions that parse their values."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..core.errors import UsageError


class DataSource(StrEnum):
    """Values of `--data`."""

    disk = "disk"
    synthetic = "synthetic"


class Seen(StrEnum):
    """Values of `--seen`: what is done with people whom a model was trained on."""

    refuse = "refuse"
    skip = "skip"
    mark = "mark"


def complete_recipe(incomplete: str) -> list[str]:
    """Names of shipped recipes for the shell's completion."""
    from ..recipes import shipped_recipes

    return _completions(shipped_recipes(), incomplete)


def complete_dataset(incomplete: str) -> list[str]:
    """Names of data sets for the shell's completion."""
    from ..datasets import DATASETS

    return _completions(DATASETS.names(), incomplete)


def complete_executor(incomplete: str) -> list[str]:
    """Names of executors for the shell's completion."""
    from ..core.executors import EXECUTORS

    return _completions(EXECUTORS.names(), incomplete)


def _completions(names: Sequence[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def complete_format(incomplete: str) -> list[str]:
    """Names of event formats for the shell's completion."""
    from ..analysis.formats import EVENT_FORMATS

    return _completions(["all", "list", *EVENT_FORMATS.names()], incomplete)


def _list_formats(names: list[str]) -> list[str]:
    """Print the event formats and end the program where `list` is asked for."""
    if "list" in names:
        from ..analysis.formats import EVENT_FORMATS

        for name, form in EVENT_FORMATS:
            read = "written and read" if form.read is not None else "written"
            usual = ", by default" if form.default else ""
            typer.echo(f"{name:10} {form.file_name:22} {form.title}, {read}{usual}")
        raise typer.Exit
    return names


Formats = Annotated[
    list[str],
    typer.Option(
        "--format",
        metavar="NAME",
        is_eager=True,
        callback=_list_formats,
        autocompletion=complete_format,
        help="A file of events to write, several times if wanted; `all` for every format, `list` shows their names. "
        "csv, elan and json if left out; events.json is always written.",
    ),
]


Sensitivity = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        help="More events (towards 1) or fewer (towards 0) than the spotter reports by itself: moves its threshold.",
    ),
]
DetectionLimit = Annotated[
    bool,
    typer.Option(
        help="Measure how small a movement would have been found in the recording; it takes up to a tenth of the time."
    ),
]
Plugins = Annotated[
    list[Path],
    typer.Option("--plugin", metavar="FILE.py", help="A Python file that registers data sets, methods or formats."),
]
Roots = Annotated[
    list[str],
    typer.Option("--root", metavar="NAME=FOLDER", help="The folder of a data set, e.g. casme2=/data/casme2."),
]
Recipe = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE", help="Name of a shipped recipe, or path of a .toml file.", autocompletion=complete_recipe
    ),
]
DatasetName = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of a data set.", autocompletion=complete_dataset)
]
RecipeSettings = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of the recipe, e.g. recognizer.C=3."),
]
Data = Annotated[
    DataSource,
    typer.Option(help="`disk` reads your data sets; `synthetic` writes synthetic copies of them and reads those."),
]
Quick = Annotated[
    bool,
    typer.Option("--quick", help="Fewer subjects, smaller images and fewer epochs; every report says so."),
]
Labels = Annotated[
    Path | None, typer.Option(help="A csv file (clip, label) with labels that a release does not contain.")
]
AllowSubset = Annotated[
    bool,
    typer.Option("--allow-subset", help="Run although clips are missing; every report lists them."),
]
ExecutorName = Annotated[
    str,
    typer.Option(
        help="Where folds run: local, processes, batched, ray or one of a plug-in.", autocompletion=complete_executor
    ),
]
Address = Annotated[str | None, typer.Option(help="Address of a Ray cluster; Ray starts on this machine if left out.")]
Gpus = Annotated[
    float,
    typer.Option(min=0, help="GPUs of each job, with --executor ray; 0.25 lets four jobs share one."),
]
Model = Annotated[
    str,
    typer.Option("--model", metavar="FILE", help="A trained recognizer; `none` leaves every event unclassified."),
]
Threshold = Annotated[
    float,
    typer.Option("--threshold", min=0, max=1, help="An event whose best class is less probable is called `unknown`."),
]
AnalysisSettings = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a setting of the analysis, e.g. spotter.name=mdmd or tracking.max_faces=1.",
    ),
]


def load_plugins(plugins: Sequence[Path]) -> None:
    """Import the files of `--plugin`, so that what they register can be named."""
    from ..core.registry import load_plugin

    for path in plugins:
        load_plugin(path)


def chosen_formats(names: Sequence[str]) -> list[str] | None:
    """The formats of `--format`; None for the usual ones."""
    from ..analysis.formats import EVENT_FORMATS

    return EVENT_FORMATS.names() if "all" in names else list(names) or None


def parse_assignments(texts: Sequence[str], option: str) -> list[tuple[str, str]]:
    """Split each `NAME=VALUE` at its first `=`.

    Raises:
        UsageError: A text has no `=`, or nothing on one side of it.
    """
    pairs = []
    for text in texts:
        key, sign, value = text.partition("=")
        if not (key and sign):
            raise UsageError(f"{option} {text}: write {option} NAME=VALUE")
        pairs.append((key, value))
    return pairs


def parse_roots(texts: Sequence[str], only: str = "") -> dict[str, Path]:
    """The folders of `--root NAME=FOLDER` by name of data set.

    Args:
        texts: Values of the option.
        only: The one data set that the command reads; "" for any.

    Raises:
        UsageError: A text has no `=`, or nothing on one side of it; or a folder that would be ignored: of a data set
            that is given twice, or that the command does not read.
        UnknownNameError: There is no such data set; without this check, a misspelled name would be ignored.
    """
    from ..datasets import DATASETS

    roots: dict[str, Path] = {}
    for name, folder in parse_assignments(texts, "--root"):
        DATASETS.get(name)
        if name in roots:
            raise UsageError(f"--root {name}: given twice ('{roots[name]}' and '{folder}'); give one folder")
        if only not in ("", name):
            raise UsageError(f"--root {name}={folder}: this command reads '{only}' only; write --root {only}=FOLDER")
        roots[name] = Path(folder)
    return roots


def parse_settings(texts: Sequence[str]) -> dict[str, Any]:
    """The values of `--set KEY=VALUE`, read as TOML values."""
    from ..recipes import toml_value

    return {key: toml_value(value) for key, value in parse_assignments(texts, "--set")}
