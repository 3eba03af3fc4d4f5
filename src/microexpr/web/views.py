"""JSON responses and downloads."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path
from typing import Any

from ..analysis.coded_files import read_events
from ..analysis.face_map import face_map
from ..analysis.formats import EVENT_FORMATS
from ..analysis.person_table import person_lines
from ..core.action_units import ACTION_UNITS, MIDLINE
from ..core.classes import COARSE_CLASSES
from ..core.events import Analysis, Event, describe_action_units, unit_codes
from ..core.files import slug
from ..core.frame_times import FrameTimes
from ..metrics.agreement import Agreement, agreement
from .annotations import Annotations, second_round_note
from .store import FRAMES_FILE, PREVIEW_FILE, REPORT_FILE, RecordingStore


def recording_view(store: RecordingStore, id: str) -> dict[str, Any]:
    """Everything that the page shows of an analyzed recording.

    Args:
        store: the recordings.
        id: of the recording.
    """
    analysis = store.analysis(id)
    model = analysis.settings.get("about_model") or {}
    annotations = store.annotations(id)
    folder = store.folder(id)
    has_preview = (folder / PREVIEW_FILE).is_file()
    return {
        "id": id,
        "recording": {**dataclasses.asdict(analysis.recording), "path": ""},
        "faces": [dataclasses.asdict(face) for face in analysis.faces],
        "spotter_threshold": analysis.spotter_threshold,
        "why_no_event": analysis.why_no_event,
        "warnings": list(analysis.warnings),
        "detection_limit": [] if analysis.detection_limit is None else list(analysis.detection_limit.sentences()),
        "classes": class_choices(analysis, annotations),
        "action_units": [
            {"number": number, "name": name, "sided": number not in MIDLINE} for number, name in ACTION_UNITS.items()
        ],
        "synthetic": model.get("synthetic") == "true",
        "recognizer": model.get("recipe", ""),
        "playable": has_preview or Path(store.info(id).file).suffix in (".mp4", ".webm"),
        "has_preview": has_preview,
        "has_report": (folder / REPORT_FILE).is_file(),
        "has_frames": (folder / FRAMES_FILE).is_file(),
        "formats": [
            {"name": name, "suffix": entry.suffix, "title": entry.title, "readable": entry.read is not None}
            for name, entry in EVENT_FORMATS
        ],
        **events_view(store, id),
    }


def class_choices(analysis: Analysis, annotations: Annotations) -> list[str]:
    """Classes that a coder can choose from: the recognizer's, those in use, and `unknown`."""
    recognized = analysis.classes or COARSE_CLASSES
    used = [event.label for event in annotations.events.values()]
    return list(dict.fromkeys([*recognized, *used, "unknown"]))


def events_view(store: RecordingStore, id: str) -> dict[str, Any]:
    """What a change of the annotations changes on the page.

    The events that are to be judged, their numbers in the same order, how many changes can be undone, excluded time,
    movements that are no events, the table of the people, and the second round.
    """
    annotations, analysis = store.annotations(id), store.annotated_analysis(id)
    ordered = annotations.ordered()
    return {
        "events": [{**dataclasses.asdict(event), "movement": describe_action_units(event)} for _, event in ordered],
        "numbers": [number for number, _ in ordered],
        "undo_steps": annotations.undo_steps,
        "round": annotations.round,
        "round_note": "".join(second_round_note(annotations)),
        "excluded": [list(span) for span in annotations.excluded],
        "candidates": [dataclasses.asdict(candidate) for candidate in analysis.candidates],
        "people": person_lines(analysis),
    }


def event_map(store: RecordingStore, id: str, number: int) -> str:
    """Return the face map of an event as SVG; one without anything in it if nothing was measured.

    Args:
        store: the recordings.
        id: of the recording.
        number: of the event.

    Raises:
        MissingDataError: there is no such recording or event.
    """
    return str(face_map(store.annotations(id).event(number))) or '<svg xmlns="http://www.w3.org/2000/svg"/>'


def export_events(analysis: Analysis, format: str, coder: str) -> tuple[str, bytes]:
    """Return name and content of a file of events; a zip file where the format has two files.

    Args:
        analysis: with the events as they are annotated, and without the path of the video.
        format: name of an entry of `EVENT_FORMATS`.
        coder: name that becomes part of the file name.

    Raises:
        UnknownNameError: there is no such format.
    """
    file_format = EVENT_FORMATS.get(format)
    stem = slug(Path(analysis.recording.name).stem).strip("-.")[:60] or "recording"
    name = "-".join(filter(None, [stem, slug(coder).strip("-.")[:40], file_format.stem]))
    files = file_format.files(analysis, Path())
    if len(files) == 1:
        return name + file_format.suffix, files[file_format.file_name]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for inner, content in files.items():
            archive.writestr(inner, content)
    return f"{name}.zip", packed.getvalue()


def begin_second_round(store: RecordingStore, id: str, content: bytes, name: str) -> None:
    """Let only those events be judged on which another coder agreed, whatever their class.

    Args:
        store: the recordings.
        id: of the recording.
        content: of the other coder's file.
        name: of this file.

    Raises:
        DataError: as `agreement_view`.
        UsageError: the coders agreed on no event.
    """
    result = _agreement(store, id, content, name)

    def begin(annotations: Annotations) -> Annotations:
        agreed = [number for number, event in annotations.ordered() if event in result.agreed]
        return annotations.begin_second_round(agreed, f"{result.first} and {result.second}")

    store.annotate(id, begin)


def _agreement(store: RecordingStore, id: str, content: bytes, name: str) -> Agreement:
    times = store.times(id)
    second = read_events(content, name, FrameTimes(store.info(id).name, times))
    return agreement(store.annotated_analysis(id).events, second, range(len(times)), times=times)


def agreement_view(store: RecordingStore, id: str, content: bytes, name: str) -> dict[str, Any]:
    """Cohen's kappa between the current events and another coder's, and every difference.

    Args:
        store: the recordings.
        id: of the recording.
        content: of the other coder's file, in one of the readable `EVENT_FORMATS`.
        name: of this file.

    Raises:
        DataError: the file is no file of events, or its events do not belong to this recording.
    """
    result = _agreement(store, id, content, name)
    fields = ("face", "onset", "apex", "offset", "start", "end", "label", "status", "coder", "note")

    def as_json(event: Event | None) -> dict[str, Any] | None:
        return None if event is None else {name: getattr(event, name) for name in fields} | {"units": unit_codes(event)}

    differences = [
        {"what": difference.what, "first": as_json(difference.first), "second": as_json(difference.second)}
        for difference in result.differences
    ]
    return {
        "first": result.first,
        "second": result.second,
        "frames": result.frames,
        "time_kappa": result.time_kappa,
        "class_kappa": result.class_kappa,
        "unit_ratio": result.unit_ratio,
        "units": [dataclasses.asdict(unit) for unit in result.units],
        "matched": result.matched,
        "onset_seconds": result.onset_seconds,
        "unreviewed": result.unreviewed,
        "differences": differences,
    }
