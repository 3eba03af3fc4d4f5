"""`microexpr analyze`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import one_line
from ..core.events import describe_action_units, format_probability, unit_codes
from ..core.progress import show_progress
from .console import count, out, print_status
from .options import (
    Address,
    AnalysisSettings,
    DetectionLimit,
    Formats,
    Model,
    Plugins,
    Sensitivity,
    Threshold,
    chosen_formats,
    complete_executor,
    load_plugins,
    parse_settings,
)

if TYPE_CHECKING:
    from ..analysis import AnalysisResult
    from ..core.events import Event

MAX_EVENTS = 20
"""Events of a recording that are printed; its files hold all."""


def analyze(
    context: typer.Context,
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="VIDEO|FOLDER|LIST.txt...",
            help="Videos, folders of videos or of numbered frames, folders of these, or text files that list them.",
        ),
    ],
    folder: Annotated[Path, typer.Option("--out", help="Folder that gets a subfolder for each recording.")] = Path(
        "events"
    ),
    model: Model = "default",
    threshold: Threshold = 0.5,
    fps: Annotated[
        float | None,
        typer.Option(
            help="Frames per second of the camera, for folders of frames and for films stored to be played slowly."
        ),
    ] = None,
    formats: Formats = [],
    sensitivity: Sensitivity = 0.5,
    exclude: Annotated[
        list[str],
        typer.Option(
            metavar="FROM-TO",
            help="Time that is not searched for events, in every recording, e.g. 0:12-0:30; may be given again.",
        ),
    ] = [],
    detection_limit: DetectionLimit = True,
    executor: Annotated[
        str,
        typer.Option(
            help="Where recordings are analyzed: local, processes, ray or one of a plug-in.",
            autocompletion=complete_executor,
        ),
    ] = "",
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of recordings that are analyzed at once; with --executor, one for each core if left out.",
        ),
    ] = None,
    address: Address = None,
    settings: AnalysisSettings = [],
    plugin: Plugins = [],
) -> None:
    """Find and classify facial movements in recordings. The same command continues an interrupted analysis."""
    from ..analysis import AnalysisOptions, analyze_videos, recordings
    from ..core.executors import executor as build_executor

    load_plugins(plugin)
    name = executor or ("processes" if (workers or 1) > 1 else "local")
    where = build_executor(name, workers, address)
    values = {"model": model, "threshold": threshold, "sensitivity": sensitivity, "detection_limit": detection_limit}
    if exclude:
        values["exclude"] = exclude
    if fps is not None:
        values["tracking.fps"] = fps
    options = AnalysisOptions.from_settings({**values, **parse_settings(settings)})
    found = recordings(sources, print_status)
    with show_progress() as progress:
        results = analyze_videos(found, folder, options, progress, executor=where, formats=chosen_formats(formats))
    failures = _print_results(results, debug=context.find_root().params["debug"])
    if failures:
        raise typer.Exit(1)


def format_event(event: Event) -> str:
    """One line: start, face, kind, duration, class with its probability or why there is none, movement, warnings."""
    text = f"{event.start:8.2f} s  face {event.face}  {event.kind}  {1000 * event.seconds:5.0f} ms  {event.label}"
    if event.label in event.probabilities:
        text += f" {format_probability(event.probabilities[event.label])}"
    elif event.probabilities and event.reason:
        text += f": {event.reason}"
    movement = " ".join(filter(None, (unit_codes(event), describe_action_units(event))))
    return "; ".join(filter(None, (text, movement, ", ".join(event.warnings))))


def _print_results(results: Sequence[AnalysisResult], debug: bool) -> int:
    """Print the events of each recording and where its files are; return how many recordings could not be analyzed.

    Args:
        results: of all recordings.
        debug: whether to print the traceback of an error.
    """
    for result in results:
        analysis = result.analysis
        if analysis is None:
            print_status((f"{result.details.rstrip()}\n" if debug else "") + f"microexpr: {result.error}")
            continue
        name = one_line(result.source.name) or str(result.source)
        faces = count(len(analysis.faces), "face") if analysis.faces else "no face"
        events = count(len(analysis.events), "event")
        out.print(f"{name}: {events}, {faces}, {analysis.recording.seconds:.1f} s", markup=False)
        for event in analysis.events[:MAX_EVENTS]:
            out.print(f"  {format_event(event)}", markup=False)
        if len(analysis.events) > MAX_EVENTS:
            out.print(f"  ... and {len(analysis.events) - MAX_EVENTS} more", markup=False)
        if analysis.faces and analysis.why_no_event:
            out.print(f"  {analysis.why_no_event}", markup=False)
        for warning in analysis.warnings:
            out.print(f"  note: {warning}", markup=False)
        for sentence in () if analysis.detection_limit is None else analysis.detection_limit.sentences():
            out.print(f"  {sentence}", markup=False)
        out.print(f"  {result.folder / 'report.html'}", markup=False)
    if results and (page := results[0].folder.with_name("index.html")).is_file():
        out.print(f"all recordings: {page}", markup=False)
    failures = sum(result.analysis is None for result in results)
    if failures and len(results) > 1:
        print_status(f"{failures} of {len(results)} recordings could not be analyzed")
    return failures
