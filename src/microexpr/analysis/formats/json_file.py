"""JSON for programs: the whole analysis, with a JSON Schema made from the records."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ...core.action_units import ActionUnit
from ...core.detection_limit import DetectionCurve, DetectionLimit
from ...core.errors import DataError, MissingDataError
from ...core.events import EVENT_FORMATS, Analysis, Candidate, Event, EventFormat, Face, Recording
from ...core.frame_times import FrameTimes
from ._text import decode
from ._validation import first_error

FORMAT, SCHEMA = "microexpr events", 1


def to_json(analysis: Analysis) -> str:
    """Write the whole analysis as JSON."""
    content = {"format": FORMAT, "schema": SCHEMA, **dataclasses.asdict(analysis)}
    return json.dumps(content, indent=1) + "\n"


def from_json(text: str, name: str = "events.json") -> Analysis:
    """Read an analysis from JSON.

    Args:
        text: JSON as `to_json` writes it.
        name: name of the file for error messages.

    Raises:
        DataError: the text is not an analysis, or one of another schema version.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise DataError(f"'{name}' is not JSON: {error}") from None
    except RecursionError:
        raise DataError(f"'{name}' is nested too deeply for a file of events") from None
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise DataError(f"'{name}' holds no events of microexpr")
    if (schema := content.pop("schema", None)) != SCHEMA:
        raise DataError(f"'{name}' has schema {schema!r}; this version reads {SCHEMA}")
    try:
        return TypeAdapter(Analysis).validate_python(content)
    except ValidationError as error:
        raise DataError(f"'{name}': {first_error(error)}") from None


def read_analysis(path: Path) -> Analysis:
    """Read the analysis in an events.json.

    Raises:
        MissingDataError: there is no such file.
        DataError: it is not an analysis, or one of another schema version.
    """
    if not path.is_file():
        raise MissingDataError(f"'{path}' is not a file")
    return from_json(path.read_text("utf-8", errors="replace"), str(path))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of events.json; docs/events.schema.json is a copy of it."""
    schema = TypeAdapter(Analysis).json_schema(mode="serialization")
    records = {"Analysis": schema, **schema["$defs"]}
    for cls in (Analysis, Recording, Face, Event, Candidate, ActionUnit, DetectionLimit, DetectionCurve):
        for name, text in field_docs(cls).items():
            records[cls.__name__]["properties"][name]["description"] = text
        records[cls.__name__]["description"] = (cls.__doc__ or "").split("\n")[0]
    constants = {"format": {"const": FORMAT}, "schema": {"const": SCHEMA}}
    schema["properties"] = {**constants, **schema["properties"]}
    schema["required"] = [*constants, *schema["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def field_docs(cls: type) -> dict[str, str]:
    """Return field -> text of the section `Attributes` in the docstring of a record."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in (cls.__doc__ or "").partition("Attributes:")[2].splitlines():
        if begin := re.fullmatch(r" {8}(\w+(?:, \w+)*): (.+)", line):
            names = begin[1].split(", ")
            found |= dict.fromkeys(names, begin[2])
        elif line.strip():
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


def _write(analysis: Analysis, folder: Path) -> bytes:
    return to_json(analysis).encode()


def _read(content: bytes, name: str, times: FrameTimes | None) -> tuple[Event, ...]:
    return from_json(decode(content, name), name).events


EVENT_FORMATS.add("json", EventFormat("json", ".json", "JSON", _write, _read))
