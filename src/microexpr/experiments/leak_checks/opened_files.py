"""Which files Python opens while something runs, from the interpreter's own audit events."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_watching: list[list[str]] = []
"""Lists that get the path of every file that is opened now; an audit hook cannot be removed, so it looks here."""

EVENTS = ("open", "os.listdir", "os.scandir")


@contextmanager
def opened_below(folders: Sequence[str], allowed: Sequence[Path]) -> Iterator[list[str]]:
    """Collect the files and folders below some folders that are opened or listed inside of the block.

    What a library opens without Python, such as an image read by OpenCV, is not seen.

    Args:
        folders: absolute folders.
        allowed: files and folders that may be opened, with all that is in them.

    Yields:
        A list that holds, when the block has ended, each other path once.
    """
    _install_hook()
    opened: list[str] = []
    found: list[str] = []
    _watching.append(opened)
    try:
        yield found
    finally:
        _watching.remove(opened)
        inside = [path for path in dict.fromkeys(map(_absolute, opened)) if _is_below(path, folders)]
        found += [path for path in inside if not _is_below(path, [_absolute(own) for own in allowed])]


def _absolute(path: str | Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100  (a link stays what it is: only its own place counts)


def _is_below(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(folder + os.sep) for folder in folders)


@cache
def _install_hook() -> None:
    def note(event: str, arguments: tuple[object, ...]) -> None:
        if _watching and event in EVENTS and arguments and isinstance(arguments[0], (str, bytes, os.PathLike)):
            for opened in _watching:
                opened.append(os.fsdecode(arguments[0]))

    sys.addaudithook(note)
