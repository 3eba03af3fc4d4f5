"""Frames from a camera, or from a file played as one, taken by a thread that waits for nobody."""

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
from ...imaging.video import VIDEOS, VideoFrames, iter_frames

Speed = Literal["real", "fast"]

TIMEOUT = 2.0
"""Seconds in which a camera must give a frame, and after a stop the last one."""


class Source(Protocol):
    """What gives frames.

    Attributes:
        name: for people.
        path: of the file; "" where there is none.
        can_wait: whether it can wait until a frame has been taken; a camera cannot.
    """

    name: str
    path: str
    can_wait: bool

    def play(self, stopped: Event) -> Iterator[tuple[float, np.ndarray]]:
        """`(seconds, picture)`: since the first frame, rising; (height, width, 3) uint8 RGB.

        Args:
            stopped: when it is set, no further frame is wanted.

        Raises:
            MediaError: no more can be read, and it was not the end.
        """


class Camera:
    """A camera that OpenCV opens; a frame's time is when it arrived.

    Args:
        which: its number, or the path of its device.

    Raises:
        MediaError: there is none.
    """

    can_wait = False

    def __init__(self, which: int | str) -> None:
        self.name, self.path = f"camera {which}", ""
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # one line of ours says it
        try:
            self._camera = cv2.VideoCapture(which)
        finally:
            cv2.utils.logging.setLogLevel(level)
        if not self._camera.isOpened():
            raise MediaError(
                f"{self.name} cannot be opened: is it plugged in, and used by no other program? "
                "Give another number or device, or a video file to play as a camera"
            )

    def play(self, stopped: Event) -> Iterator[tuple[float, np.ndarray]]:
        """Until it is stopped."""
        first = before = None
        try:
            while not stopped.is_set():
                picture = self._read(stopped)
                if picture is None:
                    return
                now = time.monotonic()
                first = now if first is None else first
                before = now - first if before is None else max(now - first, before + 1e-6)
                yield before, picture
        finally:
            self._camera.release()

    def _read(self, stopped: Event) -> np.ndarray | None:
        """The next frame; None once it is stopped."""
        last = time.monotonic() + TIMEOUT
        while not stopped.is_set():
            good, picture = self._camera.read()
            if good:
                return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
            if time.monotonic() > last:
                raise MediaError(f"{self.name} gives no more frames; was it unplugged?")
            stopped.wait(0.02)
        return None


class VideoSource:
    """A video file played as a camera.

    Args:
        file: the video.
        speed: `real` shows a frame when its time has come, as a camera does; `fast` when it is asked for.
    """

    def __init__(self, file: Path, pace: Speed = "real") -> None:
        self.name, self.path = file.absolute().name, str(file.absolute())
        self.can_wait = pace == "fast"
        self._file = file

    def play(self, stopped: Event) -> Iterator[tuple[float, np.ndarray]]:
        """Until the end of the file."""
        begun = time.monotonic()
        for _, seconds, picture in iter_frames(VideoFrames(self._file), 25.0):
            if not self.can_wait:
                stopped.wait(max(0.0, begun + seconds - time.monotonic()))
            if stopped.is_set():
                return
            yield seconds, picture


def open_camera_or_video(text: str, speed: Speed = "real") -> Source:
    """What a user means: the number of a camera, a device, or a video file.

    Raises:
        MediaError: none of these, or no such camera.
    """
    if text.isdecimal():
        return Camera(int(text))
    path = Path(text)
    if path.is_char_device():
        return Camera(text)
    if path.is_file() and path.suffix.lower() in VIDEOS:
        return VideoSource(path, speed)
    there = "is not there" if not path.exists() else f"is neither a device nor one of {', '.join(sorted(VIDEOS))}"
    raise MediaError(f"'{text}' {there}; give the number of a camera (0, 1 ...), its device, or a video file")


class Capture:
    """Takes frames in a thread of its own; those that nobody has room for are dropped and counted.

    Args:
        source: of the frames.
        waiting: so many may wait to be looked at.

    Attributes:
        came: frames that the source gave.
        dropped: those of them that nobody looked at.
    """

    def __init__(self, source: Source, waiting: int) -> None:
        self.source, self.came, self.dropped = source, 0, 0
        self._waiting: Queue[tuple[int, float, np.ndarray]] = Queue(waiting)
        self._stopped = Event()
        self._fault: BaseException | None = None
        self._thread = Thread(target=self._take, daemon=True)

    def stop(self) -> None:
        """No further frame is taken; those that wait are still given."""
        self._stopped.set()

    def frames(self) -> Iterator[tuple[int, float, np.ndarray]]:
        """`(number, seconds, picture)`; a number counts every frame that came, so that dropped ones are gaps.

        Raises:
            MediaError: of the source.
        """
        self._thread.start()
        silent = 0.0
        while True:
            try:
                yield self._waiting.get(timeout=0.05)
                silent = 0.0
            except Empty:
                silent += 0.05
                if not self._thread.is_alive() and self._waiting.empty():
                    break
                if self._stopped.is_set() and silent > TIMEOUT:
                    return  # the camera hangs in a read
        if self._fault is not None:
            raise self._fault

    def _take(self) -> None:
        try:
            for seconds, picture in self.source.play(self._stopped):
                number, self.came = self.came, self.came + 1
                if not self._put((number, seconds, picture)):
                    self.dropped += 1
        except BaseException as fault:
            self._fault = fault

    def _put(self, frame: tuple[int, float, np.ndarray]) -> bool:
        while True:
            try:
                self._waiting.put(frame, timeout=0.1 if self.source.can_wait else None, block=self.source.can_wait)
                return True
            except Full:
                if not self.source.can_wait or self._stopped.is_set():
                    return False
