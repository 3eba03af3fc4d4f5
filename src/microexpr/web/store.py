"""Recordings on disk, one folder each. Folder names are chosen here, never by an upload; files are written atomically.

<root>/<cleaned name>-<id>/recording.json     name, size and state
                           video.mp4          the upload; its suffix follows its content
                           preview.mp4        a copy that browsers play, where they do not play the upload
                           timestamps.npy     (T,) time stamps of the frames as the file has them
                           times.npy          (T,) seconds of the frames since the first one
                           analysis.json      result of the analysis
                           annotations.json   events as the coders annotated them, with the history of changes
                           report.html        page of the analysis, without annotations
                           frames.csv         what was measured in each frame
"""

from __future__ import annotations

import dataclasses
import json
import secrets
import shutil
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

import numpy as np
from pydantic import TypeAdapter, ValidationError

from ..analysis.candidates import beside_events
from ..analysis.formats.json_file import read_analysis
from ..core.errors import MissingDataError, RunError, UsageError, one_line
from ..core.events import Analysis
from ..core.files import slug, write_atomically
from ..core.time_ranges import overlaps
from .annotations import Annotations, second_round_note
from .media import FrameReader

INFO_FILE = "recording.json"
PREVIEW_FILE = "preview.mp4"
ANALYSIS_FILE = "analysis.json"
ANNOTATIONS_FILE = "annotations.json"
REPORT_FILE = "report.html"
FRAMES_FILE = "frames.csv"

MAX_OPEN_READERS = 3
"""Number of recordings whose video file stays open for reading single frames."""

_ANNOTATIONS = TypeAdapter(Annotations)
_NO_RECORDING = "there is no such recording; it may have been deleted"


@dataclass(frozen=True)
class RecordingInfo:
    """What is known of a recording before it is analyzed.

    Attributes:
        id: 16 random hexadecimal digits.
        name: file name that the user gave; displayed, never used as a path.
        file: name of the uploaded video within the recording's folder; empty during the upload.
        size: bytes.
        state: `uploading`, `waiting`, `running`, `done` or `failed`.
        error: why the analysis failed, one line.
    """

    id: str
    name: str
    file: str = ""
    size: int = 0
    state: str = "uploading"
    error: str = ""


