"""`microexpr datasets`, `check` and `synthesize`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.progress import show_progress
from .console import count, out, print_status
from .options import DatasetName, Plugins, Roots, complete_dataset, load_plugins, parse_roots

if TYPE_CHECKING:
    from ..datasets import DatasetInfo


def datasets(
    name: Annotated[
        str | None, typer.Argument(help="Name of a data set; all if left out.", autocompletion=complete_dataset)
    ] = None,
    root: Roots = [],
    plugin: Plugins = [],
) -> None:
    """List data sets, or show one of them. Both show the folder on this machine."""
    from ..datasets import DATASETS

    load_plugins(plugin)
    roots = parse_roots(root, name or "")
    if name is None:
        _print_table(roots)
    else:
        _print_details(name, DATASETS.get(name).info, _folder_of(name, roots))


def check(name: DatasetName, root: Roots = [], plugin: Plugins = []) -> None:
    """Compare a data set's folder with the published facts.

    Lists all issues and exits with 1 if there are any; files that are passed over are named, and no issue.
    """
    from ..datasets import open_dataset

    load_plugins(plugin)
    dataset = open_dataset(name, parse_roots(root, name).get(name))
    issues = dataset.check()
    for issue in issues:
        out.print(str(issue), markup=False)
    if number := sum(not issue.note for issue in issues):
        print_status(f"{count(number, 'issue')} in '{dataset.root}'")
        raise typer.Exit(1)
    info = dataset.info
    if info.clips:
        out.print(f"'{dataset.root}' holds {info.title} as published ({_contents(info)})", markup=False)
        return
    clips = dataset.clips()
    found = f"{count(len(clips), 'clip')} of {count(len({clip.subject for clip in clips}), 'subject')}"
    out.print(f"'{dataset.root}' holds {found}, without an issue; no numbers are published for {name}", markup=False)


def synthesize(
    name: DatasetName,
    folder: Annotated[Path, typer.Argument(metavar="ROOT", help="The folder to write; must be empty or not exist.")],
    subjects: Annotated[int | None, typer.Option(help="Number of subjects; as many as published if left out.")] = None,
    image_scale: Annotated[float, typer.Option(help="Size of the images relative to the release's, 0 to 1.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 0,
    plugin: Plugins = [],
) -> None:
    """Write a synthetic copy of a data set. Folders and annotation files are laid out as in the release."""
    from ..datasets import DATASETS

    load_plugins(plugin)
    what = f"writing synthetic {name}"
    with show_progress() as progress:
        progress(what, 0, 1)
        dataset = DATASETS.get(name).make_synthetic(folder, subjects=subjects, image_scale=image_scale, seed=seed)
        progress(what, 1, 1)
    print_status(f"{count(len(dataset.clips()), 'synthetic clip')} in {folder}")


def _print_table(roots: Mapping[str, Path]) -> None:
    from rich.table import Column, Table

    from ..datasets import DATASETS

    table = Table(
        Column("name", no_wrap=True), "title", "clips", "subjects", "frames/s", Column("folder", overflow="fold")
    )
    for name, cls in DATASETS:
        info = cls.info
        fps = f"{info.fps:g}" if info.fps else ""
        folder = _folder_of(name, roots) or "not on this machine"
        table.add_row(name, info.title, str(info.clips or ""), str(info.subjects or ""), fps, folder)
    out.print(table)


def _print_details(name: str, info: DatasetInfo, folder: str) -> None:
    lines = [f"{name}: {info.title}", f"  paper      {info.citation}", f"  access     {info.access}"]
    if info.clips:
        lines.append(f"  holds      {_contents(info)}")
    if info.fps:
        lines.append(f"  recorded   {info.fps:g} frames/s")
    for label, counts in {**info.counts, **info.events}.items():
        lines.append(f"  {label:<10} " + ", ".join(f"{word} {number}" for word, number in counts.items()))
    if info.source:
        lines.append(f"  counts     {info.source}")
    lines.append(f"  folder     {folder or 'not on this machine'}")
    commands = [f"microexpr synthesize {name} FOLDER"]
    if folder:
        commands.append(f"microexpr check {name}")
    lines.append(f"  try        {'; '.join(commands)}")
    out.print("\n".join(lines), markup=False)


def _folder_of(name: str, roots: Mapping[str, Path]) -> str:
    """The folder of a data set, or "" if it is not on this machine."""
    from ..core.config import data_folder
    from ..core.errors import MissingDataError

    try:
        return str(data_folder(name, roots))
    except MissingDataError:
        return ""


def _contents(info: DatasetInfo) -> str:
    """Number of clips and, where published, of subjects."""
    clips = f"{info.clips} clips"
    return f"{clips} of {info.subjects} subjects" if info.subjects else clips
