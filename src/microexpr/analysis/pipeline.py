"""The driver for recordings: one from its frames to its files, or many of them at once."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from .. import __version__
from ..core.clip import Frames
from ..core.errors import DataError, MediaError, MicroexprError, RunError, UsageError, one_line
from ..core.events import Analysis
from ..core.executors import Done, Executor
from ..core.executors.local import Local
from ..core.executors.processes import Processes
from ..core.files import locked
from ..core.progress import ProgressCallback, no_progress, show_progress
from ..imaging.frames import describe_contents, file_signature, open_frames
from ..imaging.timing import iter_frames
from ..imaging.video import VideoFrames
from .candidates import beside_events, to_candidates
from .causes import face_notes, left_out_notes, mark_nested, sift
from .classify import classify_events, unknown_gaze
from .event_images import EventImages
from .exclusion import exclusion_notes, outside, without_excluded
from .formats.json_file import read_analysis
from .frame_table import frame_table
from .options import AnalysisOptions, Components
from .orientation import INVERTED
from .overview import write_overview
from .result import FRAMES, REPORT, build_analysis, check_formats, save_missing, write_analysis
from .sources import output_folder, output_folders
from .summary import (
    absolute_path,
    describe_recording,
    frame_damage,
    frame_times,
    summarize_face,
    thin_curve,
    tracks_by_face,
)

MAX_ERROR_LENGTH = 600
"""Characters of an error message; the middle of a longer one is left out."""

WORK = "work"
"""Folder of the tracks, below the folder of a recording, until everything is written."""


@dataclass(frozen=True)
class AnalysisResult:
    """The outcome for one recording: an analysis, or the line that says why there is none.

    Attributes:
        source: the recording.
        folder: the folder of its files.
        analysis: what was found; None after an error.
        error: the error message, in one line; "" where there was none.
        details: the traceback of the error.
    """

    source: Path
    folder: Path
    analysis: Analysis | None = None
    error: str = ""
    details: str = ""


def analyze_video(
    path: Path | str,
    out: Path | str | None = None,
    options: AnalysisOptions | None = None,
    progress: ProgressCallback | bool = True,
    components: Components | None = None,
    formats: Collection[str] | None = None,
    **settings: Any,
) -> Analysis:
    """Find the facial movements in a video, a folder of frames or an image.

    With `out`, the files of events and a page are written into `out/<name of the recording>`. An analysis of the same
    source with the same settings, model and version that is already there is read instead of repeated.

    Args:
        path: a video file, a folder of numbered frames, or an image.
        out: folder that gets a folder for each recording; without it nothing is written.
        options: the settings as one object.
        progress: True shows a progress bar, False nothing; or a function, called with what is being done, how much of
            it is done, and how much there is.
        components: another tracker or spotter than those that `options` names.
        formats: names from `EVENT_FORMATS` of the files of events; by default CSV, ELAN and JSON. `events.json` is
            always written.
        **settings: single settings of `AnalysisOptions` instead of `options`, e.g. `threshold=0.6`,
            `spotter="mdmd"` or `tracking={"max_faces": 1}`.

    Returns:
        What was found: `.events`, `.faces`, `.to_dataframe()`, `.save(folder)`.

    Raises:
        MediaError: the source cannot be read.
        RunError: the folder holds the events of another recording, or events that a coder has reviewed.
        UsageError: a setting is unknown or wrong.
    """
    if options is not None and settings:
        raise UsageError(f"give either options or single settings ({', '.join(settings)}), not both")
    source, options = Path(path), options or AnalysisOptions.from_settings(settings)
    components = components or Components()
    check_formats(formats)
    with show_progress(progress) as callback:
        if out is not None:
            return _analyze_into(source, output_folder(source, Path(out)), options, callback, components, formats)
        with _readable_errors(source), TemporaryDirectory() as work:
            return _analyze(source, _open(source, options), Path(work), "", options, callback, components)[0]


def analyze_videos(
    paths: Sequence[Path | str],
    out: Path | str,
    options: AnalysisOptions | None = None,
    progress: ProgressCallback | bool = True,
    workers: int = 1,
    executor: Executor | None = None,
    components: Components | None = None,
    formats: Collection[str] | None = None,
) -> list[AnalysisResult]:
    """Analyze several recordings as `analyze_video` does; one that fails does not stop the others.

    Where `out` holds several, it gets an `events.csv` with the events of all, and an `index.html` that leads to their
    pages.

    Args:
        paths: the recordings; `recordings` makes a list of them from folders of videos and lists.
        out: folder that gets a folder for each recording.
        options: the settings.
        progress: as for `analyze_video`.
        workers: number of recordings that are analyzed at once, each in a process of its own.
        executor: where they are analyzed instead, e.g. `microexpr.core.executors.executor("ray", address="auto")`,
            whose machines see recordings and `out` under the same paths.
        components: another tracker or spotter than those that `options` names.
        formats: as for `analyze_video`.

    Returns:
        The outcome of each recording, in the order of `paths`.

    Raises:
        UsageError: a setting is wrong, a recording is given twice, or both workers and an executor are given.
    """
    if workers < 1:
        raise UsageError(f"workers = {workers}: it is the number of recordings at once, 1 or more")
    if executor is not None and workers != 1:
        raise UsageError(f"workers = {workers}: an executor has its own number of workers; give one of the two")
    options = options or AnalysisOptions()
    options.check()  # a wrong setting is one error, not one for each recording
    check_formats(formats)
    sources = [Path(path) for path in paths]
    jobs = list(zip(sources, output_folders(sources, Path(out)), strict=True))
    at_once = min(workers, len(jobs))
    runner = executor or (Processes(at_once) if at_once > 1 else Local())
    runner.check()
    here = isinstance(runner, Local)
    if runner.remote:  # a worker of a cluster runs in another folder
        jobs = [(source.absolute(), target.absolute()) for source, target in jobs]
    results: dict[int, AnalysisResult] = {}
    with show_progress(progress) as callback:
        job = partial(
            _run_job,
            options=options,
            progress=callback if here else no_progress,
            components=components or Components(),
            formats=formats,
        )
        callback("recordings", 0, len(jobs))
        for index, outcome in runner.run(job, jobs, None):
            if isinstance(outcome, Done):
                results[index] = AnalysisResult(*jobs[index], outcome.value)
            else:
                reason = _shorten(one_line(outcome.reason))
                results[index] = AnalysisResult(*jobs[index], error=reason, details=outcome.details)
            callback("recordings", len(results), len(jobs))
    outcomes = [results[index] for index in range(len(jobs))]
    failures = [(one_line(outcome.source.name), outcome.error) for outcome in outcomes if outcome.analysis is None]
    with _readable_errors(Path(out)):
        write_overview(Path(out), failures)
    return outcomes


def _shorten(text: str) -> str:
    """Leave the middle out of a message in which a file name is thousands of characters long."""
    half = MAX_ERROR_LENGTH // 2
    return text if len(text) <= MAX_ERROR_LENGTH else f"{text[:half]} ... {text[-half:]}"


def _run_job(
    job: tuple[Path, Path],
    shared: None,
    *,
    options: AnalysisOptions,
    progress: ProgressCallback,
    components: Components,
    formats: Collection[str] | None,
) -> Analysis:
    return _analyze_into(*job, options, progress, components, formats)


@contextmanager
def _readable_errors(source: Path) -> Iterator[None]:
    """Turn an error of the operating system into one that names the file."""
    try:
        yield
    except MicroexprError:
        raise
    except OSError as error:
        raise MediaError(f"'{error.filename or source}' cannot be read or written: {error.strerror}") from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder of a recording, into which two analyses at once would write the same files."""
    try:
        with locked(folder):
            yield
    except BlockingIOError:
        raise RunError(f"'{folder}' is being written by another analysis; wait for it, or give another --out") from None


