"""Entries of a cache that are checked when they are read: an entry that is damaged is made anew.

A file carries a checksum at its end, a folder a list of the checksums of its files. What was cut off by a full disk or
a stop, or changed on the disk, is thereby found before its content is used.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .files import temporary_name, write_atomically, write_folder_atomically

CHECKSUMS = ".checksums.json"
"""The file of a cached folder that lists the checksums of its files."""

_MARK = b"\n#blake2b:"
_DIGEST_BYTES = 16

_intact: dict[Path, int] = {}
"""Folders whose checksums were compared by this process -> hash of the sizes and times of their files."""


def write_sealed(path: Path, content: bytes) -> None:
    """Write a file with its checksum at the end."""
    write_atomically(path, content + _MARK + _digest(content).encode())


def read_sealed(path: Path) -> bytes | None:
    """The content of a file that `write_sealed` wrote; None if there is none, or if it is damaged."""
    try:
        whole = path.read_bytes()
    except OSError:
        return None
    content, mark, digest = whole.rpartition(_MARK)
    return content if mark and digest.decode("ascii", "replace") == _digest(content) else None


def cached_folder(folder: Path, make: Callable[[Path], object]) -> Path:
    """A folder of the cache; it is made where it is missing, damaged, or without checksums.

    Several processes may make it at once: the first that ends wins, and the others take what is there.

    Args:
        folder: the entry.
        make: fills the empty folder that it is called with.
    """
    if folder.is_dir():
        if is_intact(folder):
            return folder
        discard(folder)
    with write_folder_atomically(folder, shared=True) as unfinished:
        make(unfinished)
        sums = {str(path.relative_to(unfinished)): _file_digest(path) for path in _files(unfinished)}
        (unfinished / CHECKSUMS).write_text(json.dumps(sums), encoding="utf-8")
    return folder


def is_intact(folder: Path) -> bool:
    """Whether the files of a cached folder are those that were written; compared once for each process and change."""
    folder = folder.absolute()
    try:
        files = _files(folder)
        stats = {path: path.stat() for path in (*files, folder / CHECKSUMS)}
        state = hash(tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()))
        if _intact.get(folder) == state:
            return True
        sums = json.loads((folder / CHECKSUMS).read_text(encoding="utf-8"))
        whole = {str(path.relative_to(folder)): _file_digest(path) for path in files} == sums
    except (OSError, ValueError):
        return False
    if whole:
        _intact[folder] = state
    return bool(whole)


def discard(path: Path) -> None:
    """Remove a file or folder of the cache at once, also where others are reading it."""
    gone = temporary_name(path)
    with suppress(OSError):  # another process was faster
        path.rename(gone)
    if gone.is_dir():
        shutil.rmtree(gone, ignore_errors=True)
    else:
        gone.unlink(missing_ok=True)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_DIGEST_BYTES)).hexdigest()
