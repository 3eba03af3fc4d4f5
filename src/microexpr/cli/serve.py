"""`microexpr serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import UsageError
from .console import print_status
from .options import AnalysisSettings, DetectionLimit, Model, Plugins, Sensitivity, load_plugins, parse_settings


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's own asks for a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8765,
    storage: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder that keeps recordings and annotations; `recordings` in the current folder if left out.",
        ),
    ] = None,
    delete_at_end: Annotated[
        bool, typer.Option("--delete-at-end", help="Delete all recordings and annotations when the server ends.")
    ] = False,
    model: Model = "default",
    max_upload_mb: Annotated[int, typer.Option(min=1, help="Largest upload in megabytes.")] = 2000,
    max_recordings: Annotated[int, typer.Option(min=1, help="Largest number of recordings.")] = 50,
    workers: Annotated[int, typer.Option(min=1, help="Number of recordings that are analyzed at once.")] = 1,
    token: Annotated[bool, typer.Option("--token", help="Ask for a token on this machine's own address too.")] = False,
    browser: Annotated[bool, typer.Option(help="Open the page in your browser.")] = True,
    sensitivity: Sensitivity = 0.5,
    detection_limit: DetectionLimit = True,
    settings: AnalysisSettings = [],
    plugin: Plugins = [],
) -> None:
    """Analyze and annotate recordings in a browser. Events can be confirmed, corrected and exported there."""
    from .. import web
    from ..analysis import AnalysisOptions

    load_plugins(plugin)
    values = {
        "model": model,
        "sensitivity": sensitivity,
        "detection_limit": detection_limit,
        **parse_settings(settings),
    }
    if delete_at_end and storage is not None:
        raise UsageError(f"--delete-at-end would delete what is in '{storage}'; give it without --storage")
    analysis_options = AnalysisOptions.from_settings(values)
    analysis_options.check_settings()
    options = web.ServerOptions(
        host=host,
        port=port,
        token=web.new_token() if token or not web.is_local(host) else "",
        max_upload_mb=max_upload_mb,
        max_recordings=max_recordings,
        storage=None if delete_at_end else storage or web.DEFAULT_STORAGE,
        workers=workers,
        values=values,
        plugins=tuple(plugin),
    )
    web.serve(options, print_status, browser, analysis_options.check)