def _open(source: Path, options: AnalysisOptions) -> Frames:
    if source.suffix.lower() == ".txt" and source.is_file():
        raise MediaError(f"list '{source}' names no recording, or stands in a list; write one path a line, in UTF-8")
    return open_frames(source, damaged=True, camera_fps=options.camera_fps)


def _analyze_into(
    source: Path,
    folder: Path,
    options: AnalysisOptions,
    progress: ProgressCallback,
    components: Components,
    formats: Collection[str] | None,
) -> Analysis:
    with _readable_errors(source):
        frames = _open(source, options)
        fingerprint = _fingerprint(source, options)
        if folder.is_file():
            raise RunError(f"'{folder}' is a file; give another --out")
        if (old := _finished(folder, source, fingerprint)) is not None:
            progress(f"{one_line(source.name)}: done before", 1, 1)
            save_missing(folder, old, formats)
            return old
        with _locked(folder):
            if (old := _finished(folder, source, fingerprint)) is not None:  # by another process, meanwhile
                save_missing(folder, old, formats)
                return old
            work = folder / WORK
            try:
                work.mkdir(parents=True, exist_ok=True)
                analysis, images, table = _analyze(source, frames, work, fingerprint, options, progress, components)
                write_analysis(folder, analysis, images, table(), formats)
            except Exception:  # not an interrupt: after one, the same command continues from the finished tracks
                _remove_work(folder)
                raise
            _remove_work(folder)
        return analysis


def _remove_work(folder: Path) -> None:
    """Remove the tracks, and the folder where nothing else is in it."""
    shutil.rmtree(folder / WORK, ignore_errors=True)
    with suppress(OSError):
        folder.rmdir()


