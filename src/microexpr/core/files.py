"""Files and folders that are whole or not there, even if a process is killed."""

from __future__ import annotations

import codecs
import errno
import fcntl
import hashlib
import itertools
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

SYNTHETIC_MARK = "SYNTHETIC.json"
"""The file that marks a folder as synthetic: `microexpr check` fails on it and every report warns of it."""

CHECKPOINT = "checkpoint.pt"
"""The state of an interrupted training in a recognizer's folder; it is removed when the fold is done."""


LOCK = "lock.tmp"
"""The file in a folder that a process holds; it names the process, and is removed at the end."""

_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)
"""What locking raises on a file system without locks."""

LONGEST_NAME = 80
"""Characters from which on `unique_file_name` shortens a name; with a suffix, every file system takes it."""

RESERVED_NAMES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
"""Names that Windows gives to devices, whatever the suffix."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


SYSTEM_NAMES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx"})
"""Names, in small letters, of what file managers and archives put beside a user's files; hidden files are such, too."""


def is_system_name(name: str) -> bool:
    """Whether a file or folder was put there by a file manager (`.DS_Store`, `._x.jpg`, `Thumbs.db`), not by a user."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def slug(name: str) -> str:
    """A name with only letters, digits, `_`, `.` and `-`, for people to read; different names may become equal.

    Use it for what a user downloads, never to tell one thing from another: `unique_file_name` does that.
    """
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name)


def unique_file_name(name: str) -> str:
    """A file name without suffix that no other name has, on every system and whatever the case of its letters.

    A name of small letters, digits, `_` and single dashes is its own file name, with a dot for each `/` in it:
    `casme2/sub01` is `casme2.sub01`. Of any other name, what can be written is followed by `~` and a hash of the whole
    name.
    """
    segment = r"[a-z0-9_]+(-[a-z0-9_]+)*"
    plain = re.fullmatch(f"{segment}(/{segment})*", name) is not None
    if plain and len(name) <= LONGEST_NAME and name.partition("/")[0] not in RESERVED_NAMES:
        return name.replace("/", ".")
    readable = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")[:LONGEST_NAME]
    return f"{readable}~{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:16]}"


def decode_text(content: bytes) -> str:
    """The text of a file that another program saved: UTF-8, UTF-16 with its mark, or else Windows' Western encoding."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


@contextmanager
def open_atomically(path: Path) -> Iterator[BinaryIO]:
    """A binary file to write that takes the place of `path` when the block ends; it is removed if the block raises.

    Raises:
        OSError: it cannot be written; the error names the file, also where the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.parent.absolute() not in _swept:  # once, since a folder of samples may hold a hundred thousand files
        sweep(path.parent)
    with _unfinished(path) as unfinished:
        try:
            with unfinished.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError as error:
            error.filename = error.filename or str(path)
            raise
        finally:
            unfinished.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Write the whole file or none of it, even if the process is killed."""
    with open_atomically(path) as file:
        file.write(content)


@contextmanager
def write_folder_atomically(folder: Path, shared: bool = False) -> Iterator[Path]:
    """A new folder to fill that takes the place of `folder` when the block ends; it is removed if the block raises.

    Args:
        folder: must not exist, or be empty.
        shared: for a folder of a cache: several processes may write it at once, and the first that ends wins; the
            others' work is removed without an error, since it is the same.

    Raises:
        OSError: the folder cannot be written, or (unless `shared`) it holds something.
    """
    sweep(folder.parent)
    with _unfinished(folder) as unfinished:
        try:
            unfinished.mkdir(parents=True)
            yield unfinished
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()  # Windows renames nothing onto a folder, even an empty one
            unfinished.rename(folder)
        except OSError as error:
            if not (shared and folder.is_dir() and error.errno in _TAKEN):
                error.filename = error.filename or str(folder)
                raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.EACCES)
"""What renaming a folder onto one that holds something raises, by system."""

_counter = itertools.count()
_in_work: set[Path] = set()
_swept: set[Path] = set()


@contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` that no other writer has: `<name>.<process>-<machine>-<number>.tmp`."""
    name = temporary_name(path)
    _in_work.add(name)
    try:
        yield name
    finally:
        _in_work.discard(name)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process while the block runs; a folder that is empty afterwards is removed.

    A process that is killed holds nothing. Other machines that share the folder see the lock, too, where their file
    system passes it on (NFS does). Where nothing can be locked or written, nothing is held.

    Raises:
        BlockingIOError: another process holds it; `strerror` says which one, as far as that is known.
    """
    handle = _lock(folder)
    try:
        yield
    finally:
        if handle is not None:
            (folder / LOCK).unlink(missing_ok=True)
            os.close(handle)
            with suppress(OSError):
                folder.rmdir()


def _lock(folder: Path) -> int | None:
    """Lock a folder; again if its lock was removed meanwhile by the process that held it.

    The lock is a file of its own, opened for writing, since NFS keeps locks of folders to one machine.
    """
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # the folder was removed after it was made
            continue
        except OSError as error:
            if error.errno in _READ_ONLY and folder.is_dir():
                return None
            raise
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), (folder / LOCK).stat()):
                    with suppress(OSError):  # the disk is full: the holder is then not named
                        os.truncate(handle, 0)
                        os.write(handle, f"process {os.getpid()} on {socket.gethostname()}".encode())
                    return handle
        except BlockingIOError as error:
            error.strerror = os.pread(handle, 300, 0).decode(errors="replace") or "another process"
            os.close(handle)
            raise
        except OSError as error:
            os.close(handle)
            if error.errno in _NO_LOCKS:
                return None
            raise
        os.close(handle)


def temporary_name(path: Path) -> Path:
    """A name beside `path` that no other process uses; `sweep` removes it when this process is gone."""
    tag = f"{os.getpid()}-{machine_tag()}-{next(_counter)}"
    return path.absolute().with_name(f"{slug(path.name)[:LONGEST_NAME]}.{tag}.tmp")


@cache
def machine_tag() -> str:
    """A hash of this machine's name: a folder may be shared by several machines."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]


def sweep(folder: Path) -> None:
    """Remove what writers that were killed on this machine left in a folder."""
    folder = folder.absolute()
    _swept.add(folder)
    for left in folder.glob("*.tmp"):
        named = re.fullmatch(r".*\.(\d+)-([0-9a-f]+)-\d+\.tmp", left.name, re.DOTALL)
        if named is None or named[2] != machine_tag() or left in _in_work or _lives(int(named[1])):
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    """Whether another process with this number lives on this machine."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except PermissionError:  # it belongs to another user
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing, or only what a killed `write_atomically` left behind."""
    return folder.is_dir() and all(path.suffix == ".tmp" for path in folder.iterdir())
