"""`microexpr live`: parsing only."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .options import AnalysisSettings, Model, Plugins, Threshold, load_plugins, settings_of


class Pace(StrEnum):
    """How a file is played."""

    real = "real"
    fast = "fast"


def live(
    source: Annotated[
        str, typer.Argument(metavar="CAMERA|VIDEO", help="Number or device of a camera, or a video to play as one.")
    ] = "0",
    out: Annotated[Path | None, typer.Option(help="A new folder for the events; live/<date-time> if left out.")] = None,
    model: Model = "default",
    threshold: Threshold = 0.5,
    speed: Annotated[
        Pace, typer.Option(help="Of a video: by the clock, as a camera, or as fast as it is done, without drops.")
    ] = Pace.real,
    window: Annotated[float, typer.Option(help="Seconds that are kept in memory and looked at.")] = 12.0,
    set: AnalysisSettings = [],
    plugin: Plugins = [],
) -> None:
    """The facial movements before a camera as they come; Ctrl-C ends it and writes the files."""
    from ..analysis.live import LiveOptions
    from .live_display import run_in_terminal

    load_plugins(plugin)
    folder = out or Path("live", datetime.now().astimezone().strftime("%Y%m%d-%H%M%S"))
    values = {"model": model, "threshold": threshold, **settings_of(set)}
    run_in_terminal(source, speed.value, folder, LiveOptions(window=window), values)
