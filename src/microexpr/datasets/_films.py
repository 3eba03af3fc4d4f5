"""Films of a release, wherever below its folder they lie."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

from ..core.errors import MediaError
from ..core.files import is_system_name
from ..imaging.video import VIDEO_SUFFIXES, VideoFrames

DEPTH = 5
"""Number of folders, one in the other, in which films and tables are looked for."""


def find_below(root: Path, pattern: str) -> list[Path]:
    """The paths whose name has that pattern, e.g. `*_label.csv`, in the folder and the folders below it.

    They are sorted, and looked for down to `DEPTH`.
    """
    return sorted(_walk(root, lambda name: fnmatch(name, pattern)))


def find_films(root: Path) -> dict[str, Path]:
    """Name without suffix -> film; of two films of one name, the first by its path."""
    films: dict[str, Path] = {}
    for path in sorted(_walk(root, lambda name: Path(name).suffix.lower() in VIDEO_SUFFIXES)):
        if path.is_file():
            films.setdefault(path.stem, path)
    return films


def _walk(root: Path, wanted: Callable[[str], bool]) -> Iterator[Path]:
    """Every path of a wanted name. Each folder is listed once and no image is looked at: there may be millions."""
    folders = [root]
    for _ in range(DEPTH):
        below: list[Path] = []
        for folder in folders:
            with suppress(PermissionError), os.scandir(folder) as entries:
                for entry in entries:
                    if is_system_name(entry.name):
                        continue
                    if wanted(entry.name):
                        yield Path(entry.path)
                    if entry.is_dir():
                        below.append(Path(entry.path))
        folders = below


def film_rate(film: Path, otherwise: float) -> float:
    """Frames per second by the header of a film; `otherwise` for one that is not there or cannot be read."""
    if film.suffix.lower() not in VIDEO_SUFFIXES or not film.is_file():
        return otherwise
    try:
        header = VideoFrames(film).header
    except MediaError:  # looking for its frames says so
        return otherwise
    return header.fps / header.time_scale or otherwise
