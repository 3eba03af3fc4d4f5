"""Which files and folders of a release its reader passes over.

A reader uses the sources of its clips, and the annotation files that are noted with `note_read` while it reads; the
functions of `_sheets` note theirs. All else in the folder is passed over.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from ..core.clip import Clip
from ..core.errors import MediaError
from ..core.files import is_system_name
from ..imaging.frames import FolderFrames
from ._records import DatasetIssue

MAX_NAMES = 8
"""Files of one folder that are named; of more, these and their number are."""

_read: ContextVar[set[Path] | None] = ContextVar("files that a reader has read", default=None)


@contextmanager
def record_read() -> Iterator[set[Path]]:
    """The files that are noted with `note_read` while the block runs."""
    noted: set[Path] = set()
    token = _read.set(noted)
    try:
        yield noted
    finally:
        _read.reset(token)


def note_read(path: Path) -> None:
    """Note an annotation file, or a whole folder, that a reader uses, so that `Dataset.check` does not call it unused.

    Args:
        path: the file or folder; the sources of clips need no note.
    """
    if (noted := _read.get()) is not None:
        noted.add(_absolute(path))


def passed_over(name: str, root: Path, clips: Sequence[Clip], read: Collection[Path]) -> list[DatasetIssue]:
    """A note for each folder that a reader passes over as a whole, and for the files that it does in each other folder.

    Files that file managers leave (`.DS_Store`, `Thumbs.db`) are none of a release, and have no note.

    Args:
        name: name of the data set.
        root: its folder.
        clips: what the reader read.
        read: further files and folders that it used.
    """
    root = _absolute(root)
    sources = {_absolute(clip.source) for clip in clips}
    used = sources | set(read)
    around = {parent for path in used for parent in path.parents if parent.is_relative_to(root)}
    notes: list[DatasetIssue] = []

    def visit(folder: Path) -> None:
        unused = []
        frames = _frame_files(folder) if folder in sources else frozenset()
        for path in sorted(folder.iterdir()):
            if is_system_name(path.name) or path in frames or (path in used and path not in sources):
                continue
            if path.is_dir() and (path in around or path in sources):
                visit(path)
            elif path.is_dir():
                count = sum(len(files) for _, _, files in os.walk(path))
                reason = f"is passed over ({count} {'file' if count == 1 else 'files'})"
                notes.append(DatasetIssue(name, "folder", path.relative_to(root).as_posix(), reason, note=True))
            elif path not in sources:
                unused.append(path.relative_to(root).as_posix())
        if unused:
            more = f" and {len(unused) - MAX_NAMES} more" if len(unused) > MAX_NAMES else ""
            verb = "is" if len(unused) == 1 else "are"
            value = ", ".join(unused[:MAX_NAMES]) + more
            notes.append(DatasetIssue(name, "file", value, f"{verb} passed over", note=True))

    visit(root)
    return notes


def _frame_files(folder: Path) -> frozenset[Path]:
    """The files of a folder of frames that are frames; of a folder that cannot be read, all: another issue names it."""
    try:
        return frozenset(FolderFrames(folder).files.values())
    except MediaError:
        return frozenset(folder.iterdir())


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100  (removes `..`, follows no link)
