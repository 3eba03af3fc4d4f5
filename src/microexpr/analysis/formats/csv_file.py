"""CSV for spreadsheets: a line per event; commas, dots and UTF-8, which spreadsheets and programs read alike."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ...core.errors import DataError, UsageError
from ...core.event_columns import UNIT_COLUMNS, from_columns, to_columns
from ...core.events import EVENT_FORMATS, Analysis, Event, EventFormat, describe_action_units, ordered_classes
from ...core.files import decode_text
from ...core.frame_times import FrameTimes
from ._validation import first_error

COLUMNS = (
    *("video", "face", "kind", "label", "probability", "onset", "apex", "offset", "start", "peak", "end", "seconds"),
    *("score", "quality", "warnings", "status", "coder", "note", "reason", "action_units", "movement"),
    *("label_by", "round"),
)
"""First columns of events.csv; those of `core.event_columns` and a column `p_<class>` for each class follow them."""

DERIVED_COLUMNS = ("probability", "seconds", "movement")
"""Columns that follow from others and are not read."""

LATER_COLUMNS = ("reason", "action_units", "label_by", "round")
"""Columns that older files lack."""

TEXT_COLUMNS = ("video", "label", "warnings", "status", "coder", "note", "reason", "movement", "label_by")

FOLDER_COLUMN = "folder"
"""Column of a table over several recordings: the folder of the recording's files."""

SEPARATORS = ",;\t"
"""Between cells. Spreadsheets of languages with a decimal comma write a semicolon."""

DECIMAL_COMMA = r"[-+]?\d*,\d+([eE][-+]?\d+)?"

FORMULA = r"[=+\-@\t\r]"
"""A spreadsheet runs a cell that begins with one of these as a formula."""


def to_csv(events: Sequence[Event], classes: Sequence[str] = (), folders: Sequence[str] | None = None) -> str:
    """Write events as CSV with a header line.

    Args:
        events: a line each.
        classes: those that have a column whether or not an event has them, in this order; others follow by name.
        folders: for a table over several recordings, the folder of each event's recording, as a first column.
    """
    named = ordered_classes(events, classes)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    first = [] if folders is None else [FOLDER_COLUMN]
    writer.writerow([*first, *COLUMNS, *UNIT_COLUMNS, *(f"p_{name}" for name in named)])
    for number, event in enumerate(events):
        row = row_of_event(event)
        row |= {name: escape_formula(row[name]) for name in TEXT_COLUMNS}
        cells = [row[name] for name in (*COLUMNS, *UNIT_COLUMNS)]
        folder = [] if folders is None else [escape_formula(folders[number])]
        writer.writerow([*folder, *cells, *(event.probabilities.get(name, "") for name in named)])
    return text.getvalue()


def row_of_event(event: Event) -> dict[str, Any]:
    """Return column -> value of an event, None where it has none; `event_of_row` reads it."""
    row = {**dataclasses.asdict(event), "warnings": "; ".join(event.warnings), "seconds": round(event.seconds, 6)}
    row |= to_columns(event.action_units, event.unit_probabilities, event.regions)
    row |= {"probability": event.probability, "movement": describe_action_units(event)}
    return row | {f"p_{name}": value for name, value in event.probabilities.items()}


def escape_formula(value: str) -> str:
    """Put a quote before what a spreadsheet would run as a formula; `from_csv` takes it away again."""
    return f"'{value}" if re.match(f"'*{FORMULA}", value) else value


def from_csv(text: str, name: str = "events.csv") -> list[Event]:
    """Read events from CSV; `probability`, `seconds` and `movement` follow from the other columns and are not read.

    Files of versions that had no action units are read too, and files that a spreadsheet saved: with semicolons or
    tabs, with decimal commas, and with empty lines.

    Args:
        text: CSV with a header line.
        name: name of the file for error messages.

    Raises:
        DataError: a column is missing or a value is invalid; the message names the event.
    """
    names, rows = _read_table(text, name)
    missing = sorted({*COLUMNS} - {*DERIVED_COLUMNS, *LATER_COLUMNS} - {*names})
    if not rows and missing:
        raise DataError(f"'{name}' is not a CSV of events: it has no column '{missing[0]}'")
    return [_read_row(row, f"'{name}', event {number}") for number, row in enumerate(rows, start=1)]


def _read_table(text: str, name: str) -> tuple[Sequence[str], list[dict[str, Any]]]:
    """Names of the columns, and the rows that are not empty, with decimal points."""
    text = text.removeprefix("\ufeff")
    line, _, rest = text.partition("\n")
    if re.fullmatch(r"sep=.\r?", line):  # a line for spreadsheets only
        text, line = rest, rest.partition("\n")[0]
    separator = max(SEPARATORS, key=line.count)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
        names, rows = reader.fieldnames or (), list(reader)
    except csv.Error as error:
        raise DataError(f"'{name}' is not CSV: {error}") from None
    filled = [row for row in rows if any(row.values())]
    if separator != ",":
        filled = [{key: _with_point(str(key), cell) for key, cell in row.items()} for row in filled]
    return names, filled


def _with_point(column: str, cell: Any) -> Any:
    """A number with a decimal comma as one with a point."""
    number = column not in TEXT_COLUMNS and isinstance(cell, str) and re.fullmatch(DECIMAL_COMMA, cell)
    return cell.replace(",", ".") if number else cell


def _read_row(row: Mapping[str, Any], where: str) -> Event:
    plain = {
        name: text[1:] if name in TEXT_COLUMNS and isinstance(text, str) and re.match(f"'+{FORMULA}", text) else text
        for name, text in row.items()
    }
    return event_of_row(plain, where)


@cache
def _event_adapter() -> TypeAdapter[Event]:
    return TypeAdapter(Event)  # once, because it takes longer to make than to use


def event_of_row(row: Mapping[str, Any], where: str) -> Event:
    """Return the event of a row.

    Args:
        row: column -> text, without the quotes that keep formulas from being run.
        where: file and place, for error messages.

    Raises:
        DataError: a column is missing or a value is invalid.
    """
    values: dict[str, Any] = {}
    for name in COLUMNS:
        if name in DERIVED_COLUMNS or (name in LATER_COLUMNS and name not in row):
            continue
        if row.get(name) is None:
            raise DataError(f"{where}: no column '{name}'")
        values[name] = row[name]
    values["warnings"] = [part for part in values["warnings"].split("; ") if part]
    probabilities = {str(name)[2:]: value for name, value in row.items() if str(name).startswith("p_") and value}
    try:
        event = _event_adapter().validate_python({**values, "probabilities": probabilities, **from_columns(row)})
    except UsageError as error:
        raise DataError(f"{where}: {error}") from None
    except ValidationError as error:
        raise DataError(f"{where}: {first_error(error)}") from None
    ordered = sorted(event.probabilities.items(), key=lambda item: -item[1])
    return dataclasses.replace(event, probabilities=dict(ordered))


def _write(analysis: Analysis, folder: Path) -> bytes:
    return to_csv(analysis.events, analysis.classes).encode()


def _read(content: bytes, name: str, times: FrameTimes | None) -> tuple[Event, ...]:
    return tuple(from_csv(decode_text(content), name))


EVENT_FORMATS.add("csv", EventFormat("csv", ".csv", "CSV", _write, _read))
