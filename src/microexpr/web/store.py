"""Recordings on disk: a folder each, named by us and never by an upload; what is written is whole or not there.

<library>/<name made safe>-<id>/recording.json   name, size, state
                                video.mp4    the upload; its ending follows its content
                                preview.mp4     a copy that browsers play, where they do not play the upload
                                timestamps.npy   (T,) time stamps of the file; times.npy: seconds since the first frame
                                analysis.json   what the analysis found
                                annotations.json  what the coders say of it, with every step back
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

from ..analysis.formats.json_file import read_analysis
from ..core.errors import MissingDataError, RunError, UsageError, one_line
from ..core.events import Analysis
from ..core.files import slug, write_atomically
from .annotations import Annotations
from .media import FrameReader

OPEN = 3
"""Recordings whose frames are held open at once."""

CODING = TypeAdapter(Annotations)


@dataclass(frozen=True)
class RecordingInfo:
    """One recording.

    Attributes:
        id: drawn by chance.
        name: as its owner calls it; shown, never used as a path.
        file: of the upload, in its folder; empty while it comes in.
        size: bytes.
        state: `coming`, `waiting`, `working`, `done` or `failed`.
        fault: why it failed, one line.
    """

    id: str
    name: str
    file: str = ""
    size: int = 0
    state: str = "coming"
    fault: str = ""


class Library:
    """All recordings. Safe for many threads."""

    def __init__(self, root: Path, most: int) -> None:
        self.root = root
        self.most = most
        self.lock = RLock()
        self.folders: dict[str, Path] = {}
        self.abouts: dict[str, RecordingInfo] = {}
        self.steppers: OrderedDict[str, FrameReader] = OrderedDict()
        root.mkdir(parents=True, exist_ok=True)
        for path in sorted(root.glob("*/recording.json"), key=lambda one: one.stat().st_mtime):
            self._find(path)

    def _find(self, path: Path) -> None:
        """One that was kept; half an upload is taken away."""
        try:
            about = RecordingInfo(**json.loads(path.read_text("utf-8")))
        except (ValueError, TypeError):
            return  # not ours: left alone
        if about.state == "coming":
            shutil.rmtree(path.parent, ignore_errors=True)
            return
        state = "waiting" if about.state == "working" else about.state
        self.folders[about.id] = path.parent
        self.abouts[about.id] = dataclasses.replace(about, state=state)

    def all(self) -> list[RecordingInfo]:
        """In the order in which they came."""
        with self.lock:
            return list(self.abouts.values())

    def about(self, id: str) -> RecordingInfo:
        """One recording.

        Raises:
            MissingDataError: there is none.
        """
        with self.lock:
            if id not in self.abouts:
                raise MissingDataError("there is no such recording; it may have been deleted")
            return self.abouts[id]

    def folder(self, id: str) -> Path:
        """Where it lies."""
        with self.lock:
            self.about(id)
            return self.folders[id]

    def new(self, name: str) -> RecordingInfo:
        """Place for one more.

        Raises:
            UsageError: there are as many as there may be.
        """
        with self.lock:
            if len(self.abouts) >= self.most:
                raise UsageError(f"there are {self.most} recordings, which is as many as there may be; delete one")
            shown = one_line(name.replace("\\", "/").rpartition("/")[2])[:120] or "recording"
            about = RecordingInfo(secrets.token_hex(8), shown)
            folder = self.root / f"{slug(shown).strip('-.')[:40] or 'recording'}-{about.id}"
            folder.mkdir(mode=0o700)
            self.folders[about.id] = folder
            return self.keep(about)

    def keep(self, about: RecordingInfo) -> RecordingInfo:
        """Write what is known of it."""
        with self.lock:
            self.folder_of_known(about.id)
            self.abouts[about.id] = about
            write_atomically(self.folders[about.id] / "recording.json", json.dumps(dataclasses.asdict(about)).encode())
            return about

    def folder_of_known(self, id: str) -> Path:
        """Where it lies, or will.

        Raises:
            MissingDataError: it was deleted meanwhile.
        """
        if id not in self.folders:
            raise MissingDataError("there is no such recording; it may have been deleted")
        return self.folders[id]

    def change(self, id: str, **values: object) -> RecordingInfo:
        """Some of what is known of it."""
        with self.lock:
            return self.keep(dataclasses.replace(self.about(id), **values))  # type: ignore[arg-type]

    def remove(self, id: str) -> None:
        """The recording and all that was made of it."""
        with self.lock:
            folder = self.folder(id)
            self.abouts.pop(id)
            self.folders.pop(id)
            if (stepper := self.steppers.pop(id, None)) is not None:
                stepper.close()
        with suppress(OSError):
            (folder / "recording.json").unlink()  # should the rest fail, it is not found again
        shutil.rmtree(folder, ignore_errors=True)

    def found(self, id: str) -> Analysis:
        """What the analysis found.

        Raises:
            RunError: it is not done.
        """
        if self.about(id).state != "done":
            raise RunError(f"'{self.about(id).name}' is not analyzed yet")
        return read_analysis(self.folder(id) / "analysis.json")

    def times(self, id: str, name: str = "times") -> np.ndarray:
        """(T,) float64 seconds since the first frame; `stamps` as the file gives them."""
        path = self.folder(id) / f"{name}.npy"
        if not path.is_file():
            raise RunError(f"'{self.about(id).name}' is not analyzed yet")
        return np.asarray(np.load(path, allow_pickle=False), np.float64)

    def coding(self, id: str) -> Annotations:
        """What the coders say."""
        path = self.folder(id) / "annotations.json"
        if not path.is_file():
            return Annotations.begin(self.found(id).events)
        try:
            return CODING.validate_json(path.read_bytes())
        except ValidationError as fault:
            raise RunError(f"'{path}' is broken: {fault.errors()[0]['msg']}") from None

    def judge(self, id: str, change: Callable[[Annotations], Annotations]) -> Annotations:
        """Change what the coders say; it is on disk when this returns."""
        with self.lock:
            old = self.coding(id)
            new = change(old)
            if new is not old:
                write_atomically(self.folder(id) / "annotations.json", CODING.dump_json(new))
            return new

    def judged(self, id: str) -> Analysis:
        """What was found, with the events as they are judged now; where the file lay on disk is not told."""
        found = self.found(id)
        events = tuple(event for _, event in self.coding(id).ordered())
        recording = dataclasses.replace(found.recording, path="")
        return dataclasses.replace(found, recording=recording, events=events)

    def frame(self, id: str, number: int) -> bytes:
        """One frame as JPEG."""
        with self.lock:
            stepper = self.steppers.get(id)
            if stepper is None:
                path = self.folder(id) / self.about(id).file
                stepper = self.steppers[id] = FrameReader(path, self.times(id, "stamps"))
            self.steppers.move_to_end(id)
            old = [self.steppers.popitem(last=False)[1] for _ in range(len(self.steppers) - OPEN)]
        for one in old:
            one.close()
        return stepper.jpeg(number)
