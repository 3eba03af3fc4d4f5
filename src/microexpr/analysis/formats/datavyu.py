"""Datavyu project (`.opf`): a zip of `project` (YAML) and `db`, the spreadsheet, with one column `events`.

Layout: the source of Datavyu (OpenDataStoreFileController and StringUtils): `#4`, then for each column a line
`name (MATRIX,true,)-code|NOMINAL,...` and a line `HH:MM:SS:mmm,HH:MM:SS:mmm,(value,...)` for each cell, with a
backslash before what would end a value.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ...core.errors import DataError
from ...core.events import EVENT_FORMATS, Analysis, Event, EventFormat, unit_codes
from ...core.frame_times import FrameTimes
from ._coded import CodedEvent, from_fields, tier_role, to_events
from ._text import decode, plain, unzip
from ._tiers import PARTS

CODES = (
    *("face", "kind", "label", "apex", "action_units", "score", "status", "coder", "note"),
    *("quality", "warnings", "reason"),
)
"""Codes of the cells; apex in seconds."""

TIME = re.compile(r"(\d+):(\d\d):(\d\d):(\d{3})")
CELL = re.compile(rf"({TIME.pattern}),({TIME.pattern}),(.*)", re.DOTALL)

PROJECT = "!project\ndbFile: db\nname: {name}\norigpath: ''\nversion: 5\nviewerSettings: []\n"


def to_datavyu(analysis: Analysis, folder: Path | None = None) -> bytes:
    """Write a Datavyu project with a cell per event, in whole milliseconds.

    Args:
        analysis: the events.
        folder: is not used; the film is opened in Datavyu.
    """
    lines = ["#4", f"events (MATRIX,true,)-{','.join(f'{code}|NOMINAL' for code in CODES)}"]
    for event in sorted(analysis.events, key=lambda event: (event.start, event.face)):
        values = ",".join(_escaped(_value(event, code)) for code in CODES)
        lines.append(f"{_clock(event.start)},{_clock(event.end)},({values})")
    db, project = "\n".join(lines) + "\n", PROJECT.format(name=json.dumps(plain(analysis.recording.name)))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {"project": project, "db": db}.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)  # without the time of writing
    return packed.getvalue()


def _value(event: Event, code: str) -> str:
    special = {
        "apex": f"{event.peak:.6g}",
        "action_units": unit_codes(event),
        "warnings": "; ".join(event.warnings),
        "score": f"{event.score:.6g}",
        "quality": f"{event.quality:.6g}",
    }
    return special[code] if code in special else str(getattr(event, code))


def _escaped(text: str) -> str:
    return re.sub(r"([\\,\-])", r"\\\1", plain(text))


def _clock(seconds: float) -> str:
    whole = round(1000 * seconds)
    return f"{whole // 3_600_000:02d}:{whole // 60_000 % 60:02d}:{whole // 1000 % 60:02d}:{whole % 1000:03d}"


def from_datavyu(content: bytes, name: str = "events.opf", times: FrameTimes | None = None) -> tuple[Event, ...]:
    """Read events from a Datavyu project, of microexpr or of a coder's own.

    Columns named micro or macro, or one named `events`, hold events, and the others are not read; if there is none of
    these, every column does. Codes are face, kind, label, apex and so on by their names, and what other codes say is
    kind, action units, class or note.

    Args:
        content: of the project.
        name: of the file, for error messages.
        times: of the frames of the film, which the spreadsheet does not hold.

    Raises:
        DataError: it is no project, a line cannot be read, or the film is not known.
    """
    text = decode(unzip(content, "db", name), name)
    columns = list(_columns(text, name))
    chosen = [column for column in columns if tier_role(column[0]) in PARTS[:2] or column[0].lower() == "events"]
    if not chosen:
        chosen = [column for column in columns if tier_role(column[0]) not in PARTS[4:]]
    coded = [event for column, codes, cells in chosen for event in _coded(column, codes, cells, name)]
    return to_events(coded, times or FrameTimes(), name)


def _columns(text: str, name: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield name, codes and cells of each column; a cell that ends in a backslash goes on in the next line."""
    lines = iter(text.splitlines())
    first = next(lines, "")
    if not re.fullmatch(r"#\d", first):
        raise DataError(f"'{name}': its spreadsheet begins with '{first[:40]}', not with '#4'")
    column, codes, cells = "", [""], list[str]()
    for line in lines:
        while re.search(r"(?<!\\)(\\\\)*\\$", line) and (following := next(lines, None)) is not None:
            line = f"{line[:-1]} {following}"
        if CELL.fullmatch(line):
            cells.append(line)
        elif match := re.fullmatch(r"(.+?) \((\w+)[^)]*\)(?:-(.*))?", line):
            if column:
                yield column, codes, cells
            column, cells = re.sub(r"\\(.)", r"\1", match[1]), []
            codes = [code.rpartition("|")[0] or code for code in (match[3] or "").split(",")]
        elif line.strip():
            raise DataError(f"'{name}': '{line[:60]}' is neither a column nor a cell of Datavyu")
    if column:
        yield column, codes, cells


def _coded(column: str, codes: list[str], cells: list[str], name: str) -> Iterator[CodedEvent]:
    role = tier_role(column)
    for cell in cells:
        match = CELL.fullmatch(cell)
        assert match is not None
        values = _values(match[11])
        where = f"'{name}', column '{column[:60]}', {match[1]}"
        if len(values) > len(codes):
            raise DataError(f"{where}: {len(values)} values for {len(codes)} codes; write a comma in a value as \\,")
        fields = dict(zip(codes, values, strict=False))
        if role in PARTS[:2]:
            fields = {"kind": role} | fields
        yield from_fields(where, (_seconds(match[1]), _seconds(match[6])), 1, fields)


def _values(text: str) -> list[str]:
    """The values of a cell: in brackets and separated by commas in a matrix, else one."""
    inner = text[1:-1] if text.startswith("(") and text.endswith(")") else text.replace(",", r"\,")
    parts = re.findall(r"((?:[^\\,]|\\.)*),", f"{inner},")
    values = [re.sub(r"\\(.)", r"\1", part).strip() for part in parts]
    return ["" if re.fullmatch(r"<\w+>", value) else value for value in values]  # an empty code shows its own name


def _seconds(clock: str) -> float:
    match = TIME.fullmatch(clock)
    assert match is not None
    hours, minutes, seconds, milliseconds = map(int, match.groups())
    return (hours * 3600 + minutes * 60 + seconds) + milliseconds / 1000


EVENT_FORMATS.add("datavyu", EventFormat("datavyu", ".opf", "Datavyu", to_datavyu, from_datavyu, default=False))
