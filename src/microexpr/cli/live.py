"""`microexpr live`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .options import (
    AnalysisSettings,
    DetectionLimit,
    Model,
    Plugins,
    Sensitivity,
    Threshold,
    load_plugins,
    parse_settings,
)


class PlaybackSpeed(StrEnum):
    """Values of `--speed`."""

    real = "real"
    fast = "fast"


def live(
    source: Annotated[
        str, typer.Argument(metavar="CAMERA|VIDEO", help="Number or device of a camera, or a video to play as one.")
    ] = "0",
    folder: Annotated[
        Path | None, typer.Option("--out", help="A new folder for the events; live/<date-time> if left out.")
    ] = None,
    model: Model = "default",
    threshold: Threshold = 0.5,
    speed: Annotated[
        PlaybackSpeed,
        typer.Option(
            help="Of a video: `real` plays it by the clock, as a camera would; `fast` processes every frame, as fast "
            "as this machine can."
        ),
    ] = PlaybackSpeed.real,
    window: Annotated[float, typer.Option(help="Seconds of video that are held in memory and searched.")] = 12.0,
    sensitivity: Sensitivity = 0.5,
    detection_limit: DetectionLimit = True,
    settings: AnalysisSettings = [],
    plugin: Plugins = [],
) -> None:
    """Show facial movements in front of a camera as they happen. Ctrl-C stops and writes the files."""
    from ..analysis.live import LiveOptions
    from .live_display import run_in_terminal

    load_plugins(plugin)
    folder = folder or Path("live", datetime.now().astimezone().strftime("%Y%m%d-%H%M%S"))
    values = {
        "model": model,
        "threshold": threshold,
        "sensitivity": sensitivity,
        "detection_limit": detection_limit,
        **parse_settings(settings),
    }
    run_in_terminal(source, speed.value, folder, LiveOptions(window=window), values)
