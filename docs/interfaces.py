"""Pages of the reference on what users call: the analysis, formats, the command line and the Python API."""

from __future__ import annotations

import inspect
from typing import Any

import griffe

from docstrings import join, note_missing_docstrings, settings, summary, table


def analysis_page() -> str:
    """Return the page of settings of the analysis, of a live analysis and of the server."""
    from microexpr.analysis import AnalysisOptions
    from microexpr.analysis.live.session import LiveOptions
    from microexpr.faces.tracking import Tracking
    from microexpr.web.settings import ServerOptions

    return join(
        [
            "# Settings of the analysis",
            "`microexpr analyze`, `live` and `serve` take each of these as `--set KEY=VALUE`, e.g. `--set "
            "threshold=0.6` or `--set tracking.max_faces=1`; in Python `analyze_video(..., threshold=0.6)`.",
            "## Analysis",
            settings(AnalysisOptions),
            "## Tracking of faces",
            "Keys with `tracking.` before them.",
            settings(Tracking),
            "## Live analysis",
            settings(LiveOptions),
            "## Server",
            "Options of `microexpr serve`.",
            settings(ServerOptions, {"analyze"}),
        ]
    )


def formats_page() -> str:
    """Return the page of formats of events and of reports, with the records of events.json."""
    from microexpr.core.events import EVENT_FORMATS, Analysis, Event, Face, Recording
    from microexpr.reports import REPORT_FORMATS

    parts = [
        "# Formats",
        "## Events",
        "What `microexpr analyze` writes for each recording, and `Analysis.save` in Python.",
        table(
            ("format", "file", "what it is", "can be read"),
            [(f"`{name}`", f"`{f.file_name}`", f.title, "yes" if f.read else "no") for name, f in EVENT_FORMATS],
        ),
        "## Reports",
        "`microexpr report RUN` prints one of these forms; `make_report(run).render(NAME)` returns it in Python.",
        table(("form", "file", "what it is"), [(f"`{name}`", f.suffix, f.title) for name, f in REPORT_FORMATS]),
        "## Records of events.json",
        "The file holds one `Analysis`, with `format` (`microexpr events`) and `schema` (1) before it. [JSON "
        "Schema](../events.schema.json).",
    ]
    for cls in (Analysis, Recording, Face, Event):
        parts += [f"### `{cls.__name__}`", summary(cls), settings(cls, first_column="field")]
    return join(parts)


def command_line_page() -> str:
    """Return the page of the command line, from the program's own help texts."""
    import click
    import typer
    from typer.cli import get_docs_for_click

    from microexpr.cli.app import app

    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=click.Context(command, info_name="microexpr"), name="microexpr")
    return full_summaries(text, command).replace("# `microexpr`", "# Command line", 1)


def full_summaries(text: str, group: Any) -> str:
    """Return help texts in which the lists of commands have whole sentences instead of their first words."""
    for name, command in group.commands.items():
        short, whole = command.get_short_help_str(), command.get_short_help_str(300)
        text = text.replace(f"* `{name}`: {short}", f"* `{name}`: {whole}", 1)
        if hasattr(command, "commands"):
            text = full_summaries(text, command)
    return text


PLUGIN_CLASSES = {
    "Data sets": (
        "microexpr.datasets.Dataset",
        "microexpr.datasets.DatasetInfo",
        "microexpr.datasets.DatasetIssue",
    ),
    "Preprocessing": ("microexpr.preprocessing.Step", "microexpr.core.clip.Sample", "microexpr.features.Feature"),
    "Recognizers and networks": (
        "microexpr.recognizers.Recognizer",
        "microexpr.recognizers.SklearnRecognizer",
        "microexpr.recognizers.transforms.Transform",
        "microexpr.recognizers.transforms.Training",
        "microexpr.networks.Architecture",
    ),
    "Spotting": ("microexpr.spotting.Spotter", "microexpr.core.track.FaceTrack", "microexpr.core.clip.Interval"),
    "Evaluation": (
        "microexpr.protocols.Protocol",
        "microexpr.metrics.Metric",
        "microexpr.core.executors.Executor",
        "microexpr.experiments.base.Task",
    ),
    "Formats": (
        "microexpr.core.events.EventFormat",
        "microexpr.reports.ReportFormat",
        "microexpr.reports.Report",
    ),
    "Registries": ("microexpr.core.registry.Registry", "microexpr.core.registry.RecordRegistry"),
}
"""Classes that the author of a plug-in needs, besides what `microexpr` itself exports."""


def api_page() -> str:
    """Return the page of the API: what `import microexpr` offers, then the classes that plug-ins build on."""
    import microexpr

    package = griffe.load("microexpr", resolve_aliases=True)
    groups: dict[str, list[str]] = {"Functions": [], "Contract checks": [], "Classes": [], "Registries": []}
    for name in microexpr.__all__:
        if name.startswith("__"):
            continue
        note_missing_docstrings(package[name])
        thing = getattr(microexpr, name)
        if name.isupper():
            groups["Registries"].append(name)
        elif inspect.isclass(thing):
            groups["Classes"].append(name)
        else:
            groups["Contract checks" if name.startswith("check_") else "Functions"].append(name)
    intro = {
        "Functions": "",
        "Contract checks": "Each tries a class of yours and raises an `AssertionError` that says what it does wrong.",
        "Classes": "",
        "Registries": "Name to class, or name to record: `.names()`, `.get(name)` and, for classes, "
        "`.build(settings)`.",
    }
    parts = [
        "# Python API",
        "```python\nimport microexpr as mx\n```",
        "The package is light to import: an object is loaded when it is first used. All errors that a user can do "
        "something about are `mx.MicroexprError`.",
    ]
    for title, names in groups.items():
        parts += [f"## {title}", intro[title]]
        parts += [directive(f"microexpr.{name}") for name in names]
    return join(parts)


def plug_ins_page() -> str:
    """Return the page of the classes that plug-ins build on, as far as they are not on the page of the API."""
    import microexpr

    package = griffe.load("microexpr", resolve_aliases=True)
    exported = {package[name].canonical_path for name in microexpr.__all__ if not name.startswith("__")}
    parts = [
        "# Classes for plug-ins",
        "Base classes and records that one more of anything builds on, beside those of the [Python API](api.md). A "
        "plug-in is one file that `--plugin` names, or an installed package: see [my own "
        "method](../tutorials/own-method.md).",
    ]
    for title, paths in PLUGIN_CLASSES.items():
        own = [path for path in paths if package[path.removeprefix("microexpr.")].canonical_path not in exported]
        for path in own:
            note_missing_docstrings(package[path.removeprefix("microexpr.")])
        if own:
            parts += [f"## {title}", *(directive(path) for path in own)]
    return join(parts)


def directive(path: str, level: int = 3) -> str:
    """Return the lines with which mkdocstrings writes an object."""
    return f"::: {path}\n    options:\n      heading_level: {level}"
