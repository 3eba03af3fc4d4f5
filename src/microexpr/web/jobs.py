"""Analyzes in processes of their own, one after the other: a crash is a line on the page, a deletion ends one."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread

import numpy as np

from ..analysis.formats.json_file import to_json
from ..analysis.page import rename_recording
from ..core.errors import MediaError, MicroexprError, MissingDataError, one_line
from ..core.files import write_atomically
from ..core.progress import ProgressCallback
from ..core.registry import load_plugin
from ..faces.tracking import Tracking
from ..imaging.video import MonotonicClock, open_frames
from .media import make_playable, plays
from .settings import ServerOptions
from .store import Library

VIEW = "preview.mp4"


class Jobs:
    """Analyzes that wait, and those that run.

    Attributes:
        progress: id of a recording that is worked on -> (what, done, in all).
    """

    def __init__(self, library: Library, settings: ServerOptions) -> None:
        self.library = library
        self.settings = settings
        self.progress: dict[str, tuple[str, int, int]] = {}
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        self._running: dict[str, BaseProcess] = {}
        self._lock = Lock()
        self._stopped = False
        self._threads: list[Thread] = []

    def start(self) -> None:
        """Begin with what waits."""
        for about in self.library.all():
            if about.state == "waiting":
                self.add(about.id)
        for _ in range(self.settings.workers):
            thread = Thread(target=self._serve, daemon=True)
            thread.start()
            self._threads.append(thread)

    def add(self, id: str) -> None:
        """One more recording."""
        self._waiting.put(id)

    def remove(self, id: str) -> None:
        """Delete a recording; what works on it is ended first."""
        with self._lock:
            self.library.about(id)
            if (process := self._running.get(id)) is not None:
                _end(process)
            self.library.remove(id)

    def stop(self) -> None:
        """End everything that runs; may be called twice."""
        with self._lock:
            self._stopped = True
            for process in self._running.values():
                _end(process)
        for _ in self._threads:
            self._waiting.put(None)
        while self._threads:
            self._threads.pop().join(5)

    def _serve(self) -> None:
        while (id := self._waiting.get()) is not None and not self._stopped:
            with suppress(MissingDataError):  # deleted meanwhile
                self._run(id)
            self.progress.pop(id, None)

    def _run(self, id: str) -> None:
        spawn = multiprocessing.get_context("spawn")
        here, there = spawn.Pipe(duplex=False)
        with self._lock:
            if self._stopped:
                return
            about = self.library.change(id, state="working", fault="")
            task = Task(self.library.folder(id), about.file, about.name, self.settings)
            process = spawn.Process(target=work, args=(there, task), daemon=True)
            process.start()
            self._running[id] = process
        there.close()
        try:
            fault = self._listen(id, here, process)
        finally:
            with self._lock:
                self._running.pop(id)
                here.close()
        if not self._stopped:  # else it waits for the next start, where it is kept
            self.library.change(id, state="failed" if fault else "done", fault=fault)

    def _listen(self, id: str, pipe: Connection, process: BaseProcess) -> str:
        """Until it is done: why it failed, or ""."""
        with suppress(EOFError, OSError):
            while True:
                told = json.loads(pipe.recv_bytes())
                if "done" not in told:
                    return str(told["fault"])
                self.progress[id] = (told["what"], told["done"], told["total"])
        process.join()
        if process.exitcode == 0:
            return ""
        return (
            f"the analysis broke off (exit code {process.exitcode}); the file may be damaged, or memory may not have "
            "sufficed"
        )


def _end(process: BaseProcess) -> None:
    process.kill()  # it holds nothing that it would have to put away
    process.join()


@dataclass(frozen=True)
class Task:
    """What a process is to do: the upload `file` in `folder`, called `name` by its owner."""

    folder: Path
    file: str
    name: str
    settings: ServerOptions


def work(pipe: Connection, task: Task) -> None:
    """What the process does: time stamps, analysis, a copy that browsers play; faults become a line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then ends this process
    last = 0.0

    def progress(what: str, done: int, total: int) -> None:
        nonlocal last
        if done < total and time.monotonic() - last < 0.1:
            return
        last = time.monotonic()
        told = {"what": what.removeprefix(f"{task.file}: "), "done": done, "total": total}
        pipe.send_bytes(json.dumps(told).encode())  # fails, and so ends this process, when the server is gone

    try:
        prepare(task, progress)
    except MicroexprError as fault:
        line = str(fault).replace(str(task.folder / task.file), task.name).replace(str(task.folder), "")
        pipe.send_bytes(json.dumps({"fault": one_line(line)}).encode())
    except MemoryError:
        pipe.send_bytes(json.dumps({"fault": "memory did not suffice for this recording"}).encode())


def prepare(task: Task, progress: ProgressCallback) -> None:
    """Everything that the page needs of a recording, into its folder."""
    for path in task.settings.plugins:
        load_plugin(path)
    folder, source = task.folder, task.folder / task.file
    progress("reading", 0, 1)
    frames = open_frames(source, damaged=True)
    stamps = np.array(getattr(frames, "times", ()), np.float64)
    if not len(stamps):
        raise MediaError(f"'{task.name}' holds no frame of a video")
    clock = MonotonicClock(1 / Tracking().fps)
    for name, seconds in (("stamps", stamps), ("times", np.array([clock.next(one) for one in stamps]))):
        with (folder / f"{name}.npy").open("wb") as out:
            np.save(out, seconds)
    analysis = task.settings.analyze(source, folder / "analysis", task.settings.values, progress)
    recording = dataclasses.replace(analysis.recording, name=task.name)
    events = tuple(dataclasses.replace(event, video=task.name) for event in analysis.events)
    if getattr(frames, "damage", ()) or not plays(source, float(stamps[0])):
        make_playable(source, folder / VIEW, progress)
    for report in (folder / "analysis").glob("*/report.html"):
        page = rename_recording(report.read_text("utf-8"), task.file, task.name)
        write_atomically(folder / "report.html", page.encode())
    shutil.rmtree(folder / "analysis", ignore_errors=True)
    content = to_json(dataclasses.replace(analysis, recording=recording, events=events))
    write_atomically(folder / "analysis.json", content.encode())
