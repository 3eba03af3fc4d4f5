"""The queue of analyses. Each runs in a process of its own, so that a crash or a deletion ends only that one."""

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
from ..core.errors import MediaError, MicroexprError, MissingDataError, disk_message, one_line
from ..core.files import write_atomically
from ..core.progress import ProgressCallback
from ..core.registry import load_plugin
from ..faces.tracking import Tracking
from ..imaging.frames import open_frames
from ..imaging.timing import MonotonicClock
from .media import is_playable, write_preview
from .settings import ServerOptions
from .store import ANALYSIS_FILE, FRAMES_FILE, PREVIEW_FILE, REPORT_FILE, RecordingStore

PROGRESS_SECONDS = 0.1
"""Minimum time between two progress messages of an analysis."""


class JobQueue:
    """Analyses that wait and analyses that run.

    Attributes:
        progress: id of a recording that is being analyzed -> (stage, units done, units in total).
    """

    def __init__(self, store: RecordingStore, settings: ServerOptions) -> None:
        self.store = store
        self.settings = settings
        self.progress: dict[str, tuple[str, int, int]] = {}
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        self._running: dict[str, BaseProcess] = {}
        self._lock = Lock()
        self._stopped = False
        self._threads: list[Thread] = []

    def start(self) -> None:
        """Start the worker threads and queue every recording in the state `waiting`."""
        for info in self.store.all():
            if info.state == "waiting":
                self.add(info.id)
        for _ in range(self.settings.workers):
            thread = Thread(target=self._work, daemon=True)
            thread.start()
            self._threads.append(thread)

    def add(self, id: str) -> None:
        """Queue a recording for analysis."""
        self._waiting.put(id)

    def remove(self, id: str) -> None:
        """Delete a recording; its analysis is ended first.

        Raises:
            MissingDataError: there is no such recording.
        """
        with self._lock:
            self.store.info(id)
            if (process := self._running.get(id)) is not None:
                _kill(process)
            self.store.remove(id)

    def stop(self) -> None:
        """End all analyses and worker threads; may be called twice."""
        with self._lock:
            self._stopped = True
            for process in self._running.values():
                _kill(process)
        for _ in self._threads:
            self._waiting.put(None)
        while self._threads:
            self._threads.pop().join(5)

    def _work(self) -> None:
        """Run waiting analyses one after the other until the queue is stopped."""
        while (id := self._waiting.get()) is not None and not self._stopped:
            try:
                self._run(id)
            except MissingDataError:  # the recording was deleted meanwhile
                pass
            except Exception as error:  # a full disk, or no room for a process: the other recordings still wait
                self._fail(id, error)
            self.progress.pop(id, None)

    def _fail(self, id: str, error: Exception) -> None:
        """Show why an analysis could not be run; the state is at least in memory where the disk is full."""
        message = disk_message(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        with suppress(MicroexprError, OSError):
            self.store.update(id, state="failed", error=one_line(message)[:500])

    def _run(self, id: str) -> None:
        spawn = multiprocessing.get_context("spawn")
        receiver, sender = spawn.Pipe(duplex=False)
        with self._lock:
            if self._stopped:
                return
            info = self.store.update(id, state="running", error="")
            job = AnalysisJob(self.store.folder(id), info.file, info.name, self.settings)
            process = spawn.Process(target=run_job, args=(sender, job), daemon=True)
            process.start()
            self._running[id] = process
        sender.close()
        try:
            error = self._receive(id, receiver, process)
        finally:
            with self._lock:
                self._running.pop(id)
                receiver.close()
        if not self._stopped:  # else the recording waits for the next start of the server
            self.store.update(id, state="failed" if error else "done", error=error)

    def _receive(self, id: str, pipe: Connection, process: BaseProcess) -> str:
        """Receive progress until the process ends; return the error message, or "" on success."""
        with suppress(EOFError, OSError):
            while True:
                message = json.loads(pipe.recv_bytes())
                if "error" in message:
                    return str(message["error"])
                self.progress[id] = (message["stage"], message["done"], message["total"])
        process.join()
        if process.exitcode == 0:
            return ""
        return (
            f"the analysis crashed (exit code {process.exitcode}); the file may be damaged, or there was not enough "
            "memory"
        )


def _kill(process: BaseProcess) -> None:
    process.kill()  # it holds nothing that needs to be cleaned up
    process.join()


@dataclass(frozen=True)
class AnalysisJob:
    """One analysis.

    Attributes:
        folder: of the recording.
        file: name of the video in this folder.
        name: file name that the user gave.
        settings: of the server.
    """

    folder: Path
    file: str
    name: str
    settings: ServerOptions


def run_job(pipe: Connection, job: AnalysisJob) -> None:
    """Run an analysis and send progress and errors as JSON. This is what the process executes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then ends this process
    last = 0.0

    def send(message: dict[str, str | int]) -> None:
        pipe.send_bytes(json.dumps(message).encode())  # fails, and so ends this process, when the server is gone

    def on_progress(stage: str, done: int, total: int) -> None:
        nonlocal last
        if done < total and time.monotonic() - last < PROGRESS_SECONDS:
            return
        last = time.monotonic()
        send({"stage": stage.removeprefix(f"{job.file}: "), "done": done, "total": total})

    try:
        analyze_recording(job, on_progress)
    except MicroexprError as error:
        line = str(error).replace(str(job.folder / job.file), job.name).replace(str(job.folder), "")
        send({"error": one_line(line)})
    except OSError as error:
        send({"error": one_line(disk_message(error).replace(str(job.folder), ""))})
    except MemoryError:
        send({"error": "there is not enough memory to analyze this recording"})


def analyze_recording(job: AnalysisJob, progress: ProgressCallback) -> None:
    """Write everything that the page needs of a recording into its folder: see `store` for the files.

    Args:
        job: what to analyze.
        progress: called with the stage, the units done and their total.

    Raises:
        MicroexprError: the video cannot be read or analyzed.
    """
    for path in job.settings.plugins:
        load_plugin(path)
    folder, source = job.folder, job.folder / job.file
    progress("reading", 0, 1)
    frames = open_frames(source, damaged=True)
    timestamps = np.array(getattr(frames, "times", ()), np.float64)
    if not len(timestamps):
        raise MediaError(f"'{job.name}' contains no video frame")
    clock = MonotonicClock(1 / Tracking().fps)
    times = np.array([clock.next(seconds) for seconds in timestamps])
    np.save(folder / "timestamps.npy", timestamps)
    np.save(folder / "times.npy", times)
    analysis = job.settings.analyze(source, folder / "analysis", job.settings.values, progress)
    recording = dataclasses.replace(analysis.recording, name=job.name)
    events = tuple(dataclasses.replace(event, video=job.name) for event in analysis.events)
    if getattr(frames, "damage", ()) or not is_playable(source, float(timestamps[0])):
        write_preview(source, folder / PREVIEW_FILE, progress)
    for report in (folder / "analysis").glob("*/report.html"):
        page = rename_recording(report.read_text("utf-8"), job.file, job.name)
        write_atomically(folder / REPORT_FILE, page.encode())
    for table in (folder / "analysis").glob("*/frames.csv"):
        table.replace(folder / FRAMES_FILE)
    shutil.rmtree(folder / "analysis", ignore_errors=True)
    content = to_json(dataclasses.replace(analysis, recording=recording, events=events))
    write_atomically(folder / ANALYSIS_FILE, content.encode())
