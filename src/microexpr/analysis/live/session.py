"""The driver for a camera: from its first frame to the files that it leaves."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import current_thread, main_thread
from types import FrameType

import numpy as np

from ...core.errors import MicroexprError, RunError, UsageError
from ...core.events import Analysis, Candidate, Event, Recording
from ...core.progress import no_progress
from ...faces.tracking.prefetch import prefetch
from ...faces.tracking.recorder import Recorders, TrackedFrame, follow_faces
from ..candidates import beside_events, to_candidates
from ..causes import left_out_notes, mark_nested, sift
from ..classify import classify_events, unknown_gaze
from ..options import AnalysisOptions, Components
from ..result import build_analysis, event_files
from .capture import Capture, Source
from .detector import EventDetector
from .window import FrameBuffer, TrackBuffer, TrackWindow

LINES = "events.jsonl"
"""A line of JSON per event, written as soon as the event is found."""

STATUS_INTERVAL = 0.25
"""Seconds between two calls of `on_status`."""


@dataclass(frozen=True)
class LiveOptions:
    """Settings for a camera.

    Attributes:
        window: seconds of every face that are held in memory and searched; 3 settle + interval or more.
        interval: seconds from one search to the next; where a search takes longer, the next one follows at once.
        settle: seconds that must have passed since an event, at least, before it is reported; an event that lasted
            longer must have passed for as long as it lasted.
        queue_size: number of frames that may wait for the face tracker; further frames are dropped.
        buffer_fps: frames per second that are held in memory for the recognizer.
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
            smallest = 3 * self.settle + self.interval
            raise UsageError(f"window = {self.window}: use 3 x settle + interval, {smallest} s, or more")


