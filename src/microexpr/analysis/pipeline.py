"""One recording from frames to files, and many of them at once."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from .. import __version__
from ..core.errors import DataError, MediaError, MicroexprError, RunError, one_line
from ..core.events import Analysis
from ..core.executors import Done, executor
from ..core.files import write_atomically
from ..core.progress import ProgressCallback, no_progress
from ..imaging.video import Frames, VideoFrames, file_signature, open_frames
from ..recognizers.model import Model, load_model
from .classify import classify_events, warnings
from .event_images import EventImages
from .formats import json_file as export
from .options import AnalysisOptions, Components
from .page import render_page
from .sources import output_folder, output_folders
from .summary import absolute_path, describe_recording, frame_damage, summarize_face, tracks_by_face

FILES = ("events.csv", "events.eaf", "report.html", "events.json")
"""In the order in which they are written: once the last is there, all are."""

MAX_ERROR_LENGTH = 600
"""Letters of a line about a fault."""

WORK = "work"
"""Below a recording's folder: its tracks, until all is written."""


@dataclass(frozen=True)
class AnalysisResult:
    """What came of one recording: an analysis, or the line that says why there is none."""

    source: Path
    folder: Path
    analysis: Analysis | None = None
    error: str = ""


def analyze_video(
    source: Path,
    out: Path,
    options: AnalysisOptions | None = None,
    progress: ProgressCallback | None = None,
    components: Components | None = None,
) -> Analysis:
    """Find the events of a video, or of a folder of frames, and write them into `out/<its name>`.

    What was finished with the same source, settings and version is read, not done again.

    Args:
        source: a video file, a folder of numbered frames, or a picture.
        out: the folder that gets a folder for each recording.
        options: settings.
        progress: told what is being done, how much of it is done, and how much there is.
        components: other trackers and spotters than ours.

    Raises:
        MediaError: the source cannot be read.
        RunError: the folder holds another recording's events, or events that a coder has judged.
    """
    return _analyze_into(
        Path(source),
        output_folder(Path(source), out),
        options or AnalysisOptions(),
        progress or no_progress,
        components,
    )


def analyze_videos(
    sources: Sequence[Path],
    out: Path,
    options: AnalysisOptions | None = None,
    progress: ProgressCallback | None = None,
    workers: int = 1,
    components: Components | None = None,
) -> list[AnalysisResult]:
    """`analyze` for several recordings, `workers` at once; one that cannot be read does not stop the others."""
    options, progress = options or AnalysisOptions(), progress or no_progress
    options.check()  # a wrong setting is one error, not one a recording
    folders = output_folders(sources, out)
    jobs = list(zip(sources, folders, strict=True))
    told = progress if workers == 1 or len(jobs) == 1 else no_progress
    job = partial(_job, options=options, progress=told, components=components)
    where = executor("local") if told is progress else executor("processes", workers)
    results: dict[int, AnalysisResult] = {}
    progress("recordings", 0, len(jobs))
    for index, outcome in where.run(job, jobs, None):
        value = (
            {"analysis": outcome.value} if isinstance(outcome, Done) else {"error": _short(one_line(outcome.reason))}
        )
        results[index] = AnalysisResult(*jobs[index], **value)
        progress("recordings", len(results), len(jobs))
    return [results[index] for index in range(len(jobs))]


def _short(text: str) -> str:
    """A line that can be read, although a name in it is thousands of letters long."""
    return (
        text
        if len(text) <= MAX_ERROR_LENGTH
        else f"{text[: MAX_ERROR_LENGTH // 2]} ... {text[-MAX_ERROR_LENGTH // 2 :]}"
    )


def _job(
    job: tuple[Path, Path],
    shared: None,
    *,
    options: AnalysisOptions,
    progress: ProgressCallback,
    components: Components | None,
) -> Analysis:
    return _analyze_into(*job, options, progress, components)


def _analyze_into(
    source: Path, folder: Path, options: AnalysisOptions, progress: ProgressCallback, components: Components | None
) -> Analysis:
    try:
        if source.suffix.lower() == ".txt" and source.is_file():
            raise MediaError(
                f"list '{source}' names no recording, or stands in a list; write one path a line, in UTF-8"
            )
        frames = open_frames(source, damaged=True)
        mark = _fingerprint(source, options)
        if folder.is_file():
            raise RunError(f"'{folder}' is a file; give another --out")
        if (old := _finished(folder, source, mark)) is not None:
            progress(f"{one_line(source.name)}: done before", 1, 1)
            return old
        try:
            analysis = _fresh(source, frames, folder, mark, options, progress, components or Components())
        except Exception:  # not a stop: the same command then goes on from the finished pass over the faces
            _clear(folder)
            raise
        _clear(folder)
        return analysis
    except MicroexprError:
        raise
    except OSError as fault:
        raise MediaError(f"'{fault.filename or source}' cannot be read or written: {fault.strerror}") from None


