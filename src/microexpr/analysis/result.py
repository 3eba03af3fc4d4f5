"""From faces and events to an `Analysis` and its files: the same for a recording and for a camera."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..core.events import EVENT_FORMATS, Analysis, Event, Face, Recording, default_formats
from ..core.files import write_atomically
from ..recognizers.model import Model
from .classify import warnings
from .event_images import EventImages
from .options import AnalysisOptions
from .page import render_page

FRAMES = "frames.csv"
"""A row for each frame and face, as `frame_table` writes it."""

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
    """Names of the files of events that are written where no format is named."""
    return tuple(EVENT_FORMATS.get(name).file_name for name in default_formats())


def analysis_files() -> tuple[str, ...]:
    """Names of all files that the analysis of a recording leaves where no format is named."""
    return (*event_files(), FRAMES, REPORT)


def write_analysis(
    folder: Path,
    analysis: Analysis,
    images: Mapping[int, EventImages],
    frames: bytes,
    formats: Collection[str] | None = None,
) -> None:
    """Write the report, the table of frames and then the events; `events.json` comes last: all are there with it.

    Args:
        folder: folder of the recording.
        analysis: what to write.
        images: images of events by their index, for the report.
        frames: content of `frames.csv`.
        formats: names from `EVENT_FORMATS`; the default ones if None. Formats whose file is there are written too, so
            that no file of an older analysis stays.
    """
    write_atomically(folder / REPORT, render_page(analysis, images).encode())
    write_atomically(folder / FRAMES, frames)
    present = [name for name, form in EVENT_FORMATS if (folder / form.file_name).is_file()]  # of an older analysis
    analysis.save(folder, {*(default_formats() if formats is None else formats), *present, "json"})


def save_missing(folder: Path, analysis: Analysis, formats: Collection[str] | None) -> None:
    """Write the files of events that a folder lacks, from the analysis that is in it."""
    wanted = default_formats() if formats is None else formats
    missing = [name for name in wanted if not (folder / EVENT_FORMATS.get(name).file_name).is_file()]
    if missing:
        analysis.save(folder, missing)


def check_formats(formats: Collection[str] | None) -> None:
    """Raise an error if there is no such format.

    Raises:
        UnknownNameError: there is none; the message names the nearest.
    """
    for name in formats or ():
        EVENT_FORMATS.get(name)
