"""Pages of the reference on data sets, protocols, recipes and metrics: facts, counts and keys."""

from __future__ import annotations

import inspect
from typing import Any

from docstrings import description, join, settings, summary, table


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
        "synthesize NAME ROOT` writes a synthetic copy in the same folders and tables.",
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
        "A protocol states which clips take part, what their classes are, how they are split, and what a method may "
        "know of a test clip. Data that differ from the published counts are refused unless a subset is allowed; the "
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
        "A recipe is a TOML file. `microexpr recipes NAME` prints one that ships with the package, and a path that "
        "ends in `.toml` runs your own: see [how to write one](../how-to/recipes.md).",
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


def metrics_page() -> str:
    """Return the page of metrics."""
    from microexpr.metrics import ordered_metrics, ordered_unit_metrics

    parts = [
        "# Metrics",
        "A metric of recognition takes `(y_true, y_pred, classes)`; every report computes all of them from the "
        'predictions of a run. A prediction `""` stands for a clip without a prediction and counts as wrong.',
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
        "gives it for each of them, and as the mean over those with enough clips: see [recognize action "
        "units](../how-to/action-units.md#scores).",
    ]
    for unit_metric in ordered_unit_metrics():
        parts += [f"## `{unit_metric.name}`", f"**{unit_metric.label}** of an action unit."]
        parts.append(description(unit_metric.function))
    parts += ["## Spotting", "How spotting is scored: see [evaluate spotting](../how-to/spotting-evaluation.md)."]
    return join(parts)