def _clear(folder: Path) -> None:
    """Takes the tracks away, and a folder that then holds nothing."""
    shutil.rmtree(folder / WORK, ignore_errors=True)
    with suppress(OSError):
        folder.rmdir()


def _fingerprint(source: Path, options: AnalysisOptions) -> str:
    model = "" if options.model_file is None else file_signature(options.model_file)
    facts = json.dumps([file_signature(source), options.resolved_settings(), model, __version__], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def _finished(folder: Path, source: Path, mark: str) -> Analysis | None:
    """What was found before, if nothing has changed since."""
    try:
        old = export.read(folder / "events.json")
    except DataError:
        return None  # nothing, or a half of it
    if old.fingerprint == mark and all((folder / name).is_file() for name in FILES):
        return old
    if old.recording.path != absolute_path(source):
        raise RunError(f"'{folder}' holds the events of '{old.recording.path}'; give another --out")
    if any(event.status != "found" for event in old.events):
        raise RunError(f"'{folder}' holds events that a coder has judged; give another --out")
    return None


def _fresh(
    source: Path,
    frames: Frames,
    folder: Path,
    mark: str,
    options: AnalysisOptions,
    progress: ProgressCallback,
    components: Components,
) -> Analysis:
    name, shape = one_line(source.absolute().name) or "recording", _shape(source, frames)
    work = folder / WORK
    work.mkdir(parents=True, exist_ok=True)
    told = partial(_told, progress, name)
    tracks = [track for track in components.track(frames, options, told, work) if len(track)]
    looks = {track: components.spot_with_curve(track, options) for track in tracks}
    recording = describe_recording(name, source, frames, options.fps, shape)
    faces = tuple(
        summarize_face(group, np.concatenate([looks[track][1] for track in group]), recording)
        for group in tracks_by_face(tracks)
    )
    model = None if options.model_file is None else load_model(options.model_file)
    found = [(track, one) for track in tracks for one in looks[track][0]]
    found.sort(key=lambda pair: (pair[1].onset, pair[0].face))
    events, pictures = classify_events(frames, recording, found, model, options, told, work)
    analysis = Analysis(
        recording,
        faces,
        events,
        (*_assumed(frames, options), *frame_damage(frames)[1], *warnings(recording, faces, model)),
        {**options.resolved_settings(), "about_model": _of_model(model)},
        __version__,
        mark,
    )
    _write(folder, analysis, pictures)
    return analysis


def _shape(source: Path, frames: Frames) -> tuple[int, ...]:
    """Of the first frame; the others of a video are not decoded for it."""
    if isinstance(frames, VideoFrames):
        first = next((picture for _, picture in frames), None)
    else:
        first = frames.read(frames.numbers[0]) if frames.numbers else None
    if first is None:
        lack = "no picture with a number in its name" if source.is_dir() else "no frame"
        raise MediaError(f"'{source}' holds {lack}")
    return first.shape


def _assumed(frames: Frames, options: AnalysisOptions) -> tuple[str, ...]:
    """What nobody said of a recording."""
    if isinstance(frames, VideoFrames) or "fps" in options.tracking or len(frames.numbers) < 2:
        return ()
    told = (
        f"pictures hold no time stamps: {options.fps:g} frames per second were assumed, and every time follows from it"
    )
    return (f"{told} (--fps)",)


def _of_model(model: Model | None) -> dict[str, str]:
    """What the file of a recognizer says of itself, without the course of its training."""
    return {} if model is None else {key: value for key, value in model.metadata.items() if key != "curves"}


def _told(progress: ProgressCallback, name: str, what: str, done: int, total: int) -> None:
    progress(f"{name}: {what}", done, total)


def _write(folder: Path, analysis: Analysis, pictures: Mapping[int, EventImages]) -> None:
    contents = {
        "events.csv": export.to_csv(analysis.events).encode(),
        "events.eaf": export.to_eaf(analysis, folder),
        "report.html": render_page(analysis, pictures).encode(),
        "events.json": export.to_json(analysis).encode(),
    }
    for name in FILES:
        write_atomically(folder / name, contents[name])
