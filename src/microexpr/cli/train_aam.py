"""`microexpr train-aam`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..core.progress import show_progress
from .console import count, out, print_status
from .options import Data, DataSource, Plugins, Roots, complete_dataset, load_plugins, parse_roots

if TYPE_CHECKING:
    from ..experiments.aam_training import Trained


SYNTHETIC_SCALE = 0.5
"""Size of the images of a synthetic copy, relative to the release's."""


class LandmarkSource(StrEnum):
    """Values of `--landmarks`."""

    auto = "auto"
    release = "release"
    mesh = "mesh"


SOURCES: dict[LandmarkSource, Literal["", "release", "mesh"]] = {
    LandmarkSource.auto: "",
    LandmarkSource.release: "release",
    LandmarkSource.mesh: "mesh",
}


def train_aam(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the model, e.g. mine.")],
    faces: Annotated[
        list[str],
        typer.Option(
            "--faces",
            metavar="DATASET",
            help="A data set with the faces, several times if wanted.",
            autocompletion=complete_dataset,
        ),
    ],
    data: Data = DataSource.disk,
    subjects: Annotated[int, typer.Option(min=3, help="People of each synthetic copy, with --data synthetic.")] = 20,
    landmarks: Annotated[
        LandmarkSource,
        typer.Option(help="Of the release, of the face mesh, or those of the release where it has any (auto)."),
    ] = LandmarkSource.auto,
    frames: Annotated[int, typer.Option(min=1, help="Images of each clip, from its onset to its apex.")] = 2,
    held_out: Annotated[
        float, typer.Option(min=0, max=0.9, help="Fraction of the people whom the model is tested on only.")
    ] = 0.2,
    seed: Annotated[int, typer.Option(help="Seed of the draw of these people.")] = 0,
    root: Roots = [],
    plugin: Plugins = [],
) -> None:
    """Train an active appearance model and test it on other people.

    The steps `align` and `landmarks` use it with `method = "aam"` and `model = NAME`.
    """
    from ..experiments.aam_training import train_aam as train
    from ..experiments.data import open_source_dataset
    from ..experiments.options import RunOptions
    from ..recipes import Quick

    load_plugins(plugin)
    roots = parse_roots(root)
    with show_progress() as progress:
        quick = Quick(subjects=subjects, image_scale=SYNTHETIC_SCALE)
        options = RunOptions(synthetic=data is DataSource.synthetic, quick=True, roots=roots)
        opened = [open_source_dataset(each, quick, options, progress) for each in dict.fromkeys(faces)]
        trained = train(
            name,
            opened,
            source=SOURCES[landmarks],
            frames=frames,
            test_fraction=held_out,
            seed=seed,
            progress=progress,
        )
    _print_result(name, trained)


def _print_result(name: str, trained: Trained) -> None:
    from rich.table import Table

    measured = trained.measured
    whose = (
        f"{trained.by_release} of all with the release's landmarks" if trained.by_release else "landmarks by the mesh"
    )
    print_status(f"trained on {count(trained.images, 'image')} of {len(trained.trained_on)} people, {whose}")
    if trained.faceless:
        print_status(f"left out: {count(trained.faceless, 'image')} without a face")
    table = Table("people not trained on", "images", "no face found", "fit refused", "start", "error", "95 %")
    numbers = [""] * 3
    if len(measured.errors):
        figures = (measured.mean_start, measured.mean_error, measured.high_error)
        numbers = [f"{figure:.4f}" for figure in figures]
    counts = (len(measured.subjects), measured.faces, measured.undetected, measured.refused)
    table.add_row(*map(str, counts), *numbers)
    out.print(table)
    print_status("error: mean distance of the 68 points, in distances of the outer corners of the eyes")
    print_status(f'wrote {trained.path}; use it with method = "aam", model = "{name}"')
