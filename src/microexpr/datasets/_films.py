"""Films of a release, wherever below its folder they lie."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import MediaError
from ..core.files import is_system_name
from ..imaging.video import VIDEO_SUFFIXES, VideoFrames

DEPTH = 4
"""Number of folders, one in the other, in which films and tables are looked for."""


def find_below(root: Path, pattern: str) -> list[Path]:
    """The paths of that name (as in `Path.glob`) in the folder and the folders below it, down to `DEPTH`."""
    found = (path for level in range(DEPTH) for path in root.glob("*/" * level + pattern))
    return sorted(path for path in found if not is_system_name(path.name))


def find_films(root: Path) -> dict[str, Path]:
    """Name without suffix -> film; of two films of one name, the first by its path."""
    films: dict[str, Path] = {}
    for path in find_below(root, "*.*"):
        if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
            films.setdefault(path.stem, path)
    return films


def film_rate(film: Path, otherwise: float) -> float:
    """Frames per second by the header of a film; `otherwise` for one that is not there or cannot be read."""
    if film.suffix.lower() not in VIDEO_SUFFIXES or not film.is_file():
        return otherwise
    try:
        header = VideoFrames(film).header
    except MediaError:  # looking for its frames says so
        return otherwise
    return header.fps / header.time_scale or otherwise
