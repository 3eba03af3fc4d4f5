"""A camera from its first frame to the files that are left."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import current_thread, main_thread
from types import FrameType

import numpy as np

from ... import __version__
from ...core.errors import MicroexprError, RunError, UsageError
from ...core.events import Analysis, Event, Recording
from ...core.files import write_atomically
from ...core.registry import validate_settings
from ...faces.tracking import Tracking
from ...faces.tracking.prefetch import prefetch
from ...faces.tracking.recorder import Recorders, TrackedFrame, followed
from ...recognizers.model import load_model
from ..classify import classify_events, warnings
from ..formats import json_file as export
from ..options import AnalysisOptions, Components
from .capture import Capture, Source
from .detector import EventDetector
from .window import FrameBuffer, TrackBuffer, TrackWindow

LINES = "events.jsonl"
"""An event a line, written as it is told."""

FILES = ("events.csv", "events.eaf", "events.json")
"""Written at the end."""


@dataclass(frozen=True)
class LiveOptions:
    """How a camera is watched.

    Args:
        window: seconds that are kept and looked at.
        interval: seconds from look to look; where a look takes longer, the next one comes right after it.
        settle: seconds that an event must lie behind, at least, before it is told.
        queue_size: frames that may wait for the face tracker; further ones are dropped.
        buffer_fps: so many a second are kept for the recognizer.
    """

    window: float = 12.0
    interval: float = 0.5
    settle: float = 1.0
    queue_size: int = 32
    buffer_fps: float = 60.0

    def __post_init__(self) -> None:
        for name in ("window", "interval", "settle", "queue_size", "buffer_fps"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} = {getattr(self, name)}: use more than 0")
        if self.window < 3 * self.settle + self.interval:
            raise UsageError(
                f"window = {self.window}: use 3 x settle + interval, {3 * self.settle + self.interval} s, or more"
            )


@dataclass(frozen=True)
class Status:
    """How it goes.

    Attributes:
        seconds: since the first frame, of the newest one that is done.
        fps_in, fps_done: frames that came, and that were done, per second of the last few.
        received, processed, dropped: frames since the beginning; what is neither done nor dropped waits.
        faces: in sight now.
        blinks, events: since the beginning.
    """

    seconds: float = 0.0
    fps_in: float = 0.0
    fps_done: float = 0.0
    received: int = 0
    processed: int = 0
    dropped: int = 0
    faces: int = 0
    blinks: int = 0
    events: int = 0


def live(
    source: Source,
    folder: Path,
    options: AnalysisOptions | None = None,
    settings: LiveOptions | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
    on_status: Callable[[Status], None] = lambda status: None,
    components: Components | None = None,
) -> Analysis:
    """Tell the events of a camera until it ends or is stopped (SIGINT, SIGTERM), and write them into `folder`.

    Args:
        source: the camera, or a file played as one.
        folder: gets a line in events.jsonl as each event comes, and events.csv, .eaf and .json at the end.
        options: as of `analyze`.
        settings: of the window.
        on_event: called with each event, once.
        on_status: called a few times a second.
        components: another spotter than ours.

    Raises:
        MediaError: the source gave no frame, or it failed; what came before is written all the same.
        RunError: the folder holds events already, or cannot be written.
    """
    session = _Session(
        source, folder, options or AnalysisOptions(), settings or LiveOptions(), on_event, components or Components()
    )
    fault = None
    with _stopped_by_signals(session.capture.stop):
        try:
            with closing(prefetch(followed(session.capture.frames(), session.tracking))) as frames:
                for frame in frames:
                    session.add(frame)
                    session.show(on_status)
        except MicroexprError as caught:
            fault = caught
        if fault is not None and not session.done:
            session.leave()
            raise fault
        analysis = session.finish()
    on_status(session.status())
    if fault is not None:
        raise fault
    return analysis


@contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """The first signal ends it in order; a second one does what it did before."""
    if current_thread() is not main_thread():
        yield
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.getsignal(kind) for kind in kinds}

    def restore() -> None:
        for kind, handler in before.items():
            signal.signal(kind, handler)

    def end(number: int, frame: FrameType | None) -> None:
        restore()
        stop()

    for kind in kinds:
        signal.signal(kind, end)
    try:
        yield
    finally:
        restore()


class _Session:
    """All that is held while a camera is watched."""

    def __init__(
        self,
        source: Source,
        folder: Path,
        options: AnalysisOptions,
        settings: LiveOptions,
        told: Callable[[Event], None],
        components: Components,
    ) -> None:
        options.check()
        self.source, self.folder, self.options, self.settings, self.told = source, folder, options, settings, told
        self.tracking = validate_settings(Tracking, options.tracking, "tracking")
        self.model = None if options.model_file is None else load_model(options.model_file)
        self.capture = Capture(source, settings.queue_size)
        self.window = TrackWindow(settings.window)
        self.shots = FrameBuffer(settings.window + 2, settings.buffer_fps)  # tracks reach up to a second farther back
        self.recorders = Recorders(self.tracking, self.window)
        self.watch = EventDetector(
            self.tracking, lambda track: components.spot(track, options), settings.settle, settings.window / 2
        )
        self.events: list[Event] = []
        self.done, self.seconds, self.faces, self.shape = 0, 0.0, 0, (0, 0)
        self._steps: deque[float] = deque(maxlen=1000)
        self._clock: deque[tuple[float, int, int]] = deque(maxlen=16)
        self._last: TrackedFrame | None = None
        self._next = settings.interval
        self._worker = ThreadPoolExecutor(1)
        self._looking: Future[None] | None = None
        _claim(folder)

    def add(self, frame: TrackedFrame) -> None:
        """The next frame."""
        if self._last is not None:
            self._steps.append((frame.seconds - self._last.seconds) / (frame.number - self._last.number))
        self._last, self.done, self.seconds = frame, self.done + 1, frame.seconds
        self.faces, self.shape = len(frame.faces), frame.picture.shape[:2]
        if frame.faces:
            self.shots.add(frame.number, frame.seconds, frame.picture)
        self.recorders.add(frame)
        self.window.forget(frame.seconds)
        if frame.seconds < self._next:
            return
        if self._looking is not None:
            if not self._looking.done() and not self.source.can_wait:
                return  # the next frame asks again
            self._looking.result()
        self._next = frame.seconds + self.settings.interval
        strips = {track: strip.copy() for track, strip in self.window.strips.items()}
        self._looking = self._worker.submit(self._look, strips, self.shots.copy(), self._facts(), False)

    def finish(self) -> Analysis:
        """The last look, and the files."""
        try:
            if self._looking is not None:
                self._looking.result()
        finally:
            self._worker.shutdown()
        self.recorders.close()
        facts = self._facts()
        self._look(self.window.strips, self.shots, facts, True)
        step = 1 / facts.fps if facts.fps else 0.0
        faces = tuple(one.to_face(facts.seconds, step) for _, one in sorted(self.watch.people.items()))
        lost = f"{self.capture.dropped} of {self.capture.came} frames were dropped: this machine did not keep up"
        told = (lost,) * bool(self.capture.dropped) + warnings(facts, faces, self.model)
        counts = {"received": self.capture.came, "processed": self.done, "dropped": self.capture.dropped}
        kept = {**self.options.resolved_settings(), "live": {**dataclasses.asdict(self.settings), **counts}}
        analysis = Analysis(facts, faces, tuple(self.events), told, kept, __version__)
        contents = (
            export.to_csv(analysis.events).encode(),
            export.to_eaf(analysis, self.folder),
            export.to_json(analysis).encode(),
        )
        for name, content in zip(FILES, contents, strict=True):
            write_atomically(self.folder / name, content)
        return analysis

    def leave(self) -> None:
        """Nothing was seen: nothing is left."""
        self._worker.shutdown()
        (self.folder / LINES).unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    def status(self) -> Status:
        """Now."""
        now, came, done = time.monotonic(), self.capture.came, self.done
        self._clock.append((now, came, done))
        then, came_then, done_then = self._clock[0]
        span = max(now - then, 1e-6)
        rates = ((came - came_then) / span, (done - done_then) / span) if len(self._clock) > 1 else (0.0, 0.0)
        blinks = sum(len(person.blinks) for person in list(self.watch.people.values()))
        return Status(self.seconds, *rates, came, done, self.capture.dropped, self.faces, blinks, len(self.events))

    def show(self, shown: Callable[[Status], None]) -> None:
        """Now and then."""
        if not self._clock or time.monotonic() - self._clock[-1][0] >= 0.25:
            shown(self.status())

    def _facts(self) -> Recording:
        fps = 1 / max(float(np.median(self._steps)), 1e-6) if self._steps else 0.0
        height, width = self.shape
        path, seconds = self.source.path, round(self.seconds, 6)
        return Recording(self.source.name, path, self.capture.came, seconds, round(fps, 3), width, height)

    def _look(self, strips: dict[int, TrackBuffer], shots: FrameBuffer, facts: Recording, final: bool) -> None:
        found = self.watch.detect(strips, facts.seconds, 1 / facts.fps if facts.fps else 0.0, final)
        if not found:
            return
        events, _ = classify_events(shots, facts, found, self.model, self.options, lambda *now: None, self.folder)
        for event in events:
            self.events.append(event)
            _append(self.folder / LINES, json.dumps(dataclasses.asdict(event)) + "\n")
            self.told(event)


def _claim(folder: Path) -> None:
    """The folder, with an empty events.jsonl in it; one that holds events already is left alone."""
    if taken := [name for name in (LINES, *FILES) if (folder / name).exists()]:
        raise RunError(f"'{folder}' holds {taken[0]} already; give another --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LINES).touch()
    except OSError as fault:
        raise RunError(f"'{folder}' cannot be written: {fault.strerror or fault}") from None


def _append(file: Path, line: str) -> None:
    """A whole line, on the disk before it is told."""
    try:
        with file.open("a", encoding="utf-8") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as fault:
        raise RunError(f"'{file}' cannot be written: {fault.strerror or fault}") from None