@dataclass(frozen=True)
class Status:
    """The state of the work on a camera.

    Attributes:
        seconds: time of the newest frame that is processed, since the first one.
        fps_in, fps_done: frames received and frames processed per second, over the last few seconds.
        received, processed, dropped: frames since the beginning; the others wait.
        faces: number of faces in sight now.
        blinks, events: numbers since the beginning.
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


def analyze_camera(
    source: Source,
    folder: Path,
    options: AnalysisOptions | None = None,
    settings: LiveOptions | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
    on_status: Callable[[Status], None] = lambda status: None,
    components: Components | None = None,
) -> Analysis:
    """Report the events of a camera until it ends or is stopped (SIGINT, SIGTERM), and write them into `folder`.

    Args:
        source: the camera, or a file that is played like one.
        folder: gets a line in events.jsonl for each event as it comes, and the files of events at the end.
        options: settings of the analysis.
        settings: settings for the camera.
        on_event: called once with each event.
        on_status: called a few times per second.
        components: another spotter than the one that `options` names.

    Returns:
        Everything that was found.

    Raises:
        MediaError: the source gave no frame, or it failed; what came before is written all the same.
        RunError: the folder holds events already, or cannot be written.
    """
    session = _Session(
        source, folder, options or AnalysisOptions(), settings or LiveOptions(), on_event, components or Components()
    )
    error = None
    with _stopped_by_signals(session.capture.stop):
        try:
            with closing(prefetch(follow_faces(session.capture.frames(), session.tracking))) as frames:
                for frame in frames:
                    session.add(frame)
                    if session.status_is_due():
                        on_status(session.status())
        except MicroexprError as caught:
            error = caught
        if error is not None and not session.processed:
            session.discard()
            raise error
        analysis = session.finish()
    on_status(session.status())
    if error is not None:
        raise error
    return analysis


@contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first SIGINT or SIGTERM; a second one does what it did before."""
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
    """The state of the work on a camera, and the steps of that work."""

    def __init__(
        self,
        source: Source,
        folder: Path,
        options: AnalysisOptions,
        settings: LiveOptions,
        on_event: Callable[[Event], None],
        components: Components,
    ) -> None:
        options.check()
        self.source, self.folder, self.options, self.settings = source, folder, options, settings
        self.on_event, self.components = on_event, components
        self.tracking = options.tracker
        self.model = options.load_model()
        self.capture = Capture(source, settings.queue_size)
        self.window = TrackWindow(settings.window)
        self.images = FrameBuffer(settings.window + 2, settings.buffer_fps)  # tracks reach up to a second farther back
        self.recorders = Recorders(self.tracking, self.window)
        self.detector = EventDetector(
            self.tracking,
            lambda track: components.search(track, options),
            settings.settle,
            settings.window / 2,
            options.min_quality,
        )
        self.events: list[Event] = []
        self.candidates: list[Candidate] = []
        self.left_out: Counter[str] = Counter()
        self.gaze_note: tuple[str, ...] = ()
        self.processed, self.seconds, self.faces, self.shape = 0, 0.0, 0, (0, 0)
        self._steps: deque[float] = deque(maxlen=1000)
        self._clock: deque[tuple[float, int, int]] = deque(maxlen=16)
        self._last: TrackedFrame | None = None
        self._next_search = settings.interval
        self._worker = ThreadPoolExecutor(1)
        self._search_running: Future[None] | None = None
        _claim(folder)

    def add(self, frame: TrackedFrame) -> None:
        """Take in the next frame, and search the window where it is time to."""
        if self._last is not None:
            self._steps.append((frame.seconds - self._last.seconds) / (frame.number - self._last.number))
        self._last, self.processed, self.seconds = frame, self.processed + 1, frame.seconds
        self.faces, self.shape = len(frame.faces), frame.image.shape[:2]
        if frame.faces:
            self.images.add(frame.number, frame.seconds, frame.image)
        self.recorders.add(frame)
        self.window.forget(frame.seconds)
        if frame.seconds < self._next_search:
            return
        if self._search_running is not None:
            if not self._search_running.done() and not self.source.can_wait:
                return  # the next frame asks again
            self._search_running.result()
        self._next_search = frame.seconds + self.settings.interval
        buffers = {track: buffer.copy() for track, buffer in self.window.buffers.items()}
        self._search_running = self._worker.submit(
            self._search, buffers, self.images.copy(), self._recording(), final=False
        )

    def finish(self) -> Analysis:
        """Search a last time, and write the files."""
        try:
            if self._search_running is not None:
                self._search_running.result()
        finally:
            self._worker.shutdown()
        self.recorders.close()
        recording = self._recording()
        self._search(self.window.buffers, self.images, recording, final=True)
        step = 1 / recording.fps if recording.fps else 0.0
        faces = [history.to_face(recording.seconds, step) for _, history in sorted(self.detector.histories.items())]
        received, dropped = self.capture.received, self.capture.dropped
        notes = [f"{dropped} of {received} frames were dropped: this machine did not keep up"] if dropped else []
        notes += [*left_out_notes(self.left_out), *self.gaze_note]
        counts = {"received": received, "processed": self.processed, "dropped": dropped}
        settings = {"live": {**dataclasses.asdict(self.settings), **counts}}
        detection_limit = self.components.measure_detection_limit(self.detector.spotted, self.options, self.processed)
        analysis = build_analysis(
            recording, faces, self.events, self.model, self.options, notes=notes, settings=settings
        )
        candidates = beside_events(self.candidates, self.events)
        analysis = dataclasses.replace(analysis, detection_limit=detection_limit, candidates=candidates)
        analysis.save(self.folder)
        return analysis

    def discard(self) -> None:
        """Remove the folder of a source that gave no frame."""
        self._worker.shutdown()
        (self.folder / LINES).unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    def status_is_due(self) -> bool:
        """Whether the last status is old enough for the next one."""
        return not self._clock or time.monotonic() - self._clock[-1][0] >= STATUS_INTERVAL

    def status(self) -> Status:
        """Return the present state."""
        now, received, processed, dropped = (
            time.monotonic(),
            self.capture.received,
            self.processed,
            self.capture.dropped,
        )
        self._clock.append((now, received, processed))
        then, received_then, processed_then = self._clock[0]
        span = max(now - then, 1e-6)
        fps_in, fps_done = 0.0, 0.0
        if len(self._clock) > 1:
            fps_in, fps_done = (received - received_then) / span, (processed - processed_then) / span
        blinks = sum(len(history.blinks) for history in list(self.detector.histories.values()))
        return Status(
            self.seconds, fps_in, fps_done, received, processed, dropped, self.faces, blinks, len(self.events)
        )

    def _recording(self) -> Recording:
        """Properties of the recording up to now."""
        fps = 1 / max(float(np.median(self._steps)), 1e-6) if self._steps else 0.0
        height, width = self.shape
        path, seconds = self.source.path, round(self.seconds, 6)
        return Recording(self.source.name, path, self.capture.received, seconds, round(fps, 3), width, height)

    def _search(self, buffers: dict[int, TrackBuffer], images: FrameBuffer, recording: Recording, final: bool) -> None:
        """Find the events that are new, name them, and report them."""
        step = 1 / recording.fps if recording.fps else 0.0
        found, left_out = sift(self.detector.detect(buffers, recording.seconds, step, final))
        self.left_out.update(why for _, _, why in left_out)
        self.candidates += to_candidates(self.detector.weaker, left_out)
        if not found:
            return
        self.gaze_note = self.gaze_note or unknown_gaze(found)
        events, _ = classify_events(images, recording, found, self.model, self.options, no_progress)
        for event in mark_nested([*self.events, *events])[len(self.events) :]:
            self.events.append(event)
            _append(self.folder / LINES, json.dumps(dataclasses.asdict(event)) + "\n")
            self.on_event(event)


def _claim(folder: Path) -> None:
    """Make the folder with an empty events.jsonl in it; refuse one that holds events already."""
    if taken := [name for name in (LINES, *event_files()) if (folder / name).exists()]:
        raise RunError(f"'{folder}' holds {taken[0]} already; give another --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LINES).touch()
    except OSError as error:
        raise RunError(f"'{folder}' cannot be written: {error.strerror or error}") from None


def _append(file: Path, line: str) -> None:
    """Append a whole line, and wait until it is on the disk."""
    try:
        with file.open("a", encoding="utf-8") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise RunError(f"'{file}' cannot be written: {error.strerror or error}") from None
