"""Files and folders that are whole or not there, even if a process is killed."""

from __future__ import annotations

import glob
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

SYNTHETIC_MARK = "SYNTHETIC.json"
"""The file that marks a folder as synthetic: `microexpr check` fails on it and every report warns of it."""

CHECKPOINT = "checkpoint.pt"
"""The state of an interrupted training in a recognizer's folder; it is removed when the fold is done."""


def slug(name: str) -> str:
    """A name as a file name: `casme2/sub01` becomes `casme2-sub01`."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name)


@contextmanager
def open_atomically(path: Path) -> Iterator[BinaryIO]:
    """A binary file to write that takes the place of `path` when the block ends; it is removed if the block raises."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _unfinished(path)
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Write the whole file or none of it, even if the process is killed."""
    with open_atomically(path) as file:
        file.write(content)


@contextmanager
def write_folder_atomically(folder: Path, shared: bool = False) -> Iterator[Path]:
    """A new folder to fill that takes the place of `folder` when the block ends; it is removed if the block raises.

    What killed processes left of the same folder is removed first.

    Args:
        folder: must not exist, or be empty.
        shared: for a folder of a cache: several processes may write it at once, and the first that ends wins; the
            others' work is removed without an error, since it is the same.

    Raises:
        OSError: the folder cannot be written, or (unless `shared`) it holds something.
    """
    _remove_leftovers(folder)
    unfinished = _unfinished(folder)
    try:
        unfinished.mkdir(parents=True)
        yield unfinished
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()  # Windows renames nothing onto a folder, even an empty one
        unfinished.rename(folder)
    except OSError:
        if not (shared and folder.is_dir()):
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _unfinished(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}.tmp")


def _remove_leftovers(folder: Path) -> None:
    """Remove the unfinished copies of a folder whose process is gone, and this process's own."""
    for left in folder.parent.glob(f"{glob.escape(folder.name)}.*.tmp"):
        try:
            process = int(left.name.split(".")[-2])
            if process != os.getpid():
                os.kill(process, 0)
                continue
        except PermissionError:  # the process lives and belongs to another user
            continue
        except (ValueError, ProcessLookupError):
            pass
        shutil.rmtree(left, ignore_errors=True)


def is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing, or only what a killed `write_atomically` left behind."""
    return folder.is_dir() and all(path.suffix == ".tmp" for path in folder.iterdir())