def _fingerprint(source: Path, options: AnalysisOptions) -> str:
    model = "" if options.model_file is None else file_signature(options.model_file)
    settings = [options.resolved_settings(), options.camera_fps]
    content = json.dumps([file_signature(source), settings, model, __version__], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _finished(folder: Path, source: Path, fingerprint: str) -> Analysis | None:
    """Read the analysis that is already in a folder; None where it is incomplete or of other settings.

    Files of events may be missing: they can be written from what is there.
    """
    try:
        old = read_analysis(folder / "events.json")
    except DataError:
        return None
    if old.fingerprint == fingerprint and all((folder / name).is_file() for name in (REPORT, FRAMES)):
        return old
    if old.recording.path != absolute_path(source):
        raise RunError(f"'{folder}' holds the events of '{old.recording.path}'; give another --out")
    if any(event.status != "found" for event in old.events):
        raise RunError(f"'{folder}' holds events that a coder has reviewed; give another --out")
    return None


def _analyze(
    source: Path,
    frames: Frames,
    work: Path,
    fingerprint: str,
    options: AnalysisOptions,
    progress: ProgressCallback,
    components: Components,
) -> tuple[Analysis, Mapping[int, EventImages], Callable[[], bytes]]:
    """Run every part; the analysis, images of its events by their index, and what makes the table of frames.

    Args:
        source: the recording.
        frames: its frames.
        work: folder for the tracks; those of an interrupted analysis are found there again.
        fingerprint: hash of source, settings, model and version.
        options: the settings.
        progress: called as the work goes on.
        components: tracker and spotter.
    """
    name, shape = one_line(source.absolute().name) or "recording", _frame_shape(source, frames)

    def report(what: str, done: int, total: int) -> None:
        progress(f"{name}: {what}", done, total)

    tracks = [track for track in components.track(frames, options, report, work) if len(track)]
    inverted = components.is_inverted(frames, tracks)
    tracks = [] if inverted else tracks
    searched = [part for track in tracks if len(part := without_excluded(track, options.excluded))]
    spotted = {track: components.search(track, options) for track in searched}
    recording = describe_recording(name, source, frames, options.fps, shape)
    curves = {
        group[0].face: thin_curve(
            np.concatenate([track.times for track in group]), np.concatenate([spotted[track].curve for track in group])
        )
        for group in tracks_by_face(searched)
    }
    faces = [
        summarize_face(group, curves.get(group[0].face, ()), recording, options.min_quality)
        for group in tracks_by_face(tracks)
    ]
    model = options.load_model()
    pairs = [p for track in searched for p in outside(track, spotted[track].intervals, options.excluded)]
    found, left_out = sift(pairs)
    found.sort(key=lambda pair: (pair[1].onset, pair[0].face))
    weaker = [p for track in searched for p in outside(track, spotted[track].weaker, options.excluded)]
    classified, images = classify_events(frames, recording, found, model, options, report)
    events = mark_nested(classified)
    notes = (
        *((INVERTED,) if inverted else ()),
        *_rate_notes(frames, options),
        *frame_damage(frames, options.fps)[1],
        *(note for group in tracks_by_face(tracks) for note in face_notes(group)),
        *exclusion_notes(options.excluded, recording),
        *left_out_notes(Counter(why for _, _, why in left_out)),
        *unknown_gaze(found),
    )
    report("detection limit", 0, 1)
    detection_limit = components.measure_detection_limit(
        [(track, spotted[track].intervals) for track in searched], options, recording.frames
    )
    analysis = build_analysis(recording, faces, events, model, options, notes=notes, fingerprint=fingerprint)
    candidates = beside_events(to_candidates(weaker, left_out), events)
    movement = {track: spotted[track].curve for track in searched}
    table = partial(frame_table, tracks, movement, *frame_times(frames, options.fps))
    return replace(analysis, detection_limit=detection_limit, candidates=candidates), images, table


def _frame_shape(source: Path, frames: Frames) -> tuple[int, ...]:
    """Shape of the first readable frame; the other frames are not decoded for it."""
    try:
        _, _, first = next(iter_frames(frames, 1.0))
    except StopIteration:
        unreadable = getattr(frames, "unreadable", {})
        why = next(iter(unreadable.values()), f"'{source}' holds no frame: {describe_contents(source)}")
        raise MediaError(why) from None
    return first.shape


def _rate_notes(frames: Frames, options: AnalysisOptions) -> tuple[str, ...]:
    """Warn about a frame rate that was assumed, or given for nothing, and about the header of a video."""
    if isinstance(frames, VideoFrames):
        return frames.header.notes
    if len(frames.numbers) < 2:
        return ()
    if getattr(frames, "times", ()):
        unused = "the names of the images are their times, so the given frames per second (--fps) were not used"
        return () if options.camera_fps is None else (unused,)
    if options.camera_fps is not None:
        return ()
    return (
        f"image files hold no time stamps: {options.fps:g} frames per second were assumed, and every time depends on "
        "it (--fps)",
    )
