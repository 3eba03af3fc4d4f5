"""Several recordings at once: one table of all events, and a page that leads to the report of each recording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from .. import __version__
from ..core.errors import DataError
from ..core.events import Analysis
from ..core.files import write_atomically
from .formats.csv_file import to_csv
from .formats.json_file import read_analysis
from .page import content_security_policy
from .result import REPORT

TABLE, PAGE = "events.csv", "index.html"
"""Files beside the folders of the recordings."""


def write_overview(out: Path, failures: Sequence[tuple[str, str]]) -> list[Path]:
    """Write the table of all events and the page over all recordings whose folders lie in a folder.

    Recordings of earlier calls are in it too. A folder of a single recording gets neither.

    Args:
        out: the folder.
        failures: name of each recording that could not be analyzed now, and why.

    Returns:
        The files that were written.
    """
    found: list[tuple[str, Analysis]] = []
    for path in sorted(out.glob("*/events.json")):
        try:
            found.append((path.parent.name, read_analysis(path)))
        except DataError:  # another program's file, or one of another version
            continue
    if len(found) + len(failures) < 2:
        return []
    contents = {out / TABLE: to_overall_csv(found), out / PAGE: render_overview(found, failures)}
    for path, content in contents.items():
        write_atomically(path, content.encode())
    return list(contents)


def to_overall_csv(recordings: Sequence[tuple[str, Analysis]]) -> str:
    """Write the events of several recordings as one table; its first column is the folder of the recording.

    Args:
        recordings: folder and analysis of each.
    """
    classes = dict.fromkeys(name for _, analysis in recordings for name in analysis.classes)
    rows = [(folder, event) for folder, analysis in recordings for event in analysis.events]
    return to_csv([event for _, event in rows], list(classes), [folder for folder, _ in rows])


def render_overview(recordings: Sequence[tuple[str, Analysis]], failures: Sequence[tuple[str, str]]) -> str:
    """Return the page as HTML; it makes no request.

    Args:
        recordings: folder and analysis of each.
        failures: name of each recording that could not be analyzed, and why.
    """
    environment = Environment(
        loader=PackageLoader("microexpr.analysis", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    static = resources.files("microexpr.analysis") / "static"
    style = "\n".join((static / name).read_text("utf-8") for name in ("theme.css", "overview.css"))
    kinds = Counter(event.kind for _, analysis in recordings for event in analysis.events)
    return environment.get_template("overview.html.j2").render(
        rows=[_row(folder, analysis) for folder, analysis in recordings],
        failures=failures,
        micro=kinds["micro"],
        macro=kinds["macro"],
        minutes=sum(analysis.recording.seconds for _, analysis in recordings) / 60,
        table=TABLE,
        version=__version__,
        style=Markup(style),
        policy=content_security_policy(style, ""),
    )


def _row(folder: str, analysis: Analysis) -> dict[str, object]:
    kinds = Counter(event.kind for event in analysis.events)
    labels = Counter(event.label for event in analysis.events)
    return {
        "name": analysis.recording.name,
        "folder": folder,
        "link": f"{folder}/{REPORT}",
        "seconds": f"{analysis.recording.seconds:.1f}",
        "fps": f"{analysis.recording.fps:.4g}" if analysis.recording.fps else "–",
        "faces": len(analysis.faces),
        "micro": kinds["micro"],
        "macro": kinds["macro"],
        "labels": ", ".join(f"{count} {label}" for label, count in labels.most_common()),
        "warnings": analysis.warnings,
    }
