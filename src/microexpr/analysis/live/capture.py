"""Frames from a camera, or from a file that is played like one, read in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Literal, Protocol

import cv2
import numpy as np

from ...core.errors import MediaError
from ...imaging.timing import iter_frames
from ...imaging.video import VIDEO_SUFFIXES, VideoFrames

Speed = Literal["real", "fast"]

TIMEOUT = 2.0
"""Seconds within which a camera must give a frame, and after a stop its last frame."""


class Source(Protocol):
    """A source of frames.

    Attributes:
        name: name for messages.
        path: path of the file; "" for a camera.
        can_wait: whether it can wait until a frame has been processed; a camera cannot.
    """

    name: str
    path: str
    can_wait: bool

    def play(self, stopped: Event) -> Iterator[tuple[float, np.ndarray]]:
        """Yield `(seconds, image)`: seconds since the first frame, rising; (height, width, 3) uint8 RGB.

        Args:
            stopped: once it is set, no further frame is read.

        Raises:
            MediaError: reading failed before the end.
        """


class Camera:
    """A camera that OpenCV opens; the time of a frame is the time of its arrival.

    Args:
        device: number of the camera, or path of its device.

    Raises:
        MediaError: there is no such camera.
    """

    can_wait = False

    def __init__(self, device: int | str) -> None:
        self.name, self.path = f"camera {device}", ""
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # our own error message is enough
        try:
            self._camera = cv2.VideoCapture(device)
        finally:
            cv2.utils.logging.setLogLevel(level)
        if not self._camera.isOpened():
            raise MediaError(
                f"{self.name} cannot be opened: is it plugged in, and used by no other program? "
                "Give another number or device, or a video file to play as a camera"
            )

    def play(self, stopped: Event) -> Iterator[tuple[float, np.ndarray]]:
        """Yield frames until it is stopped."""
        first = before = None
        try:
            while not stopped.is_set():
                image = self._read(stopped)
                if image is None:
                    return
                now = time.monotonic()
                first = now if first is None else first
                before = now - first if before is None else max(now - first, before + 1e-6)
                yield before, image
        finally:
            self._camera.release()

    def _read(self, stopped: Event) -> np.ndarray | None:
        """Read the next frame; None once it is stopped."""
        last = time.monotonic() + TIMEOUT
        while not stopped.is_set():
            good, image = self._camera.read()
            if good:
                return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
            if time.monotonic() > last:
                raise MediaError(f"{self.name} gives no more frames; was it unplugged?")
            stopped.wait(0.02)
        return None


class VideoSource:
    """A video file that is played like a camera.

    Args:
        path: the video.
        speed: `real` gives a frame when its time has come, as a camera does; `fast` as soon as it can be processed.
    """

    def __init__(self, path: Path, speed: Speed = "real") -> None:
        self.name, self.path = path.absolute().name, str(path.absolute())
        self.can_wait = speed == "fast"
        self._path = path

    def play(self, stopped: Event) -> Iterator[tuple[float, np.ndarray]]:
        """Yield frames until the end of the file."""
        begun = time.monotonic()
        for _, seconds, image in iter_frames(VideoFrames(self._path), 25.0):
            if not self.can_wait:
                stopped.wait(max(0.0, begun + seconds - time.monotonic()))
            if stopped.is_set():
                return
            yield seconds, image


def open_camera_or_video(text: str, speed: Speed = "real") -> Source:
    """Open the source that a user names.

    Args:
        text: number of a camera, path of a device, or a video file.
        speed: `real` or `fast`, for a video file.

    Raises:
        MediaError: it is none of these, or there is no such camera.
    """
    if text.isdecimal():
        return Camera(int(text))
    path = Path(text)
    if path.is_char_device():
        return Camera(text)
    if path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES:
        return VideoSource(path, speed)
    there = (
        "is not there" if not path.exists() else f"is neither a device nor one of {', '.join(sorted(VIDEO_SUFFIXES))}"
    )
    raise MediaError(f"'{text}' {there}; give the number of a camera (0, 1 ...), its device, or a video file")


class Capture:
    """Reads frames in a thread of its own; frames for which the queue has no room are dropped and counted.

    Args:
        source: the source of the frames.
        queue_size: number of frames that may wait.

    Attributes:
        received: number of frames that the source gave.
        dropped: number of them that were dropped.
    """

    def __init__(self, source: Source, queue_size: int) -> None:
        self.source, self.received, self.dropped = source, 0, 0
        self._queue: Queue[tuple[int, float, np.ndarray]] = Queue(queue_size)
        self._stopped = Event()
        self._error: BaseException | None = None
        self._thread = Thread(target=self._read_all, daemon=True)

    def stop(self) -> None:
        """Read no further frame; those that wait are still processed."""
        self._stopped.set()

    def frames(self) -> Iterator[tuple[int, float, np.ndarray]]:
        """Yield `(number, seconds, image)`; dropped frames are counted too, so that they are gaps in the numbers.

        Raises:
            MediaError: the source failed.
        """
        self._thread.start()
        silent = 0.0
        while True:
            try:
                yield self._queue.get(timeout=0.05)
                silent = 0.0
            except Empty:
                silent += 0.05
                if not self._thread.is_alive() and self._queue.empty():
                    break
                if self._stopped.is_set() and silent > TIMEOUT:
                    return  # the camera hangs in a read
        if self._error is not None:
            raise self._error

    def _read_all(self) -> None:
        try:
            for seconds, image in self.source.play(self._stopped):
                number, self.received = self.received, self.received + 1
                if not self._put((number, seconds, image)):
                    self.dropped += 1
        except BaseException as error:
            self._error = error

    def _put(self, frame: tuple[int, float, np.ndarray]) -> bool:
        while True:
            try:
                self._queue.put(frame, timeout=0.1 if self.source.can_wait else None, block=self.source.can_wait)
                return True
            except Full:
                if not self.source.can_wait or self._stopped.is_set():
                    return False
