"""The recordings that a user names, and the folder that each of them gets."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ..core.errors import UsageError
from ..core.files import slug
from ..imaging.frames import frame_number
from ..imaging.images import IMAGE_SUFFIXES
from ..imaging.video import VIDEO_SUFFIXES


def recordings(paths: Sequence[Path]) -> list[Path]:
    """Return the recordings that paths stand for: a folder of videos each of them, a .txt file each of its lines.

    A list that cannot be read or is empty stays in the result, so that its analysis fails and the others go on.
    """
    found: list[Path] = []
    for path in paths:
        if path.suffix.lower() == ".txt" and _is(path, Path.is_file):
            found += _read_list(path) or [path]
        elif _is(path, Path.is_dir) and os.access(path, os.R_OK | os.X_OK):
            inside = sorted(path.iterdir())
            frames = any(p.suffix.lower() in IMAGE_SUFFIXES and frame_number(p.name) is not None for p in inside)
            videos = [p for p in inside if p.suffix.lower() in VIDEO_SUFFIXES]
            found += [path] if frames or not videos else videos
        else:
            found.append(path)
    return found


def _read_list(path: Path) -> list[Path]:
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [path.parent / line.strip() for line in lines if line.strip()]


def _is(path: Path, kind: Callable[[Path], bool]) -> bool:
    """Whether a path is of a kind; False for a path that the system rejects, which gets an error message later."""
    try:
        return kind(path)
    except (OSError, ValueError):
        return False


def output_folder(source: Path, out: Path, disambiguate: bool = False) -> Path:
    """Return the folder below `out` for a recording: its name with only safe characters.

    Args:
        source: the recording.
        out: the folder of all recordings.
        disambiguate: add a hash of the whole path, for two recordings of one name.
    """
    path = os.path.abspath(source)  # noqa: PTH100  (removes `..`, follows no link)
    name = os.path.basename(path)  # noqa: PTH119  (a Path has no name for `/`)
    safe = slug(name).strip("-.")[:100]
    if safe != name or disambiguate:
        digest = hashlib.sha256(os.fsencode(path if disambiguate else name)).hexdigest()[:8]
        safe = f"{safe or 'recording'}-{digest}"
    return out / safe


def output_folders(sources: Sequence[Path], out: Path) -> list[Path]:
    """Return a folder for each recording; no two share one.

    Raises:
        UsageError: a recording is given twice.
    """
    plain = [output_folder(source, out) for source in sources]
    twice = {folder for folder in plain if plain.count(folder) > 1}
    found = [
        output_folder(source, out, disambiguate=folder in twice) for source, folder in zip(sources, plain, strict=True)
    ]
    if len(set(found)) < len(found):
        repeated = next(source for source, folder in zip(sources, found, strict=True) if found.count(folder) > 1)
        raise UsageError(f"'{repeated}' is given twice")
    return found
