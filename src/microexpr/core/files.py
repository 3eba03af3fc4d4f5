"""Writing so that a killed process leaves a whole file or none; what a file of weights says of itself."""

from __future__ import annotations

import os
import re
from pathlib import Path

from safetensors import SafetensorError, safe_open

from .errors import DataError, MissingDataError

CHECKPOINT = "checkpoint.pt"
"""What a recognizer keeps in its folder to go on after a stop; it goes away when the fold is done."""


def slug(name: str) -> str:
    """A name as a file name: `casme2/sub01` becomes `casme2-sub01`."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name)


def write_atomically(path: Path, content: bytes) -> None:
    """The whole file or none of it, even if the process is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing, or only what a killed `write_atomically` left behind."""
    return folder.is_dir() and all(path.suffix == ".tmp" for path in folder.iterdir())


def read_metadata(path: Path | str) -> dict[str, str]:
    """What stands in a safetensors file beside the weights: a recognizer's settings, for example.

    Raises:
        MissingDataError: no such file.
        DataError: it is not a safetensors file.
    """
    if not Path(path).is_file():
        raise MissingDataError(f"'{path}' is not a file")
    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {})
    except SafetensorError as fault:
        raise DataError(f"'{path}' is not a safetensors file ({fault})") from None
