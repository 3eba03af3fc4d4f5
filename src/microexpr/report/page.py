"""A report as one self-contained HTML page: no script, no font, no request to anywhere."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup
from matplotlib.figure import Figure

from .. import __version__
from .summary import SHORT, Summary
from .tables import comparisons, share, tables


def as_html(summaries: Sequence[Summary]) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("microexpr.report", "."), autoescape=select_autoescape(["j2"]), trim_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        sections=[_section(summary) for summary in summaries],
        overview=comparisons(summaries) if len(summaries) > 1 else [],
        version=__version__,
        warnings=[line for line in summaries[0].warnings if all(line in summary.warnings for summary in summaries)],
    )


def _section(summary: Summary) -> dict[str, Any]:
    header = summary.run.header
    return {
        "title": summary.title,
        "label": summary.label,
        "protocol": summary.protocol.title,
        "revealed": ", ".join(summary.protocol.reveal) or "nothing",
        "warnings": summary.warnings,
        "headline": [_headline(summary, name) for name in summary.protocol.headline],
        "tables": [table for table in tables(summary) if table.title != "confusion matrix"],
        "classes": summary.protocol.classes,
        "confusion": _confusion(summary),
        "people": _people(summary),
        "curves": _curves(summary),
        "pictures": _pictures(summary.run.folder),
        "made_up": summary.run.made_up,
        "settings": {
            "recipe": header.recipe["name"],
            "key": header.key,
            "seeds": ", ".join(str(run.header.seed) for run in summary.runs),
            "data": ", ".join(f"{name} {about['fingerprint']}" for name, about in header.data.items()),
            "protocol": summary.protocol.name,
            "source of the protocol": summary.protocol.source,
            "microexpr": header.version,
        },
    }


def _headline(summary: Summary, name: str) -> dict[str, str]:
    low, high = summary.intervals[name]
    return {
        "name": SHORT[name],
        "score": share(summary.metrics[name]),
        "interval": f"{share(low)} to {share(high)}",
        "majority": share(summary.majority[name]),
    }


def _confusion(summary: Summary) -> list[dict[str, Any]]:
    """Rows of cells with their count and their share of the row."""
    rows = []
    for word, counts in zip(summary.protocol.classes, summary.confusion.tolist(), strict=True):
        n = summary.per_class[word].n
        cells = [{"count": c, "share": c / n if n else 0.0} for c in counts]
        rows.append({"word": word, "cells": cells, "silent": n - sum(counts), "n": n})
    return rows


def _people(summary: Summary) -> list[dict[str, Any]]:
    return [{"person": p, "right": r, "n": n, "share": r / n} for p, (r, n) in summary.people.items()]


def _curves(summary: Summary) -> Markup | None:
    """Training loss and accuracy of every fold, thin, and their mean, as SVG; dashed those of people kept apart."""
    curves = summary.run.curves()
    if not curves:
        return None
    figure = Figure(figsize=(9, 2.8), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for fold in curves.values():
            axes.plot([row["epoch"] for row in fold], [row[name] for row in fold], color="#9db4c8", linewidth=0.5)
        shortest = min(map(len, curves.values()))
        for column, line, label in ((name, "-", "training"), (f"val_{name}", "--", "inner validation")):
            if any(column not in fold[0] for fold in curves.values()):
                continue
            mean = np.mean([[row[column] for row in fold[:shortest]] for fold in curves.values()], axis=0)
            axes.plot(range(1, shortest + 1), mean, line, color="#12506f", linewidth=1.8, label=label)
        if len(axes.get_lines()) > len(curves) + 1:
            axes.legend(frameon=False)
        axes.set(xlabel="epoch", title=name if f"val_{name}" in next(iter(curves.values()))[0] else f"training {name}")
        axes.spines[["top", "right"]].set_visible(False)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return Markup(svg[svg.index("<svg") :])


def _pictures(folder: Path) -> list[dict[str, str]]:
    """The kept pictures, one entry a clip: class, clip, and the pictures as data."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((folder / "pictures").glob("*--*")):
        word, clip, kind = path.stem.split("--")
        kind_of_file = "jpeg" if path.suffix == ".jpg" else "png"
        data = base64.b64encode(path.read_bytes()).decode()
        found.setdefault(path.stem.rpartition("--")[0], {"word": word, "clip": clip})[kind] = (
            f"data:image/{kind_of_file};base64,{data}"
        )
    return list(found.values())
