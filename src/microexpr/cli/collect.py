"""`microexpr collect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.progress import show_progress
from .console import count, print_status
from .options import Plugins, load_plugins


def collect(
    films: Annotated[Path, typer.Argument(metavar="FILMS", help="Folder with films, and with a folder per person.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder for the data set.")],
    coded: Annotated[
        Path | None, typer.Option(help="Folder of the coded files; they lie beside the films if left out.")
    ] = None,
    subjects: Annotated[
        Path | None, typer.Option(help="A csv with the columns film, face and subject: who is in which film.")
    ] = None,
    margin: Annotated[float, typer.Option(min=0, help="Seconds of film before the onset and after the offset.")] = 0.2,
    plugin: Plugins = [],
) -> None:
    """Make a data set from coded films.

    The folder has the layout of the data set `folder`; a person coded the films in files of any readable format.
    """
    from ..analysis.coded_dataset import collect_clips, find_coded_films, read_people

    load_plugins(plugin)
    found, without = find_coded_films(films, coded, None if subjects is None else read_people(subjects))
    for line in without:
        print_status(f"microexpr: {line}")
    with show_progress() as progress:
        made = collect_clips(found, out, margin, progress)
    counts = {"rejected": made.rejected, "not reviewed": made.unreviewed}
    left = [f"{number} {what}" for what, number in counts.items() if number]
    people = f"{count(made.clips, 'clip')} of {count(len(made.subjects), 'subject')}"
    print_status(f"{people}: {out}" + (f"; left out: {', '.join(left)}" if left else ""))
