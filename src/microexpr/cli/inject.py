"""`microexpr inject`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import count, print_status


def inject(
    film: Annotated[Path, typer.Argument(metavar="FILM", help="A video or a folder of frames.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new .mkv file, or a new folder of images.")],
    unit: Annotated[str, typer.Option(help="Action units that the face shows, e.g. 1+2 or L12.")] = "1+2",
    pixels: Annotated[float, typer.Option(help="How far the skin moves, in pixels of a face 224 pixels wide.")] = 2.0,
    milliseconds: Annotated[float, typer.Option(help="From onset to offset.")] = 200.0,
    at: Annotated[
        list[float],
        typer.Option(
            help="Seconds at which the movement is strongest; several times if wanted. The quietest place if left out."
        ),
    ] = [],
) -> None:
    """Inject known movements into a copy of a film."""
    from ..analysis.injection import inject_movements, make_movement

    if at:
        movements = inject_movements(film, out, [make_movement(unit, pixels, milliseconds, time) for time in at])
    else:
        movements = inject_movements(film, out, action_units=unit, pixels=pixels, milliseconds=milliseconds)
    places = ", ".join(f"{movement.peak:.2f} s" for movement in movements)
    print_status(f"{count(len(movements), 'movement')} at {places}: {out}, {out}.truth.csv")
