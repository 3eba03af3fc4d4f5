"""`microexpr serve`: parsing only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import AnalysisSettings, Model, Plugins, load_plugins, settings_of


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; any but this machine's own asks for a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8765,
    storage: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep recordings and judgments; else all is deleted.")
    ] = None,
    model: Model = "default",
    max_upload_mb: Annotated[int, typer.Option(min=1, help="The largest upload in megabytes.")] = 2000,
    max_recordings: Annotated[int, typer.Option(min=1, help="How many recordings there may be at once.")] = 50,
    workers: Annotated[int, typer.Option(min=1, help="How many are analyzed at once.")] = 1,
    token: Annotated[bool, typer.Option("--token", help="Ask for a token on this machine's own address too.")] = False,
    browser: Annotated[bool, typer.Option(help="Open the page in your browser.")] = True,
    set: AnalysisSettings = [],
    plugin: Plugins = [],
) -> None:
    """Analyze and judge recordings in a browser on this machine: drop, watch, step, confirm, correct, export."""
    from .. import web
    from ..analysis import AnalysisOptions
    from . import console

    load_plugins(plugin)
    values = {"model": model, **settings_of(set)}
    AnalysisOptions.from_settings(values).check()
    settings = web.ServerOptions(
        host=host,
        port=port,
        token=web.new_token() if token or not web.is_local(host) else "",
        max_upload_mb=max_upload_mb,
        max_recordings=max_recordings,
        storage=storage,
        workers=workers,
        values=values,
        plugins=tuple(plugin),
    )
    web.serve(settings, console.print_status, browser)
