"""The reference pages of the site, written from the code: every registry, every setting, the command line.

`write_reference.py` calls this while the site is built. A public object without a docstring or a setting without a
meaning ends the build with a list of everything that is missing.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable
from typing import Any

import griffe

from descriptors import descriptor_table
from docstrings import description, further, join, missing, note_missing_docstrings, settings, summary, table
from leaderboards import leaderboards_page
from methods import methods_page
from speeds import speed_page

SET_BY_THE_PROGRAM = {"classes", "seed", "fold", "folder"}
"""Fields of a recognizer that a fold sets, not a recipe."""


# ---------------------------------------------------------------------------------------------------------------------
# Pages of registries of classes


def class_sections(
    registry: Iterable[tuple[str, type]], hidden: Iterable[str] = (), *, level: str = "##"
) -> Iterable[str]:
    """Yield a section for each class of a registry: its name, what it is and its settings."""
    for name, cls in registry:
        yield f"{level} `{name}`"
        yield description(cls)
        if dataclasses.is_dataclass(cls):
            yield settings(cls, hidden)
        yield f"Class `{cls.__module__}.{cls.__qualname__}`"


def overview(registry: Iterable[tuple[str, type]], head: str) -> str:
    """Return a table of the names of a registry, each with a link to its section."""
    return table((head, "what it is"), [(f"[`{name}`](#{name})", summary(cls)) for name, cls in registry])


def steps_page() -> str:
    """Return the page of preprocessing steps."""
    from microexpr.preprocessing import STEPS
    from microexpr.preprocessing.apex_finding import APEX_FINDERS

    return join(
        [
            "# Preprocessing steps",
            "A chain is a list of steps, in the order in which a recipe names them. Each step takes a sample (a "
            "clip with the "
            "arrays computed so far) and returns a sample. The settings of all steps of a chain are the key of "
            "its results in "
            "the cache.",
            '```toml\nchain = [{name = "load-image"}, {name = "resize", size = 28}]\n```',
            overview(STEPS, "step"),
            *class_sections(STEPS),
            "## Finding the apex",
            "What the setting `without_apex` of several steps chooses for clips whose apex the protocol hides or "
            "the data set does not have. [Measured errors](../how-to/apex-finding.md).",
            table(("`without_apex`", "the apex is"), [(f"`{name}`", summary(f)) for name, f in APEX_FINDERS]),
            *(f"**`{name}`.** {text}" for name, f in APEX_FINDERS if (text := further(f))),
        ]
    )


def features_page() -> str:
    """Return the page of descriptors."""
    from microexpr.features import FEATURES

    return join(
        [
            "# Descriptors",
            "Features that are computed from an array by fixed rules, without training. The step "
            "[`descriptor`](steps.md#descriptor) applies them.",
            overview(FEATURES, "descriptor"),
            "## All descriptors compared",
            descriptor_table(FEATURES),
            *class_sections(FEATURES),
        ]
    )


def networks_page() -> str:
    """Return the page of networks, and of all that the recognizer `network` trains them with."""
    from microexpr.networks import NETWORKS
    from microexpr.networks.training import Optimizer, Sampler, Schedule
    from microexpr.recognizers.augmentation import AUGMENTATIONS, Crop
    from microexpr.recognizers.freezing import Freezing
    from microexpr.recognizers.pretraining.settings import Pretraining

    parts = [
        "# Networks and their training",
        "The recognizer [`network`](recognizers.md#network) trains one of these networks. Each of its tables is "
        "described on "
        "this page.",
        '```toml\nrecognizer = {name = "network", network = {name = "ststnet"}, optimizer = {lr = 1e-3}}\n```',
        overview(NETWORKS, "network"),
        *class_sections(NETWORKS),
    ]
    tables = {"optimizer": Optimizer, "schedule": Schedule, "sampler": Sampler, "crop": Crop, "freeze": Freezing}
    for name, cls in tables.items():
        parts += [f"## Table `{name}`", description(cls), settings(cls)]
    parts += [
        "## Augmentations",
        "The list `augment` holds one table for each random change of a training image. Random numbers are drawn "
        "once for "
        "each clip, so all frames of a clip change alike.",
        '```toml\naugment = [{name = "horizontal-flip"}, {name = "rotate", p = 0.5}]\n```',
        overview(AUGMENTATIONS, "augmentation"),
        *class_sections(AUGMENTATIONS, level="###"),
    ]
    parts += [
        "## Pretraining",
        "Settings of `microexpr pretrain`, which trains a network on labeled images.",
        settings(Pretraining),
    ]
    return join(parts)


def recognizers_page() -> str:
    """Return the page of recognizers."""
    from microexpr.recognizers import RECOGNIZERS
    from microexpr.recognizers.transforms import TRANSFORMS
    from microexpr.synthetic.motion.expressions import Expressions
    from microexpr.synthetic.motion.faults import Faults
    from microexpr.synthetic.motion.generator import MotionGenerator, People

    drawing = {"": MotionGenerator, "expressions": Expressions, "people": People, "faults": Faults}
    return join(
        [
            "# Recognizers",
            "A recognizer is fitted on the training clips of a fold and predicts the class probabilities of its "
            "test clips. The tables of the recognizer `network` are described with the [networks](networks.md).",
            overview(RECOGNIZERS, "recognizer"),
            *class_sections(RECOGNIZERS, SET_BY_THE_PROGRAM),
            "## Transforms",
            "The list `transforms` of the recognizer [`pipeline`](#pipeline) holds a table for each. A transform "
            "learns from the training clips of a fold, and makes another array of that of each clip.",
            '```toml\nrecognizer = {name = "pipeline", transforms = [{name = "genetic-selection"}], '
            'recognizer = {name = "svm", array = "features"}}\n```',
            overview(TRANSFORMS, "transform"),
            *class_sections(TRANSFORMS, level="###"),
            "## What `synthetic-motion` draws",
            "The table `motion` of the recognizer, and the tables in it.",
            *(
                part
                for name, cls in drawing.items()
                for part in (f"### `motion.{name}`".replace(".`", "`"), description(cls), settings(cls))
            ),
        ]
    )


def spotters_page() -> str:
    """Return the page of spotters."""
    from microexpr.spotting import SPOTTERS

    return join(
        [
            "# Spotters",
            "A spotter finds the intervals in which a tracked face moves. `microexpr analyze --set "
            "spotter.name=mdmd` chooses "
            "one, and `--set spotter.p=0.05` sets one of its settings.",
            overview(SPOTTERS, "spotter"),
            *class_sections(SPOTTERS),
        ]
    )


def executors_page() -> str:
    """Return the page of executors and of the options of a run."""
    from microexpr.core.executors import EXECUTORS
    from microexpr.experiments.options import RunOptions

    return join(
        [
            "# Executors and options of a run",
            "An executor decides where the folds of a run are computed. All of them write equal files.",
            overview(EXECUTORS, "executor"),
            *class_sections(EXECUTORS),
            "## Options of a run",
            description(RunOptions),
            settings(RunOptions, first_column="option"),
        ]
    )


# ---------------------------------------------------------------------------------------------------------------------
# Pages with a form of their own


def datasets_page() -> str:
    """Return the page of data sets: facts, how to get each, and its published counts."""
    from microexpr.datasets import DATASETS

    rows = [
        (
            f"[`{name}`](#{name})",
            cls.info.title,
            cls.info.clips or "",
            cls.info.subjects or "",
            f"{cls.info.fps or 0:g}",
        )
        for name, cls in DATASETS
    ]
    parts = [
        "# Data sets",
        "What is known of each release. `microexpr check NAME` compares a folder with these facts; `microexpr "
        "synthesize NAME "
        "ROOT` writes a synthetic copy in the same folders and tables.",
        table(
            ("name", "release", "clips", "subjects", "frames/s"),
            [[("" if cell == "0" else cell) for cell in row] for row in rows],
        ),
    ]
    for name, cls in DATASETS:
        info = cls.info
        facts = [f"**Paper:** {info.citation}", f"**Access:** {info.access}"]
        if info.source:
            facts.append(f"**Source of the counts:** {info.source}")
        parts += [
            f"## `{name}`",
            release_title(cls),
            release_description(cls),
            "\n".join(f"* {fact}" for fact in facts),
        ]
        for label, counts in info.counts.items():
            parts.append(table((f"`{label}`", "clips"), [(value or "(none)", n) for value, n in counts.items()]))
    return join(parts)


def release_title(cls: Any) -> str:
    """Return the title of a release and what its module says, without saying the title twice."""
    text = inspect.getdoc(inspect.getmodule(cls)) or ""
    return text if text.startswith(cls.info.title.split(",")[0]) else f"{cls.info.title}. {text}"


def release_description(cls: type) -> str:
    """Return the docstring of a data set, and what it shares with other parts of its release."""
    from microexpr.datasets import Dataset

    shared = [c for c in cls.__mro__[1:] if issubclass(c, Dataset) and c is not Dataset and "name" not in vars(c)]
    return "\n\n".join(map(description, [cls, *shared]))


def protocols_page() -> str:
    """Return the page of protocols: what each reveals, its split, its classes and published counts."""
    from microexpr.protocols import PROTOCOLS, Protocol

    parts = [
        "# Protocols",
        "A protocol states which clips take part, what their classes are, how they are split, and what a method "
        "may know of a "
        "test clip. Data that differ from the published counts are refused unless a subset is allowed; the "
        "report then says so.",
        table(
            ("protocol", "what it is", "data sets", "classes", "split", "a method may know"),
            [
                (
                    f"[`{name}`](#{name})",
                    p.title,
                    ", ".join(p.datasets),
                    len(p.classes),
                    p.split,
                    ", ".join(p.reveal) or "nothing",
                )
                for name, p in PROTOCOLS
            ],
        ),
    ]
    for name, p in PROTOCOLS:
        parts += [f"## `{name}`", f"{p.title}."]
        parts.append(
            f"Label `{p.label}`; split `{p.split}`; a method may know {', '.join(p.reveal) or 'nothing'} of a "
            f"test clip; "
            f"scores are {'computed from all folds together' if p.average == 'pooled' else 'averaged over the folds'}."
        )
        parts.append(counts_of(p))
        if p.exclude:
            parts.append(f"{len(p.exclude)} clips take no part: " + ", ".join(f"`{clip}`" for clip in p.exclude) + ".")
        if p.source:
            parts.append(f"Source: {p.source}.")
    parts += [
        "## A protocol of your own",
        "A recipe may hold a table with these keys instead of a name; a plug-in may add a `Protocol` to `PROTOCOLS`.",
        settings(Protocol, first_column="key"),
    ]
    return join(parts)


def counts_of(protocol: Any) -> str:
    """Return the published number of clips of each class and data set; the classes where no paper gives numbers."""
    if not protocol.counts:
        lines = ["Classes: " + ", ".join(protocol.classes) + "."]
        if protocol.clip_totals:
            lines.append("Clips: " + ", ".join(f"`{name}` {n}" for name, n in protocol.clip_totals.items()) + ".")
        return " ".join(lines)
    names = list(protocol.counts)
    rows: list[tuple[Any, ...]] = [
        (label, *(protocol.counts[name].get(label, 0) for name in names)) for label in protocol.classes
    ]
    rows.append(("**all classes**", *(sum(protocol.counts[name].values()) for name in names)))
    if protocol.subjects:
        rows.append(("subjects", *(protocol.subjects.get(name, "") for name in names)))
    return table(("class", *(f"`{name}`" for name in names)), rows)


def recipes_page() -> str:
    """Return the page of shipped recipes, and the keys that a recipe may have."""
    from microexpr.recipes import load_recipes, shipped_recipes
    from microexpr.recipes.base import Extension, Quick
    from microexpr.recipes.loading import Suite
    from microexpr.recipes.recognition import Stage
    from microexpr.recipes.spotting import SpottingRecipe

    rows = []
    for name in shipped_recipes():
        members = load_recipes(name)
        protocols = ", ".join(dict.fromkeys(p for member in members for p in member.protocols))
        what = members[0].title if len(members) == 1 else f"Suite of {len(members)} recipes, compared"
        rows.append((f"`{name}`", what, protocols))
    base = {"name", "title", "quick"}
    parts = [
        "# Recipes",
        "A recipe is a TOML file. `microexpr recipes NAME` prints one that ships with the package, and a path "
        "that ends in "
        "`.toml` runs your own: see [how to write one](../how-to/recipes.md).",
        table(("recipe", "what it is", "protocol"), rows),
        "## Keys of `[[stages]]`",
        "A recipe of recognition has one table for each stage.",
        settings(Stage, first_column="key"),
        "## Keys of `[action_units]`",
        "A recipe of action units has one table, with the keys of a stage; its protocol is multilabel.",
        settings(Stage, {"name"}, first_column="key"),
        "## Keys of `[spotting]`",
        "A recipe of spotting has one table.",
        settings(SpottingRecipe, base, first_column="key"),
        "## Keys of `[quick]`",
        "What `--quick` changes; every recipe may have it.",
        settings(Quick, first_column="key"),
        "## Keys of a recipe that extends another",
        settings(Extension, first_column="key"),
        "## Keys of `[suite]`",
        settings(Suite, {"name"}, first_column="key"),
    ]
    return join(parts)


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
            "threshold=0.6` or "
            "`--set tracking.max_faces=1`; in Python `analyze_video(..., threshold=0.6)`.",
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


def metrics_page() -> str:
    """Return the page of metrics."""
    from microexpr.metrics import ordered_metrics, ordered_unit_metrics

    parts = [
        "# Metrics",
        "A metric of recognition takes `(y_true, y_pred, classes)`; every report computes all of them from the "
        "predictions of a "
        'run. A prediction `""` stands for a clip without a prediction and counts as wrong.',
        table(
            ("metric", "label", "what it is", "better"),
            [
                (f"[`{m.name}`](#{m.name})", m.label, summary(m.function), "higher" if m.higher_is_better else "lower")
                for m in ordered_metrics()
            ],
        ),
    ]
    for m in ordered_metrics():
        parts += [
            f"## `{m.name}`",
            f"**{m.label}**, " + ("averaged over folds." if m.average == "folds" else "pooled."),
        ]
        parts.append(description(m.function))
    parts += [
        "## Action units",
        "A metric of action units takes `(present, probabilities, weights, threshold)` of one action unit; a report "
        "gives it for each of them, and as the mean over those with enough clips: see "
        "[recognize action units](../how-to/action-units.md#scores).",
    ]
    for unit_metric in ordered_unit_metrics():
        parts += [f"## `{unit_metric.name}`", f"**{unit_metric.label}** of an action unit."]
        parts.append(description(unit_metric.function))
    parts += ["## Spotting", "How spotting is scored: see [evaluate spotting](../how-to/spotting-evaluation.md)."]
    return join(parts)


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
        "The file holds one `Analysis`, with `format` (`microexpr events`) and `schema` (1) before it. "
        "[JSON Schema](../events.schema.json).",
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


# ---------------------------------------------------------------------------------------------------------------------
# The Python API

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
        "The package is light to import: an object is loaded when it is first used. All errors that a user can "
        "do something "
        "about are `mx.MicroexprError`.",
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


def leak_checks_page() -> str:
    """Return the page of the checks that an audit tries."""
    from microexpr.experiments.leak_checks import LEAK_CHECKS

    rows = [(f"[`{name}`](#{name})", check.question, check.catches) for name, check in LEAK_CHECKS]
    return join(
        [
            "# Checks for leaks",
            "`microexpr audit` tries each of them on one fold of a recipe, with few clips and epochs: see "
            "[audit a recipe for leaks](../how-to/audit.md).",
            table(("check", "asked", "leaks that show in it"), rows),
            *class_sections(LEAK_CHECKS),
        ]
    )


def directive(path: str, level: int = 3) -> str:
    """Return the lines with which mkdocstrings writes an object."""
    return f"::: {path}\n    options:\n      heading_level: {level}"


PAGES = {
    "api": ("Python API", api_page),
    "plug-ins": ("Classes for plug-ins", plug_ins_page),
    "command-line": ("Command line", command_line_page),
    "datasets": ("Data sets", datasets_page),
    "protocols": ("Protocols", protocols_page),
    "recipes": ("Recipes", recipes_page),
    "methods": ("Methods of the papers", methods_page),
    "leaderboards": ("Leaderboards", leaderboards_page),
    "steps": ("Preprocessing steps", steps_page),
    "features": ("Descriptors", features_page),
    "networks": ("Networks and their training", networks_page),
    "recognizers": ("Recognizers", recognizers_page),
    "spotters": ("Spotters", spotters_page),
    "analysis": ("Settings of the analysis", analysis_page),
    "metrics": ("Metrics", metrics_page),
    "leak-checks": ("Checks for leaks", leak_checks_page),
    "formats": ("Formats", formats_page),
    "executors": ("Executors and options of a run", executors_page),
    "speed": ("Speed", speed_page),
}
"""File name without `.md` -> title, function that writes the page."""


def index_page() -> str:
    """Return the first page of the reference."""
    lines = [f"* [{title}]({name}.md)" for name, (title, _) in PAGES.items()]
    text = (
        "Everything here is written from the code when the site is built: names, settings, defaults, limits and counts."
    )
    return join(["# Reference", text, "\n".join(lines)])


def all_pages() -> dict[str, str]:
    """Return every page: file name -> Markdown.

    Raises:
        SystemExit: an object has no docstring or a setting no meaning; the message lists all of them.
    """
    missing.clear()
    pages = {"index": index_page(), **{name: write() for name, (_, write) in PAGES.items()}}
    if missing:
        raise SystemExit("The reference cannot be written:\n" + "\n".join(f"  {line}" for line in missing))
    return pages
