"""BORIS project (JSON, project format 7.0): one observation with state events `micro` and `macro` of each face.

BORIS imports events from nothing but a project. Layout: the source of BORIS (github.com/olivierfriard/BORIS), where an
event is [seconds, subject, behavior, modifiers, comment, frame], and a state event is two of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from ...core.action_units import ActionUnit
from ...core.errors import DataError
from ...core.events import EVENT_FORMATS, Analysis, Event, EventFormat
from ...core.frame_times import FrameTimes
from ._coded import KINDS, CodedEvent, describe_coding, face_numbers, read_coding, sort_texts, tier_role, to_events
from ._text import decode, gunzip, one_of_the_film, plain
from ._tiers import PARTS, layer_name, layers

PROJECT_VERSION = "7.0"
FORBIDDEN = "(|),`~"
"""Characters that BORIS does not allow in a modifier."""

KEYS = {"micro": "m", "macro": "a"}
"""Behavior -> key that codes it in BORIS."""

NO_DATE = "1970-01-01T00:00:00"
"""Date of project and observation: an analysis does not know when the film was taken."""


def to_boris(analysis: Analysis, folder: Path | None = None) -> bytes:
    """Write a BORIS project.

    Subjects are the faces (`face 1 (2)` for what overlaps an earlier event of the same face), behaviors are `micro` and
    `macro`, modifiers are class and action units; score, apex, status, coder and note are the comment of the start.

    Args:
        analysis: the events and faces.
        folder: is not used; BORIS is given the whole path of the film, or its name where the path is not known.
    """
    placed = layers(analysis.events)
    subjects = dict.fromkeys(layer_name(face.face, 1) for face in analysis.faces)
    subjects |= dict.fromkeys(layer_name(event.face, layer) for event, layer in placed)
    film = analysis.recording.path or analysis.recording.name
    info = {"length": analysis.recording.seconds, "fps": analysis.recording.fps, "hasVideo": True, "hasAudio": False}
    observation = {
        "file": {"1": [film], **{str(player): [] for player in range(2, 9)}},
        "type": "MEDIA",
        "date": NO_DATE,
        "description": f"found by microexpr {analysis.version}".strip(),
        "time offset": 0.0,
        "independent_variables": {},
        "visualize_spectrogram": False,
        "visualize_waveform": False,
        "close_behaviors_between_videos": False,
        "events": sorted(_rows(placed), key=lambda row: (row[0], row[1], row[4] != "")),
        "media_info": {**{key: {film: value} for key, value in info.items()}, "offset": {"1": 0.0}},
    }
    project = {
        "time_format": "s",
        "project_name": plain(analysis.recording.name),
        "project_date": NO_DATE,
        "project_description": "micro-expressions",
        "project_format_version": PROJECT_VERSION,
        "subjects_conf": {
            str(n): {"key": "", "name": name, "description": "a person in the film"} for n, name in enumerate(subjects)
        },
        "behaviors_conf": {str(n): _behavior(kind, key, analysis.events) for n, (kind, key) in enumerate(KEYS.items())},
        "behavioral_categories": [],
        "behavioral_categories_config": {},
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
        "observations": {plain(PurePath(analysis.recording.name).stem) or "film": observation},
    }
    return (json.dumps(project, indent=1) + "\n").encode()


def _behavior(kind: str, key: str, events: Iterable[Event]) -> dict[str, Any]:
    own = [event for event in events if event.kind == kind]
    classes = sorted({_modifier(event.label) for event in own} | {_modifier(c) for e in own for c in e.probabilities})
    units = dict.fromkeys(_unit_modifier(unit) for event in own for unit in event.action_units)
    sets = (("class", 0, classes), ("action units", 1, sorted(units)))
    length = "shorter than" if kind == "micro" else "of at least"
    return {
        "type": "State event",
        "key": key,
        "code": kind,
        "description": f"{kind}-expression: a movement of the face {length} half a second",
        "color": "",
        "category": "",
        "modifiers": {
            str(n): {"name": name, "description": "", "type": selection, "values": values}
            for n, (name, selection, values) in enumerate(sets)
        },
        "excluded": "",
        "coding map": "",
    }


def _rows(placed: Iterable[tuple[Event, int]]) -> Iterator[list[Any]]:
    """Yield two rows per event; only the first has a comment."""
    for event, layer in placed:
        units = ",".join(map(_unit_modifier, event.action_units)) or "None"
        subject, modifiers = layer_name(event.face, layer), f"{_modifier(event.label)}|{units}"
        end = max(event.end, event.start + 0.001)
        yield [round(event.start, 6), subject, event.kind, modifiers, describe_coding(event), event.onset]
        yield [round(end, 6), subject, event.kind, modifiers, "", event.offset]


def _unit_modifier(unit: ActionUnit) -> str:
    return unit.code if unit.side else f"AU{unit.number}"


def _modifier(text: str) -> str:
    return re.sub(f"[{re.escape(FORBIDDEN)}]", " ", plain(text)).strip() or "unknown"


def from_boris(content: bytes, name: str = "events.boris", times: FrameTimes | None = None) -> tuple[Event, ...]:
    """Read the events of an observation of a BORIS project, of microexpr or of a coder's own.

    Behaviors named micro or macro are events, and the others are not read; if there are none of these, every behavior
    is one, and its code is the class or the action units. Modifiers are class and action units by what they say. A
    point event is an event of one frame.

    Args:
        content: of the project, plain or packed by gzip.
        name: of the file, for error messages.
        times: of the frames of the film; chooses the observation of that film. Without them the frame rate is that
            which the project holds.

    Raises:
        DataError: it is no project; it has several observations and none is of that film; a state event has no end; the
            observation has a time offset or several films.
    """
    text = decode(gunzip(content, name), name)
    try:
        project = json.loads(text)
    except ValueError as error:
        raise DataError(f"'{name}' is not JSON: {error}") from None
    except RecursionError:
        raise DataError(f"'{name}' is nested too deeply for a BORIS project") from None
    observations = project.get("observations") if isinstance(project, dict) else None
    if not isinstance(observations, dict) or "behaviors_conf" not in project:
        raise DataError(f"'{name}' is no BORIS project: it has no observations and behaviors")
    try:
        return _from_project(project, observations, name, times)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"'{name}' is a damaged BORIS project: {type(error).__name__}: {error}") from None


def _from_project(
    project: Mapping[str, Any], observations: Mapping[str, Any], name: str, times: FrameTimes | None
) -> tuple[Event, ...]:
    if not observations:
        return ()
    id = _choose_observation(observations, "" if times is None else times.video, name)
    observation, where = observations[id], f"'{name}', observation '{id[:60]}'"
    if observation.get("time offset"):
        raise DataError(f"{where} has a time offset of {observation['time offset']} s; set it to 0 in BORIS")
    if times is None:
        times = _own_times(observation)
    types = {str(conf.get("code")): str(conf.get("type", "")) for conf in project["behaviors_conf"].values()}
    rows = [
        (float(row[0]), str(row[1]), str(row[2]), str(row[3]), str(row[4]))
        for row in (list(row) + [""] * 5 for row in observation.get("events", []))
    ]
    if any(tier_role(row[2]) in KINDS for row in rows):
        rows = [row for row in rows if tier_role(row[2]) in KINDS]
    rows = [row for row in rows if tier_role(row[2]) not in PARTS[4:]]
    faces = face_numbers([row[1] for row in rows], where)
    return to_events(_coded(sorted(rows, key=lambda row: row[0]), types, faces, where), times, name)


def _choose_observation(observations: Mapping[str, Any], video: str, name: str) -> str:
    """Return the id of the observation of a film: its film has that name, or it is the only one."""
    films = {id: [str(f) for f in (o.get("file") or {}).get("1", [])] for id, o in observations.items()}
    wanted = PurePath(video).name
    names = {id: {PurePath(film.replace("\\", "/")).name for film in own} for id, own in films.items()}
    fitting = [id for id, own in names.items() if wanted in own]
    id = fitting[0] if len(fitting) == 1 else one_of_the_film(list(observations), video, "observation", f"'{name}'")
    if len(films[id]) > 1:
        raise DataError(f"'{name}', observation '{id[:60]}' shows {len(films[id])} films in a row; code each by itself")
    return id


def _own_times(observation: Mapping[str, Any]) -> FrameTimes:
    rates = {float(rate) for rate in (observation.get("media_info") or {}).get("fps", {}).values()}
    films = (observation.get("file") or {}).get("1") or [""]
    return FrameTimes(PurePath(str(films[0])).name, fps=rates.pop() if len(rates) == 1 else 0.0)


def _coded(
    rows: Iterable[tuple[float, str, str, str, str]], types: Mapping[str, str], faces: Mapping[str, int], where: str
) -> Iterator[CodedEvent]:
    """Yield events; a state event begins and ends with a row of one subject, behavior and modifiers."""
    begun: dict[tuple[str, str, str], tuple[float, str]] = {}
    for seconds, subject, code, modifiers, comment in rows:
        if types.get(code, "").lower().startswith("point"):
            yield _event(where, (seconds, seconds), faces[subject], (code, modifiers, comment))
            continue
        key = (subject, code, modifiers)
        if key in begun:
            start, first = begun.pop(key)
            yield _event(where, (start, seconds), faces[subject], (code, modifiers, first or comment))
        else:
            begun[key] = (seconds, comment)
    for (subject, code, _), (start, _) in begun.items():
        raise DataError(f"{where}: '{code[:40]}' of '{subject[:40]}' begins at {start:.3f} s and has no end")


def _event(where: str, span: tuple[float, float], face: int, texts: tuple[str, str, str]) -> CodedEvent:
    """Return the event of a behavior, its modifiers and its comment."""
    code, modifiers, comment = texts
    where = f"{where}, {span[0]:.3f} s"
    said = [part.strip().replace(",", "+") for part in modifiers.split("|")]
    kind, units, rest = sort_texts([code, *(part for part in said if part != "None")])
    label = rest.pop(0) if rest else ""
    fields = read_coding(comment, where)
    if fields is None:
        fields = {"note": "; ".join(filter(None, [*rest, comment]))}
    return replace(CodedEvent(where, *span, face=face, kind=kind, label=label, units=units), **fields)


EVENT_FORMATS.add("boris", EventFormat("boris", ".boris", "BORIS project", to_boris, from_boris, default=False))
