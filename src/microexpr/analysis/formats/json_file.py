"""Events to and from files: CSV for spreadsheets, JSON for programs, EAF for ELAN; fields in docs/analyze.md."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import mimetypes
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pydantic import TypeAdapter, ValidationError

from ...core.errors import DataError, MissingDataError
from ...core.events import Analysis, Event, Face, Recording

COLUMNS = (
    *("video", "face", "kind", "label", "probability", "onset", "apex", "offset", "start", "peak", "end", "seconds"),
    *("score", "quality", "warnings", "status", "coder", "note"),
)
"""Of events.csv; after them one `p_` column for each class."""

DERIVED_COLUMNS = ("probability", "seconds")
"""Columns that follow from others and are not read."""

TEXTS = ("video", "label", "warnings", "status", "coder", "note")
FORMULA = r"[=+\-@\t\r]"
"""A cell that begins so is a formula to a spreadsheet."""

FORMAT, SCHEMA = "microexpr events", 1
TIERS = ("micro", "macro", "label", "blink")
EAF_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
CONSTRAINTS = {
    "Time_Subdivision": "Time subdivision of parent annotation's time interval, no time gaps allowed within this "
    "interval",
    "Symbolic_Subdivision": "Symbolic subdivision of a parent annotation. Annotations refering to the same parent are "
    "ordered",
    "Symbolic_Association": "1-1 association with a parent annotation",
    "Included_In": "Time alignable annotations within the parent annotation's time interval, gaps are allowed",
}

Marks = list[tuple[float, float, str]]


def to_csv(events: Sequence[Event]) -> str:
    """A line an event; what two kinds of programs read alike: commas, dots, UTF-8."""
    classes = dict.fromkeys(name for event in events for name in event.probabilities)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *(f"p_{name}" for name in classes)])
    for event in events:
        row = {**dataclasses.asdict(event), "warnings": "; ".join(event.warnings), "seconds": round(event.seconds, 6)}
        row["probability"] = event.probabilities.get(event.label, "")
        row |= {name: _as_text(row[name]) for name in TEXTS}
        writer.writerow([*(row[name] for name in COLUMNS), *(event.probabilities.get(name, "") for name in classes)])
    return text.getvalue()


def _as_text(value: str) -> str:
    """With a quote before what a spreadsheet would run as a formula; `from_csv` takes it away again."""
    return f"'{value}" if re.match(f"'*{FORMULA}", value) else value


def from_csv(text: str, where: str = "events.csv") -> list[Event]:
    """The events of such a text; `share` and `seconds` follow from the others and are not read.

    Args:
        text: with a line of column names.
        where: what an error calls it.

    Raises:
        DataError: a column is lacking, or a value is not what it should be; the line is named.
    """
    try:
        reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
        names, rows = reader.fieldnames or (), list(reader)
    except csv.Error as fault:
        raise DataError(f"'{where}' is no CSV: {fault}") from None
    if not rows and not {*COLUMNS} - {*DERIVED_COLUMNS} <= {*names}:
        raise DataError(f"'{where}' is no CSV of events: it has not their columns")
    return [_event(row, f"'{where}', event {number}") for number, row in enumerate(rows, start=1)]


def _event(row: Mapping[str | None, Any], where: str) -> Event:
    values: dict[str, Any] = {}
    for name in COLUMNS:
        if name in DERIVED_COLUMNS:
            continue
        if row.get(name) is None:
            raise DataError(f"{where}: no column '{name}'")
        values[name] = row[name][1:] if name in TEXTS and re.match(f"'+{FORMULA}", row[name]) else row[name]
    values["warnings"] = [part for part in values["warnings"].split("; ") if part]
    shares = {str(name)[2:]: value for name, value in row.items() if str(name).startswith("p_") and value}
    try:
        event = TypeAdapter(Event).validate_python({**values, "probabilities": shares})
    except ValidationError as fault:
        raise DataError(f"{where}: {_first(fault)}") from None
    return dataclasses.replace(event, probabilities=dict(sorted(event.probabilities.items(), key=lambda one: -one[1])))


def to_json(analysis: Analysis) -> str:
    """The whole analysis."""
    content = {"format": FORMAT, "schema": SCHEMA, **dataclasses.asdict(analysis)}
    return json.dumps(content, indent=1) + "\n"


def from_json(text: str, where: str = "events.json") -> Analysis:
    """The analysis of such a text.

    Raises:
        DataError: it is not one, or of another schema.
    """
    try:
        content = json.loads(text)
    except ValueError as fault:
        raise DataError(f"'{where}' is not JSON: {fault}") from None
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise DataError(f"'{where}' holds no events of microexpr")
    if (schema := content.pop("schema", None)) != SCHEMA:
        raise DataError(f"'{where}' has schema {schema!r}; this version reads {SCHEMA}")
    try:
        return TypeAdapter(Analysis).validate_python(content)
    except ValidationError as fault:
        raise DataError(f"'{where}': {_first(fault)}") from None


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of events.json, made from the records themselves; docs/events.schema.json is it."""
    schema = TypeAdapter(Analysis).json_schema(mode="serialization")
    records = {"Analysis": schema, **schema["$defs"]}
    for cls in (Analysis, Recording, Face, Event):
        for name, words in field_docs(cls).items():
            records[cls.__name__]["properties"][name]["description"] = words
        records[cls.__name__]["description"] = (cls.__doc__ or "").split("\n")[0]
    marks = {"format": {"const": FORMAT}, "schema": {"const": SCHEMA}}
    schema["properties"] = {**marks, **schema["properties"]}
    schema["required"] = [*marks, *schema["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def field_docs(cls: type) -> dict[str, str]:
    """What the docstring of a record says of each field."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in (cls.__doc__ or "").partition("Attributes:")[2].splitlines():
        if begin := re.fullmatch(r" {8}(\w+(?:, \w+)*): (.+)", line):
            names = begin[1].split(", ")
            found |= dict.fromkeys(names, begin[2])
        elif line.strip():
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


def read(path: Path) -> Analysis:
    """The analysis in an events.json.

    Raises:
        MissingDataError: no such file.
        DataError: it is not one.
    """
    if not path.is_file():
        raise MissingDataError(f"'{path}' is not a file")
    return from_json(path.read_text("utf-8", errors="replace"), str(path))


def _first(fault: ValidationError) -> str:
    first = fault.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])} = {first.get('input')!r}: {first['msg']}"


def to_eaf(analysis: Analysis, folder: Path | None = None) -> bytes:
    """A document of ELAN (EAF 3.0): for each face the tiers micro, macro, label and blink; the video is linked.

    Annotations of a tier must not overlap: one that begins before the last has ended is begun where that ends.

    Args:
        analysis: what was found.
        folder: where the document will lie, for the relative link to the video.
    """
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": f"microexpr {analysis.version}",
            "DATE": datetime.now(UTC).isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": EAF_SCHEMA,
        },
    )
    header = ElementTree.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    source = Path(analysis.recording.path)
    if not source.is_dir():  # ELAN plays no folder of pictures
        link = {"MEDIA_URL": source.absolute().as_uri(), "MIME_TYPE": mimetypes.guess_type(source.name)[0] or "video/*"}
        if folder is not None:
            link["RELATIVE_MEDIA_URL"] = Path("/", os.path.relpath(source, folder)).as_uri().replace("file:///", "./")
        ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", link)
    order = ElementTree.SubElement(root, "TIME_ORDER")
    count = 0
    blinks = {face.face: [(start, end, "blink") for start, end in face.blinks] for face in analysis.faces}
    for face in sorted({*blinks, *(event.face for event in analysis.events)}):  # a coder may add one that was not seen
        found = {**_marks(event for event in analysis.events if event.face == face), "blink": blinks.get(face, [])}
        for name in TIERS:
            tier = ElementTree.SubElement(root, "TIER", TIER_ID=f"face {face} {name}", LINGUISTIC_TYPE_REF="event")
            tier.set("PARTICIPANT", f"face {face}")
            for start, end, words in _apart(found[name]):
                count += 1
                _annotate(tier, order, count, (start, end), words)
    _last_property(header, count)
    kind = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": "event", "TIME_ALIGNABLE": "true"}
    ElementTree.SubElement(root, "LINGUISTIC_TYPE", kind)
    for name, words in CONSTRAINTS.items():
        ElementTree.SubElement(root, "CONSTRAINT", DESCRIPTION=words, STEREOTYPE=name)
    ElementTree.indent(root, " ")
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def _marks(events: Iterable[Event]) -> dict[str, Marks]:
    """Tier to its marks."""
    found: dict[str, Marks] = {name: [] for name in TIERS}
    for event in events:
        words = [f"score {event.score:.3g}", f"apex {event.peak:.3f} s", event.status]
        words += [f"coder {event.coder}"] if event.coder else []
        words += [event.note] if event.note else []
        found["micro" if event.kind == "micro" else "macro"].append((event.start, event.end, "; ".join(words)))
        share = f" {event.probabilities[event.label]:.2f}" if event.label in event.probabilities else ""
        found["label"].append((event.start, event.end, event.label + share))
    return found


def _apart(marks: Marks) -> Iterable[tuple[int, int, str]]:
    """In whole milliseconds, rising, each at least one long, none reaching into the next."""
    free = 0
    for start, end, words in sorted(marks):
        begin = max(free, round(1000 * start))
        free = max(begin + 1, round(1000 * end))
        yield begin, free, words


def _annotate(
    tier: ElementTree.Element, order: ElementTree.Element, number: int, span: tuple[int, int], words: str
) -> None:
    slots = [f"ts{2 * number - 1}", f"ts{2 * number}"]
    for name, value in zip(slots, span, strict=True):
        ElementTree.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=name, TIME_VALUE=str(value))
    holder = ElementTree.SubElement(tier, "ANNOTATION")
    one = {"ANNOTATION_ID": f"a{number}", "TIME_SLOT_REF1": slots[0], "TIME_SLOT_REF2": slots[1]}
    inner = ElementTree.SubElement(holder, "ALIGNABLE_ANNOTATION", one)
    # XML has no way to write most control characters.
    text = re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", " ", words)
    ElementTree.SubElement(inner, "ANNOTATION_VALUE").text = text


def _last_property(header: ElementTree.Element, count: int) -> None:
    ElementTree.SubElement(header, "PROPERTY", NAME="lastUsedAnnotationId").text = str(count)
