"""Records as the page is told them, and files as a coder takes them away."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..analysis.formats.csv_file import from_csv, to_csv
from ..analysis.formats.elan import to_eaf
from ..analysis.formats.json_file import from_json, to_json
from ..core.errors import DataError, MissingDataError, did_you_mean
from ..core.events import Analysis, Event
from ..core.files import slug
from ..metrics.agreement import agreement
from .annotations import Annotations
from .store import Library

CLASSES = ("negative", "positive", "surprise")
"""Offered where no recognizer names its own: the three of MEGC 2019."""


def recording(library: Library, id: str, copied: bool) -> dict[str, Any]:
    """All that the page shows of one that is done.

    Args:
        library: where it is.
        id: which one.
        copied: whether there is a copy for playing.
    """
    found = library.found(id)
    about = found.settings.get("about_model") or {}
    coding = library.coding(id)
    plays = copied or Path(library.about(id).file).suffix in (".mp4", ".webm")
    return {
        "id": id,
        "recording": {**dataclasses.asdict(found.recording), "path": ""},
        "faces": [dataclasses.asdict(face) for face in found.faces],
        "warnings": list(found.warnings),
        "classes": classes(found, coding),
        "synthetic": about.get("synthetic") == "true",
        "recognizer": about.get("recipe", ""),
        "plays": plays,
        "copied": copied,
        "report": (library.folder(id) / "report.html").is_file(),
        **events(coding),
    }


def classes(found: Analysis, coding: Annotations) -> list[str]:
    """Words that a coder is offered: the recognizer's, those in use, and `unknown`."""
    named = sorted({name for event in found.events for name in event.probabilities}) or list(CLASSES)
    used = [event.label for event in coding.events.values()]
    return list(dict.fromkeys([*named, *used, "unknown"]))


def events(coding: Annotations) -> dict[str, Any]:
    """The events as they are judged now, each with its number, and how many steps can be undone."""
    ordered = coding.ordered()
    return {
        "events": [dataclasses.asdict(event) for _, event in ordered],
        "numbers": [number for number, _ in ordered],
        "steps": len(coding.history),
    }


def exported(analysis: Analysis, kind: str, coder: str) -> tuple[str, bytes]:
    """Name and content of a file of events.

    Args:
        analysis: with the events as they are judged.
        kind: `csv`, `json` or `eaf`.
        coder: whose name the file gets.

    Raises:
        MissingDataError: another kind.
    """
    stem = slug(Path(analysis.recording.name).stem).strip("-.")[:60] or "recording"
    name = "-".join(filter(None, (stem, slug(coder).strip("-.")[:40], "events"))) + f".{kind}"
    if kind == "csv":
        return name, to_csv(analysis.events).encode()
    if kind == "json":
        return name, to_json(analysis).encode()
    if kind == "eaf":  # the video is looked for beside the document
        beside = dataclasses.replace(analysis.recording, path=f"/{analysis.recording.name}")
        return name, to_eaf(dataclasses.replace(analysis, recording=beside), Path("/"))
    raise MissingDataError(f"no export '{kind[:20]}'{did_you_mean(kind, ('csv', 'json', 'eaf'))}")


def read_events(text: str, where: str) -> Sequence[Event]:
    """Another coder's events, from a CSV or JSON that `analyze` or this page wrote.

    Raises:
        DataError: it is neither.
    """
    try:
        if text.lstrip("\ufeff \t\r\n").startswith("{"):
            return from_json(text, where).events
    except RecursionError:
        raise DataError(f"'{where}' is JSON of more depths than events have") from None
    return from_csv(text, where)


def compared(library: Library, id: str, text: str, where: str) -> dict[str, Any]:
    """Kappa of the events as they are judged now and another coder's, and every difference."""
    both = agreement(library.judged(id).events, read_events(text, where), range(len(library.times(id))))
    shown = ("face", "onset", "apex", "offset", "start", "end", "label", "status", "coder", "note")

    def side(event: Event | None) -> dict[str, Any] | None:
        return None if event is None else {name: getattr(event, name) for name in shown}

    differences = [{"what": one.what, "first": side(one.first), "second": side(one.second)} for one in both.differences]
    values = {f.name: getattr(both, f.name) for f in dataclasses.fields(both) if f.name != "differences"}
    return {**values, "differences": differences}
