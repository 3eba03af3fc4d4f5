"""From faces and events to an `Analysis` and its files: the same for a recording and for a camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..core.events import EVENT_FORMATS, Analysis, Event, Face, Recording
from ..core.files import write_atomically
from ..recognizers.model import Model
from .classify import warnings
from .event_images import EventImages
from .options import AnalysisOptions
from .page import render_page

REPORT = "report.html"
"""The page with a time line and the images of each event."""


def build_analysis(
    recording: Recording,
    faces: Sequence[Face],
    events: Sequence[Event],
    model: Model | None,
    options: AnalysisOptions,
    *,
    notes: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    fingerprint: str = "",
) -> Analysis:
    """Put together what was found, with the warnings and the settings that belong to it.

    Args:
        recording: properties of the recording.
        faces: the persons in it.
        events: the facial movements.
        model: the recognizer that named them; None for none.
        options: settings of the analysis.
        notes: warnings that only the driver knows of, e.g. dropped frames; they come first.
        settings: further settings of the driver, by name.
        fingerprint: hash of source, settings, model and version.
    """
    spotter = options.build_spotter()
    about: dict[str, Any] = {}
    if model is not None:
        about = {key: value for key, value in model.metadata.items() if key != "curves"}
        about["classes"] = list(model.classes)
    return Analysis(
        recording,
        tuple(faces),
        tuple(events),
        (*notes, *warnings(recording, faces, model, spotter.learned_from)),
        {**options.resolved_settings(), "about_model": about, **(settings or {})},
        __version__,
        fingerprint,
        spotter_threshold=spotter.min_score if spotter.curve_is_score else None,
        excluded=options.excluded,
    )


def event_files() -> tuple[str, ...]:
    """Names of the files of events: one for each format."""
    return tuple(form.file_name for _, form in EVENT_FORMATS)


def analysis_files() -> tuple[str, ...]:
    """Names of all files that the analysis of a recording leaves."""
    return (*event_files(), REPORT)


def write_analysis(folder: Path, analysis: Analysis, images: Mapping[int, EventImages]) -> None:
    """Write the report and then the events in every format; `events.json` comes last, so that all are there with it.

    Args:
        folder: folder of the recording.
        analysis: what to write.
        images: images of events by their index, for the report.
    """
    write_atomically(folder / REPORT, render_page(analysis, images).encode())
    analysis.save(folder)
