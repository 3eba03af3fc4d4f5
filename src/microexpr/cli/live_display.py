"""What a person sees while a camera is watched: a line an event, and how it goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live as Display
from rich.text import Text

from ..analysis.live.capture import Speed, open_camera_or_video
from ..analysis.live.session import LiveOptions, Status, live
from ..analysis.options import AnalysisOptions
from ..core.events import Event

STATUS_SECONDS = 10.0
"""Seconds from line to line where there is no screen."""


def run_in_terminal(source: str, speed: Speed, folder: Path, settings: LiveOptions, options: Mapping[str, Any]) -> None:
    """`live` before the eyes of a person.

    Args:
        source: number or device of a camera, or a video file.
        speed: of a video file.
        folder: gets the events.
        settings: of the window.
        options: settings as `analyze` takes them.
    """
    out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
    opened, chosen = open_camera_or_video(source, speed), AnalysisOptions.from_settings(options)
    err.print(f"watching {opened.name}; Ctrl-C ends it and writes the files into {folder}", markup=False)
    with screen(out, err) as (told, shown):
        found = live(opened, folder, chosen, settings, told, shown)
    for warning in found.warnings:
        err.print(f"note: {warning}", markup=False)
    counts = found.settings["live"]
    err.print(
        f"{len(found.events)} events of {len(found.faces)} faces in {found.recording.seconds:.1f} s; "
        f"{counts['processed']} of {counts['received']} frames done, {counts['dropped']} dropped; kept in {folder}",
        markup=False,
    )


def line_of(event: Event) -> str:
    """Time, face, kind, length, class and its share, warnings."""
    share = f" {event.probabilities[event.label]:.2f}" if event.label in event.probabilities else ""
    told = f"; {', '.join(event.warnings)}" if event.warnings else ""
    return (
        f"{event.start:8.2f} s  face {event.face}  {event.kind}  {1000 * event.seconds:5.0f} ms  "
        f"{event.label}{share}{told}"
    )


def line_of_status(now: Status) -> str:
    """One line."""
    return (
        f"{now.seconds:.1f} s  in {now.fps_in:.0f} fps  done {now.fps_done:.0f} fps  dropped {now.dropped}  "
        f"faces {now.faces}  blinks {now.blinks}  events {now.events}"
    )


@contextmanager
def screen(out: Console, err: Console) -> Iterator[tuple[Callable[[Event], None], Callable[[Status], None]]]:
    """Two functions that show events and how it goes.

    Events go to standard output, so that they can be piped; the rest to standard error: a line that changes on a
    terminal, a line every ten seconds elsewhere.
    """
    if not err.is_terminal:
        last = [time.monotonic()]

        def now_and_then(status: Status) -> None:
            if time.monotonic() - last[0] >= STATUS_SECONDS:
                last[0] = time.monotonic()
                err.print(line_of_status(status), markup=False)

        yield lambda event: out.print(line_of(event), markup=False), now_and_then
        return
    with Display(Text(""), console=err, refresh_per_second=4, transient=True) as display:
        above = display.console if out.is_terminal else out  # on one terminal the changing line must know of it
        yield (
            lambda event: above.print(line_of(event), markup=False),
            lambda status: display.update(Text(line_of_status(status), style="cyan")),
        )
