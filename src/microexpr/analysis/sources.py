"""The recordings that a user names, and the folder that each of them gets."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ..core.errors import UsageError, one_line
from ..core.files import is_system_name, slug
from ..imaging.frames import frame_number
from ..imaging.images import IMAGE_SUFFIXES
from ..imaging.video import VIDEO_SUFFIXES

MAX_NAMES = 5
"""Names of files that a line tells."""


def recordings(paths: Sequence[Path], on_passed_over: Callable[[str], None] = lambda line: None) -> list[Path]:
    """Return the recordings that paths stand for: a .txt file each of its lines, a folder what `_folder` says.

    A list or a folder without any recording stays in the result, so that its analysis fails and the others go on.

    Args:
        paths: videos, images, folders and lists.
        on_passed_over: called with a line for each folder in which something is passed over.
    """
    found: list[Path] = []
    for path in paths:
        if path.suffix.lower() == ".txt" and _is(path, Path.is_file):
            found += _read_list(path) or [path]
        elif _is_readable_folder(path):
            found += _folder(path, on_passed_over, set()) or [path]
        else:
            found.append(path)
    return found


def _folder(folder: Path, on_passed_over: Callable[[str], None], seen: set[Path]) -> list[Path]:
    """Return the recordings in a folder: its videos and those of the folders in it, or the folder as one of frames.

    Images beside videos are photographs, and no frames.
    """
    seen.add(folder.resolve())
    inside = [path for path in sorted(folder.iterdir()) if not is_system_name(path.name)]
    folders = [path for path in inside if _is(path, Path.is_dir) and path.suffix.lower() not in IMAGE_SUFFIXES]
    videos = [path for path in inside if path.suffix.lower() in VIDEO_SUFFIXES and path not in folders]
    images = [p for p in inside if p.suffix.lower() in IMAGE_SUFFIXES and frame_number(p.name) is not None]
    if images and not videos:
        found, used = [folder], images
    else:
        readable = [path for path in folders if _is_readable_folder(path) and path.resolve() not in seen]
        found, used = list(videos), list(videos)
        for path in readable:
            inner = _folder(path, on_passed_over, seen)
            found += inner
            used += [path] if inner else []
    rest = [path.name for path in inside if path not in used]
    if found and rest:
        listed = ", ".join(map(one_line, rest[:MAX_NAMES])) + (
            f" and {len(rest) - MAX_NAMES} more" if rest[MAX_NAMES:] else ""
        )
        on_passed_over(f"passed over in '{one_line(str(folder))}': {listed}")
    return found


def _is_readable_folder(path: Path) -> bool:
    return _is(path, Path.is_dir) and os.access(path, os.R_OK | os.X_OK)


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