class RecordingStore:
    """All recordings of a server. Safe for use from several threads.

    Args:
        root: folder of the recordings; created if missing. Recordings that lie there are opened again, and unfinished
            uploads are deleted.
        max_recordings: number of recordings that may exist at once.
    """

    def __init__(self, root: Path, max_recordings: int) -> None:
        self.root = root
        self.max_recordings = max_recordings
        self._lock = RLock()
        self._folders: dict[str, Path] = {}
        self._infos: dict[str, RecordingInfo] = {}
        self._readers: OrderedDict[str, FrameReader] = OrderedDict()
        root.mkdir(parents=True, exist_ok=True)
        for path in sorted(root.glob(f"*/{INFO_FILE}"), key=lambda path: path.stat().st_mtime):
            self._open_existing(path)

    def _open_existing(self, path: Path) -> None:
        try:
            info = RecordingInfo(**json.loads(path.read_text("utf-8")))
        except (ValueError, TypeError):
            return  # not written by this program: leave it alone
        if info.state == "uploading":
            shutil.rmtree(path.parent, ignore_errors=True)
            return
        state = "waiting" if info.state == "running" else info.state
        self._folders[info.id] = path.parent
        self._infos[info.id] = dataclasses.replace(info, state=state)

    def all(self) -> list[RecordingInfo]:
        """All recordings, the oldest first."""
        with self._lock:
            return list(self._infos.values())

    def info(self, id: str) -> RecordingInfo:
        """Return what is known of a recording.

        Raises:
            MissingDataError: there is no such recording.
        """
        with self._lock:
            if id not in self._infos:
                raise MissingDataError(_NO_RECORDING)
            return self._infos[id]

    def folder(self, id: str) -> Path:
        """Return the folder of a recording.

        Raises:
            MissingDataError: there is no such recording.
        """
        with self._lock:
            if id not in self._folders:
                raise MissingDataError(_NO_RECORDING)
            return self._folders[id]

    def create(self, name: str) -> RecordingInfo:
        """Create the folder of a new recording, in the state `uploading`.

        Args:
            name: file name that the user gave.

        Raises:
            UsageError: the maximum number of recordings is reached.
        """
        with self._lock:
            if len(self._infos) >= self.max_recordings:
                raise UsageError(f"there are already {self.max_recordings} recordings, the maximum; delete one first")
            shown = one_line(name.replace("\\", "/").rpartition("/")[2])[:120] or "recording"
            info = RecordingInfo(secrets.token_hex(8), shown)
            folder = self.root / f"{slug(shown).strip('-.')[:40] or 'recording'}-{info.id}"
            folder.mkdir(mode=0o700)
            self._folders[info.id] = folder
            return self._save(info)

    def _save(self, info: RecordingInfo) -> RecordingInfo:
        path = self.folder(info.id) / INFO_FILE
        self._infos[info.id] = info
        write_atomically(path, json.dumps(dataclasses.asdict(info)).encode())
        return info

    def update(self, id: str, **values: object) -> RecordingInfo:
        """Change fields of a recording's info, on disk too.

        Raises:
            MissingDataError: there is no such recording.
        """
        with self._lock:
            return self._save(dataclasses.replace(self.info(id), **values))  # type: ignore[arg-type]

    def remove(self, id: str) -> None:
        """Delete a recording and everything made from it.

        Raises:
            MissingDataError: there is no such recording.
        """
        with self._lock:
            folder = self.folder(id)
            self._infos.pop(id)
            self._folders.pop(id)
            if (reader := self._readers.pop(id, None)) is not None:
                reader.close()
        with suppress(OSError):
            (folder / INFO_FILE).unlink()  # if deleting the rest fails, the next start does not find it
        shutil.rmtree(folder, ignore_errors=True)

    def _done_folder(self, id: str) -> Path:
        info = self.info(id)
        if info.state != "done":
            raise RunError(f"'{info.name}' is not analyzed yet")
        return self.folder(id)

    def analysis(self, id: str) -> Analysis:
        """Return the result of the analysis, without the edits of a coder.

        Raises:
            MissingDataError: there is no such recording.
            RunError: its analysis is not done.
        """
        return read_analysis(self._done_folder(id) / ANALYSIS_FILE)

    def times(self, id: str) -> np.ndarray:
        """(T,) float64 seconds of the frames since the first one, strictly increasing.

        Raises:
            MissingDataError: there is no such recording.
            RunError: its video was not read yet.
        """
        return self._load(id, "times.npy")

    def _load(self, id: str, name: str) -> np.ndarray:
        path = self.folder(id) / name
        if not path.is_file():
            raise RunError(f"'{self.info(id).name}' is not analyzed yet")
        try:
            return np.asarray(np.load(path, allow_pickle=False), np.float64)
        except (OSError, ValueError, EOFError):
            raise RunError(f"'{path.name}' of '{self.info(id).name}' is damaged; upload the recording again") from None

    def annotations(self, id: str) -> Annotations:
        """Return the current events with the history of their changes.

        Raises:
            MissingDataError: there is no such recording.
            RunError: its analysis is not done, or the file of annotations is damaged.
        """
        path = self.folder(id) / ANNOTATIONS_FILE
        if not path.is_file():
            analysis = self.analysis(id)
            return Annotations.from_events(analysis.events, analysis.excluded)
        try:
            return _ANNOTATIONS.validate_json(path.read_bytes())
        except ValidationError as error:
            raise RunError(f"'{path}' is damaged: {error.errors()[0]['msg']}") from None

    def annotate(self, id: str, change: Callable[[Annotations], Annotations]) -> Annotations:
        """Apply a change to the annotations; they are on disk when this returns."""
        with self._lock:
            old = self.annotations(id)
            new = change(old)
            if new is not old:
                write_atomically(self.folder(id) / ANNOTATIONS_FILE, _ANNOTATIONS.dump_json(new))
            return new

    def annotated_analysis(self, id: str) -> Analysis:
        """Return the analysis with the events that are to be judged, as they are annotated now.

        It has no path of the video. In a second round it says so in its warnings.
        """
        analysis, annotations = self.analysis(id), self.annotations(id)
        events = tuple(event for _, event in annotations.ordered())
        candidates = [c for c in analysis.candidates if not overlaps(c.start, c.end, annotations.excluded)]
        return dataclasses.replace(
            analysis,
            recording=dataclasses.replace(analysis.recording, path=""),
            events=events,
            excluded=annotations.excluded,
            candidates=beside_events(candidates, events),
            warnings=(*second_round_note(annotations), *analysis.warnings),
        )

    def frame(self, id: str, number: int) -> bytes:
        """Return one frame as JPEG.

        Raises:
            MissingDataError: there is no such recording.
            RunError: its video was not read yet.
            MediaError: there is no such frame.
        """
        with self._lock:
            reader = self._readers.get(id)
            if reader is None:
                path = self.folder(id) / self.info(id).file
                reader = self._readers[id] = FrameReader(path, self._load(id, "timestamps.npy"))
            self._readers.move_to_end(id)
            excess = len(self._readers) - MAX_OPEN_READERS
            closing = [self._readers.popitem(last=False)[1] for _ in range(excess)]
        for unused in closing:
            unused.close()
        return reader.jpeg(number)
