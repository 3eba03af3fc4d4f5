"""Tracks in a folder: written frame by frame and memory-mapped when read, so that long videos need little memory."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import RunError
from ...core.files import write_atomically

ROW = np.dtype(
    [
        ("number", "i8"),
        ("time", "f8"),
        ("points", "f4", (68, 2)),
        ("pose", "f4", 3),
        ("ratios", "f4", 2),
        ("presence", "f4"),
        ("sharp", "f4"),
        ("contrast", "f4"),
        ("noise", "f4"),
        ("box", "f4", 4),
        ("matrix", "f8", (2, 3)),
        ("mesh", "f4", (468, 3)),
    ]
)
"""What is stored of a face in a frame besides its crop."""

WRITE_BATCH = 64
"""Number of frames of a track that are written at once."""

FINISHED_FILE = "tracking.json"
"""The file that is written last, when all tracks are complete."""


class TrackStore:
    """A folder with the files `<track>.rows` and `<track>.crops` of every track.

    It holds `tracking.json`, too, when all of them are complete.

    Args:
        folder: where the files are; a temporary folder if None.
        size: side of the crops in pixels.
    """

    def __init__(self, folder: Path | None, size: int) -> None:
        self.temporary = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix="microexpr-faces-")) if folder is None else folder
        self.size = size
        self._waiting: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
        self.lengths: dict[int, int] = {}
        self.finished: dict[str, Any] = {}

    def resume(self, key: str) -> bool:
        """Whether the folder holds the complete tracks of the same recording and settings; otherwise it is emptied.

        Args:
            key: identifies recording and settings.
        """
        file = self.folder / FINISHED_FILE
        try:
            self.finished = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        except ValueError:
            self.finished = {}
        if self.finished.get("key") == key:
            self.lengths = {int(track): length for track, length in self.finished["lengths"].items()}
            return all(self._is_complete(track) for track in self.lengths)
        self.clear()
        return False

    def clear(self) -> None:
        """Remove all tracks from the folder; other files stay.

        Raises:
            RunError: the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / FINISHED_FILE).unlink(missing_ok=True)
            for pattern in ("*.rows", "*.crops"):
                for file in self.folder.glob(pattern):
                    file.unlink()
        except OSError as error:
            raise RunError(f"tracks cannot be written to '{self.folder}': {error.strerror or error}") from None
        self.lengths = {}

    def add(self, track: int, row: np.ndarray, crop: np.ndarray) -> None:
        """Add a frame to a track.

        Args:
            track: its number.
            row: () of `ROW`.
            crop: (size, size) uint8.
        """
        waiting = self._waiting.setdefault(track, [])
        waiting.append((row, crop))
        self.lengths[track] = self.lengths.get(track, 0) + 1
        if len(waiting) >= WRITE_BATCH:
            self._write(track)

    def finish(self, key: str, seconds: float) -> None:
        """Write everything that is left, and `tracking.json`.

        Args:
            key: identifies recording and settings, for `resume`.
            seconds: length of the recording.
        """
        for track in list(self._waiting):
            self._write(track)
        self.finished = {"key": key, "seconds": seconds, "lengths": self.lengths}
        write_atomically(self.folder / FINISHED_FILE, json.dumps(self.finished).encode())

    def read(self, track: int) -> tuple[np.ndarray, np.ndarray]:
        """(T,) rows and (T, size, size) uint8 crops of a track, both mapped from their files."""
        length = self.lengths[track]
        rows = np.memmap(self._file(track, "rows"), ROW, "r", shape=(length,))
        crops = np.memmap(self._file(track, "crops"), np.uint8, "r", shape=(length, self.size, self.size))
        return rows, crops

    def remove_temporary(self) -> None:
        """Remove a temporary folder; arrays that are mapped from its files stay readable."""
        if self.temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, track: int, suffix: str) -> Path:
        return self.folder / f"{track}.{suffix}"

    def _is_complete(self, track: int) -> bool:
        sizes = {"rows": ROW.itemsize, "crops": self.size**2}
        files = {self._file(track, suffix): size * self.lengths[track] for suffix, size in sizes.items()}
        return all(file.is_file() and file.stat().st_size == size for file, size in files.items())

    def _write(self, track: int) -> None:
        rows, crops = zip(*self._waiting.pop(track), strict=True)
        try:
            for suffix, values in (("rows", rows), ("crops", crops)):
                with self._file(track, suffix).open("ab") as file:
                    file.write(np.stack(values).tobytes())
        except OSError as error:
            raise RunError(f"tracks cannot be written to '{self.folder}': {error.strerror or error}") from None
