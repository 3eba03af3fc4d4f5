"""Fingerprint of the recordings of a data set, from what is in them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..imaging.frames import FolderFrames

WHOLE = 2**20
"""Size in bytes up to which a file is hashed as a whole: images are. Of a larger one three parts of this size are."""


def source_digest(source: Path) -> str:
    """Hash of the frames of a recording: their numbers, and the size and content of each file.

    Of a file larger than 1 MiB, as films are, the first, the middle and the last MiB are read. Other files in a folder
    of frames do not matter.

    Raises:
        MediaError: the frames of a folder cannot be ordered.
    """
    files = FolderFrames(source).files if source.is_dir() else {0: source}
    digest = hashlib.sha256()
    for number, path in files.items():
        digest.update(f"{number} {path.stat().st_size} ".encode())
        _update(digest, path)
    return digest.hexdigest()


def _update(digest: hashlib._Hash, path: Path) -> None:
    size = path.stat().st_size
    starts = [0] if size <= WHOLE else [0, (size - WHOLE) // 2, size - WHOLE]
    with path.open("rb") as file:
        for start in starts:
            file.seek(start)
            digest.update(file.read(WHOLE))
