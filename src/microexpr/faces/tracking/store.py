"""Tracks in a folder: written as they come, mapped when read, so that an hour of video needs little memory."""

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
        ("box", "f4", 4),
        ("matrix", "f8", (2, 3)),
    ]
)
"""What is kept of a face in a frame beside its crop."""

WRITE_BATCH = 64
"""Frames written at once."""

FINISHED_FILE = "tracking.json"


class TrackStore:
    """The files `<track>.rows` and `<track>.crops` of every track, and a note once all are whole."""

    def __init__(self, folder: Path | None, size: int) -> None:
        self.temporary = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix="microexpr-faces-")) if folder is None else folder
        self.size = size
        self._waiting: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
        self.lengths: dict[int, int] = {}
        self.finished: dict[str, Any] = {}

    def resume(self, key: str) -> bool:
        """Whether the folder holds a finished pass of the same recording with the same settings; else it is emptied."""
        note = self.folder / FINISHED_FILE
        try:
            self.finished = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else {}
        except ValueError:
            self.finished = {}
        if self.finished.get("key") == key:
            self.lengths = {int(track): length for track, length in self.finished["lengths"].items()}
            return all(self._whole(track) for track in self.lengths)
        self.clear()
        return False

    def clear(self) -> None:
        """An empty folder; what is not a track is left alone."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / FINISHED_FILE).unlink(missing_ok=True)
            for pattern in ("*.rows", "*.crops"):
                for file in self.folder.glob(pattern):
                    file.unlink()
        except OSError as fault:
            raise RunError(f"tracks cannot be kept in '{self.folder}': {fault.strerror or fault}") from None
        self.lengths = {}

    def add(self, track: int, row: np.ndarray, crop: np.ndarray) -> None:
        """One frame of a track.

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
        """Everything to the disk; `key` says of what, for `resume`."""
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

    def forget(self) -> None:
        """Takes a temporary folder away; what is mapped stays readable until it is let go."""
        if self.temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, track: int, ending: str) -> Path:
        return self.folder / f"{track}.{ending}"

    def _whole(self, track: int) -> bool:
        sizes = {"rows": ROW.itemsize, "crops": self.size**2}
        files = {self._file(track, ending): size * self.lengths[track] for ending, size in sizes.items()}
        return all(file.is_file() and file.stat().st_size == size for file, size in files.items())

    def _write(self, track: int) -> None:
        rows, crops = zip(*self._waiting.pop(track), strict=True)
        try:
            for ending, values in (("rows", rows), ("crops", crops)):
                with self._file(track, ending).open("ab") as file:
                    file.write(np.stack(values).tobytes())
        except OSError as fault:
            raise RunError(f"tracks cannot be kept in '{self.folder}': {fault.strerror or fault}") from None
