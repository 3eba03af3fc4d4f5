"""CSV for statistics: a line per person, kind and class, with the number of events, their rate and mean duration."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

from ...core.events import EVENT_FORMATS, Analysis, EventFormat
from ..person_table import PersonRow, person_table
from .csv_file import escape_formula

COLUMNS = ("video", *(field.name for field in dataclasses.fields(PersonRow)))


def to_people_csv(analysis: Analysis) -> str:
    """Write the table of the people in a recording as CSV with a header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in person_table(analysis):
        values = {**dataclasses.asdict(row), "label": escape_formula(row.label)}
        writer.writerow([escape_formula(analysis.recording.name), *values.values()])
    return text.getvalue()


def _write(analysis: Analysis, folder: Path) -> bytes:
    return to_people_csv(analysis).encode()


EVENT_FORMATS.add("people", EventFormat("people", "-people.csv", "People (CSV)", _write))
