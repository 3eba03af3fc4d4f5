"""A report as one self-contained HTML page: no script, no font, no request to anywhere."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape

from ... import __version__
from ..base import REPORT_FORMATS, FigureSpec, Gallery, Report, ReportFormat

_MEDIA_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".svg": "image/svg+xml"}


def render(report: Report) -> str:
    """Render the tables that compare runs first, then a section for each run."""
    environment = Environment(
        loader=PackageLoader("microexpr.reports", "formats"),
        autoescape=select_autoescape(["j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [_section(part) for part in report.parts or (report,)]
    template = environment.get_template("page.html.j2")
    return template.render(
        report=report, sections=sections, comparison=report.tables if report.parts else (), version=__version__
    )


def _section(report: Report) -> dict[str, Any]:
    views: dict[str, list[Any]] = {"scores": [], "matrix": [], "plain": [], "folded": [], "bars": [], "settings": []}
    for table in report.tables:
        views["folded" if table.folded else table.view].append(table)
    figures: dict[str, list[dict[str, str]]] = {}
    for spec in report.figures:
        if spec.on_page:
            figures.setdefault(spec.heading, []).append(_figure(spec))
    return {
        "report": report,
        **views,
        "figures": figures,
        "galleries": [_gallery(gallery) for gallery in report.galleries],
    }


def _figure(spec: FigureSpec) -> dict[str, str]:
    from ..plots import encode

    figure = spec.draw()
    suffix = "png" if spec.pixels else "svg"
    return {
        "name": spec.name,
        "caption": spec.caption,
        "note": spec.note,
        "source": _data_url(encode(figure, suffix), f".{suffix}"),
        # The page shows it at most as large as it was drawn, so that its letters have their intended size.
        "width": f"{figure.get_figwidth() * 5.2:.0f}",
    }


def _gallery(gallery: Gallery) -> dict[str, Any]:
    items = [(caption, [_file_url(path) for path in paths]) for caption, paths in gallery.items]
    return {"title": gallery.title, "note": gallery.note, "items": items}


def _file_url(path: Path) -> str:
    return _data_url(path.read_bytes(), path.suffix)


def _data_url(content: bytes, suffix: str) -> str:
    return f"data:{_MEDIA_TYPES[suffix]};base64,{base64.b64encode(content).decode()}"


REPORT_FORMATS.add("html", ReportFormat(".html", "one self-contained page", render))
