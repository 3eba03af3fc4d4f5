"""Writing so that a killed process leaves a whole file or none."""

from __future__ import annotations

import os
import re
from pathlib import Path

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
