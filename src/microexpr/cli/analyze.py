"""`microexpr analyze`: parsing only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import AnalysisSettings, Model, Plugins, Threshold, load_plugins, settings_of


def analyze(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="VIDEO|FOLDER|LIST.txt...", help="Videos, folders of numbered frames or of videos."),
    ],
    out: Annotated[Path, typer.Option(help="Gets a folder for each recording.")] = Path("events"),
    model: Model = "default",
    threshold: Threshold = 0.5,
    fps: Annotated[float | None, typer.Option(help="Frames per second of folders, which hold no time stamps.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="How many recordings at once.")] = 1,
    set: AnalysisSettings = [],
    plugin: Plugins = [],
) -> None:
    """Find the facial movements in recordings, with time, face, class and evidence; goes on where it was stopped."""
    from ..analysis import AnalysisOptions, analyze_videos, recordings
    from . import console

    load_plugins(plugin)
    values = {"model": model, "threshold": threshold, **({} if fps is None else {"tracking.fps": fps})}
    options = AnalysisOptions.from_settings({**values, **settings_of(set)})
    found = recordings(sources)
    with console.progress() as progress:
        results = analyze_videos(found, out, options, progress, workers)
    if console.show_results(results):
        raise typer.Exit(1)
