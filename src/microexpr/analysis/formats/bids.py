"""BIDS: a table of events (`task-face_events.tsv`) with a JSON sidecar that describes its columns.

Form: Brain Imaging Data Structure 1.10, "Task events" and "Tabular files": times in seconds, `n/a` for what is missing.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...core.action_units import ACTION_UNITS
from ...core.errors import DataError
from ...core.event_columns import UNIT_COLUMNS
from ...core.events import EVENT_FORMATS, Analysis, Event, EventFormat
from ...core.frame_times import FrameTimes
from ._coded import CodedEvent, field_role, from_fields, to_events
from ._text import decode, plain
from .csv_file import COLUMNS, event_of_row, row_of_event
from .json_file import field_docs

MISSING = "n/a"

RENAMED = {"onset": "onset_frame", "apex": "apex_frame", "offset": "offset_frame", "peak": "apex"}
"""Column of events.csv -> column of this table, whose `onset` is in seconds."""

LEFT_OUT = ("start", "end", "seconds", "probability")
"""Columns of events.csv that follow from others here."""


PIXELS = "pixels of a face 224 pixels wide"

DERIVED = ("onset", "duration", "trial_type")
"""Columns of BIDS, which follow from those of events.csv."""


def to_bids(analysis: Analysis, folder: Path | None = None) -> bytes:
    """Write the table: onset, duration, trial_type (`micro/positive`), then the columns of events.csv that are filled.

    Args:
        analysis: the events.
        folder: is not used.
    """
    columns, rows = _table(analysis)
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")  # quotes a text only if it holds quotes itself
    writer.writerow(columns)
    writer.writerows([row.get(name) or MISSING for name in columns] for row in rows)
    return text.getvalue().encode()


def _table(analysis: Analysis) -> tuple[list[str], list[dict[str, str]]]:
    rows = [_row(event) for event in sorted(analysis.events, key=lambda event: (event.start, event.face))]
    classes = dict.fromkeys(name for row in rows for name in row if name.startswith("p_"))
    always = ["onset", "duration", "trial_type", *(RENAMED.get(n, n) for n in COLUMNS if n not in LEFT_OUT)]
    return [*always, *(name for name in (*UNIT_COLUMNS, *classes) if any(row.get(name) for row in rows))], rows


def _row(event: Event) -> dict[str, str]:
    values = {RENAMED.get(name, name): value for name, value in row_of_event(event).items() if name not in LEFT_OUT}
    values |= {
        "onset": round(event.start, 6),
        "duration": round(event.end - event.start, 6),
        "trial_type": f"{event.kind}/{event.label}",
    }
    return {
        name: plain(value) if isinstance(value, str) else str(value)
        for name, value in values.items()
        if value is not None
    }


def sidecar(analysis: Analysis) -> bytes:
    """Write the JSON sidecar: for each column its description and, where it has them, its unit and levels."""
    columns, rows = _table(analysis)
    docs = {RENAMED.get(name, name): text for name, text in field_docs(Event).items()}
    docs |= {
        "onset": "time at which the movement begins, in seconds since the first frame",
        "duration": "time from onset to offset in seconds",
        "trial_type": "kind of the movement and its class",
        "movement": "what moved, in words",
    }
    levels = {
        "trial_type": {row["trial_type"]: _describe_level(row["trial_type"]) for row in rows},
        "kind": {kind: _describe_level(kind) for kind in ("micro", "macro")},
        "label": {row["label"]: f"class {row['label']}" for row in rows},
    }
    described: dict[str, dict[str, Any]] = {}
    for name in columns:
        text, unit = _describe_column(name, docs)
        described[name] = {"LongName": name.replace("_", " "), "Description": text}
        if unit:
            described[name]["Units"] = unit
        if levels.get(name):
            described[name]["Levels"] = levels[name]
    return (json.dumps(described, indent=1, ensure_ascii=False) + "\n").encode()


def _describe_level(level: str) -> str:
    kind, _, label = level.partition("/")
    return f"{kind}-expression" + (f", class {label}" if label else "")


def _describe_column(name: str, docs: Mapping[str, str]) -> tuple[str, str]:
    """Return description and unit of a column."""
    if name in docs:
        return docs[name], "s" if name in ("onset", "duration", "apex") else ""
    if name.startswith("p_"):
        return f"probability of the class {name[2:]} from the recognizer", ""
    if match := re.fullmatch(r"au_(\d+)(?:_(px|share|right|left))?", name):
        unit = f"action unit {match[1]} ({ACTION_UNITS[int(match[1])]})"
        return {
            "px": (f"how far {unit} moved the skin", PIXELS),
            "share": (f"the same of {unit}, as a share of the distance between the pupils", ""),
            "right": (f"probability of {unit} on the person's right side", ""),
            "left": (f"probability of {unit} on the person's left side", ""),
        }.get(match[2] or "", (f"probability of {unit}", ""))
    region, _, axis = name.rpartition("_")
    direction = "to the right of the image" if axis == "x" else "down"
    return (
        f"motion of the {region.replace('_', ' ')} from onset to apex, {direction}",
        "pixels of a face 224 pixels wide",
    )


def from_bids(content: bytes, name: str = "task-face_events.tsv", times: FrameTimes | None = None) -> tuple[Event, ...]:
    """Read events from a BIDS table, of microexpr with every field, or of a coder's own with what its columns tell.

    `onset` and `duration` are seconds; of a table that microexpr did not write, `trial_type` and columns named label,
    kind, apex, face, action_units and so on are read, and others are not.

    Args:
        content: of the table.
        name: of the file, for error messages.
        times: of the frames of the film; a table of microexpr holds frame numbers and needs none.

    Raises:
        DataError: `onset` or `duration` is missing, a value is invalid, or the film is not known.
    """
    try:
        reader = csv.DictReader(io.StringIO(decode(content, name), newline=""), delimiter="\t")
        names, rows = [str(column) for column in reader.fieldnames or ()], list(reader)
    except csv.Error as error:
        raise DataError(f"'{name}' is no table: {error}") from None
    if missing := [column for column in ("onset", "duration") if column not in names]:
        raise DataError(f"'{name}' is no BIDS table of events: it has no column '{missing[0]}'")
    own = {*RENAMED.values(), "kind", "score", "label"} <= {*names}
    read = [
        {key: "" if value in (None, MISSING) else str(value) for key, value in row.items() if key is not None}
        for row in rows
    ]
    if own:
        return tuple(_own_event(row, f"'{name}', event {number}") for number, row in enumerate(read, start=1))
    return to_events(
        (_coded(row, f"'{name}', line {number}") for number, row in enumerate(read, 2)), times or FrameTimes(), name
    )


def _own_event(row: Mapping[str, str], where: str) -> Event:
    start, end = _span(row, where)
    back = {column: name for name, column in RENAMED.items()}
    values = {
        back.get(name, name): text for name, text in row.items() if name not in ("onset", "duration", "trial_type")
    }
    return event_of_row({**values, "start": str(start), "end": str(end)}, where)


def _span(row: Mapping[str, str], where: str) -> tuple[float, float]:
    try:
        start, duration = float(row["onset"]), float(row["duration"] or 0)
    except ValueError:
        raise DataError(
            f"{where}: onset '{row['onset'][:40]}', duration '{row['duration'][:40]}': write seconds"
        ) from None
    return start, round(start + duration, 6)


def _coded(row: Mapping[str, str], where: str) -> CodedEvent:
    """Return the event of a row that microexpr did not write; columns of unknown names are not read."""
    fields = {name: text for name, text in row.items() if field_role(name)}
    parts = enumerate(row.get("trial_type", "").split("/"))
    return from_fields(where, _span(row, where), 1, fields | {f"part {number}": part for number, part in parts})


EVENT_FORMATS.add(
    "bids",
    EventFormat(
        "bids", ".tsv", "BIDS events", to_bids, from_bids, sidecar=sidecar, stem="task-face_events", default=False
    ),
)
