"""A report as one self-contained HTML page: no script, no font, no request to anywhere."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape

from .. import __version__
from ..experiments.examples import load_examples
from ..metrics import METRICS
from .figures import figure_specs
from .overview import compare_runs, warnings
from .plots import encode
from .summary import Summary
from .tables import TAUGHT, Table, format_score, network_table, tables


def as_html(summaries: Sequence[Summary]) -> str:
    """The page."""
    overview = compare_runs(summaries) if len(summaries) > 1 else []
    return page([_section(summary) for summary in summaries], overview, warnings(summaries)[0])


def page(sections: Sequence[dict[str, Any]], overview: Sequence[Table], told: Sequence[str]) -> str:
    """The page of some sections, with tables that compare them and warnings that hold for all of them."""
    environment = Environment(
        loader=PackageLoader("microexpr.reports", "."), autoescape=select_autoescape(["j2"]), trim_blocks=True
    )
    template = environment.get_template("page.html.j2")
    return template.render(sections=sections, overview=overview, version=__version__, warnings=told)


def _section(summary: Summary) -> dict[str, Any]:
    header = summary.run.metadata
    return {
        "title": summary.title,
        "label": summary.label,
        "protocol": summary.protocol.title,
        "revealed": ", ".join(summary.protocol.reveal) or "nothing",
        "warnings": summary.warnings,
        "headline": [_headline(summary, name) for name in summary.protocol.primary_metrics],
        "tables": [table for table in tables(summary) if table.title not in ("confusion matrix", TAUGHT)],
        "classes": summary.protocol.classes,
        "confusions": _confusions(summary),
        "people": _people(summary),
        "figures": _drawings(summary),
        "network": network_table(network) if (network := summary.run.network()) else None,
        "pictures": _pictures(summary.run.folder),
        "synthetic": summary.run.synthetic,
        "settings": {
            "recipe": header.recipe["name"],
            "key": header.key,
            "seeds": ", ".join(str(run.metadata.seed) for run in summary.runs),
            "data": ", ".join(f"{name} {about['fingerprint']}" for name, about in header.data.items()),
            "protocol": summary.protocol.name,
            "source of the protocol": summary.protocol.source,
            "microexpr": header.version,
        },
    }


def _headline(summary: Summary, name: str) -> dict[str, str]:
    low, high = summary.intervals[name]
    return {
        "name": METRICS.get(name).label,
        "score": format_score(summary.metrics[name]),
        "interval": f"{format_score(low)} to {format_score(high)}",
        "majority": format_score(summary.baseline[name]),
    }


def _confusions(summary: Summary) -> list[dict[str, Any]]:
    """Test and training: rows of cells with their count and their share of the row."""
    tested = _cells(summary, summary.confusion)
    every = [{"title": "test clips", "rows": tested, "note": "", "silent": any(row["silent"] for row in tested)}]
    if summary.train_confusion is not None:
        note = summary.train_confusion_note
        every.append({"title": "training clips", "rows": _cells(summary, summary.train_confusion), "note": note})
    return every


def _cells(summary: Summary, matrix: np.ndarray) -> list[dict[str, Any]]:
    rows = []
    for word, counts in zip(summary.protocol.classes, matrix.tolist(), strict=True):
        n = summary.per_class[word].n if matrix is summary.confusion else sum(counts)
        cells = [{"count": c, "share": c / n if n else 0.0} for c in counts]
        rows.append({"word": word, "cells": cells, "silent": n - sum(counts), "n": n})
    return rows


def _people(summary: Summary) -> list[dict[str, Any]]:
    return [{"person": p, "right": r, "n": n, "share": r / n} for p, (r, n) in summary.subjects_correct.items()]


def _drawings(summary: Summary) -> dict[str, list[dict[str, str]]]:
    """Heading -> its figures as data with their captions; the confusion matrices are tables of the page instead."""
    found: dict[str, list[dict[str, str]]] = {}
    for one in figure_specs(summary):
        if one.heading == "Confusion":
            continue
        figure = one.draw()
        kind, form = ("image/png", "png") if one.pixels else ("image/svg+xml", "svg")
        entry = {"name": one.name, "caption": one.caption, "note": one.note}
        entry["data"] = _data(encode(figure, form), kind)
        # The page shows it at most as large as it was drawn, so that its letters are as large as they should be.
        entry["width"] = f"{figure.get_figwidth() * 5.2:.0f}"
        found.setdefault(one.heading, []).append(entry)
    return found


def _data(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _pictures(folder: Path) -> list[dict[str, str]]:
    """The kept pictures, one entry a clip: class, clip, and the pictures as data.

    Apex frames alone are left out where the run keeps whole strips, which show them too.
    """
    found: dict[str, dict[str, str]] = {}
    for path in sorted(p for p in (folder / "examples").glob("*--*") if p.suffix in (".png", ".jpg")):
        word, clip, kind = path.stem.split("--")
        kind_of_file = "jpeg" if path.suffix == ".jpg" else "png"
        entry = found.setdefault(path.stem.rpartition("--")[0], {"word": word, "clip": clip})
        entry[kind] = _data(path.read_bytes(), f"image/{kind_of_file}")
    strips = any(one.strip is not None for one in load_examples(folder))
    return [entry for entry in found.values() if "input" in entry or not strips]
