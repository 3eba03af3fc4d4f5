"""Events and status of a live analysis in the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ..analysis.live.capture import Speed, open_camera_or_video
from ..analysis.live.session import LiveOptions, Status, analyze_camera
from ..analysis.options import AnalysisOptions
from ..core.events import Event
from .analyze import format_event
from .console import count

STATUS_SECONDS = 10.0
"""Seconds between two status lines where standard error is not a terminal."""


def run_in_terminal(source: str, speed: Speed, folder: Path, settings: LiveOptions, options: Mapping[str, Any]) -> None:
    """Analyze a camera or video live and print its events.

    Args:
        source: Number or device of a camera, or a video file.
        speed: How a video file is played.
        folder: Folder for the files of the events.
        settings: Settings of the live analysis.
        options: Settings of the analysis, as `analyze` takes them.
    """
    out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
    opened, analysis_options = open_camera_or_video(source, speed), AnalysisOptions.from_settings(options)
    err.print(f"watching {opened.name}; Ctrl-C stops and writes the files into {folder}", markup=False)
    with live_display(out, err) as (on_event, on_status):
        analysis = analyze_camera(opened, folder, analysis_options, settings, on_event, on_status)
    if analysis.faces and analysis.why_no_event:
        err.print(analysis.why_no_event, markup=False)
    for warning in analysis.warnings:
        err.print(f"note: {warning}", markup=False)
    for sentence in () if analysis.detection_limit is None else analysis.detection_limit.sentences():
        err.print(sentence, markup=False)
    counts = analysis.settings["live"]
    err.print(
        f"{count(len(analysis.events), 'event')} of {count(len(analysis.faces), 'face')} "
        f"in {analysis.recording.seconds:.1f} s; "
        f"{counts['processed']} of {counts['received']} frames processed, {counts['dropped']} dropped; "
        f"written to {folder}",
        markup=False,
    )


def format_status(status: Status) -> str:
    """One line: frame rates, dropped frames, faces, blinks, events."""
    return (
        f"{status.seconds:.1f} s  in {status.fps_in:.0f} fps  done {status.fps_done:.0f} fps  "
        f"dropped {status.dropped}  faces {status.faces}  blinks {status.blinks}  events {status.events}"
    )


@contextmanager
def live_display(out: Console, err: Console) -> Iterator[tuple[Callable[[Event], None], Callable[[Status], None]]]:
    """The callbacks `on_event` and `on_status`, which print.

    Events go to standard output, so that they can be piped; the status goes to standard error: on a terminal one line
    that is updated, elsewhere a line every ten seconds.
    """
    if not err.is_terminal:
        printed = time.monotonic()

        def print_status(status: Status) -> None:
            nonlocal printed
            if time.monotonic() - printed >= STATUS_SECONDS:
                printed = time.monotonic()
                err.print(format_status(status), markup=False)

        yield lambda event: out.print(format_event(event), markup=False), print_status
        return
    with Live(Text(""), console=err, refresh_per_second=4, transient=True) as display:
        events = display.console if out.is_terminal else out  # on one terminal the status line must stay below
        yield (
            lambda event: events.print(format_event(event), markup=False),
            lambda status: display.update(Text(format_status(status), style="cyan")),
        )
