"""From frames to the rows and crops of every face, in order and a few frames behind: recordings and cameras alike."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from ...imaging.geometry import averaging_block, similarity, transform_points, warp_image
from ..alignment import eye_positions
from ..landmarks import Landmarks
from .follower import Follower
from .measures import eye_ratios, head_pose, sharpness
from .options import Tracking
from .smoothing import smooth_at
from .store import ROW

RIGID = [36, 39, 42, 45, 27, 28]
"""Corners of the eyes and root of the nose: what moves with the head and not with the face."""

RIGID_PLACES = np.array([[-0.70, 0], [-0.27, 0.02], [0.27, 0.02], [0.70, 0], [0, -0.08], [0, 0.17]])
"""Where they lie when the middles of the eyes are at -.5 and .5: means over real faces."""

FOREHEAD, CHIN = 10, 152


class Sink(Protocol):
    """Where rows and crops go: a folder (`Store`), or a window that forgets."""

    def add(self, track: int, row: np.ndarray, crop: np.ndarray) -> None: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """One frame, and the faces in it.

    Attributes:
        number: of the frame.
        seconds: since the first one.
        image: (height, width, 3) uint8 RGB.
        faces: track number to landmarks, of every face in it.
        open_tracks: tracks that may still go on.
    """

    number: int
    seconds: float
    image: np.ndarray
    faces: dict[int, Landmarks]
    open_tracks: frozenset[int]


def follow_faces(
    frames: Iterable[tuple[int, float, np.ndarray]], options: Tracking
) -> Generator[TrackedFrame, None, None]:
    """The faces in each of `(number, seconds, image)`, which come in order."""
    follower = Follower(options)
    for number, seconds, picture in frames:
        faces = follower.step(seconds, picture)
        yield TrackedFrame(number, seconds, picture, faces, frozenset(face.track for face in follower.faces))


class Recorders:
    """A recorder for each face that may still go on."""

    def __init__(self, options: Tracking, sink: Sink) -> None:
        self.options, self.sink = options, sink
        self._own: dict[int, Recorder] = {}

    def add(self, frame: TrackedFrame) -> None:
        """The next frame."""
        if frame.faces:
            gray = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)
        for track, face in frame.faces.items():
            if track not in self._own:
                self._own[track] = Recorder(track, self.options, self.sink)
            self._own[track].add(frame.number, frame.seconds, face, gray)
        for track in self._own.keys() - frame.open_tracks:
            self._own.pop(track).close()

    def close(self) -> None:
        """No frame will come any more."""
        for recorder in self._own.values():
            recorder.close()
        self._own = {}


@dataclass(frozen=True, eq=False)
class _WaitingFrame:
    """A face in one frame: (70, 3) points in the recording (68, top of the forehead, chin), and the gray image."""

    number: int
    time: float
    points: np.ndarray
    presence: float
    gray: np.ndarray | None


class Recorder:
    """One track on its way to a sink: a frame is written when the frames after it that smooth it have come."""

    def __init__(self, track: int, options: Tracking, sink: Sink) -> None:
        self.track, self.options, self.sink = track, options, sink
        self.half = max(options.landmark_smoothing_ms, options.crop_smoothing_ms) / 2000 + 1e-6
        self.places = RIGID_PLACES * np.ptp(_eyes(options.size)[:, 0]) + _eyes(options.size).mean(axis=0)
        self._window: deque[_WaitingFrame] = deque()
        self._block = 0  # the one of the first frame is kept: a change would be seen as movement
        self._next = 0  # index in the window of the first frame that is not written

    def add(self, number: int, seconds: float, face: Landmarks, gray: np.ndarray) -> None:
        """The face in the next frame that shows it.

        Args:
            number: of the frame.
            seconds: since the first frame.
            face: its landmarks in pixels of the recording.
            gray: (height, width) uint8.
        """
        space = np.concatenate([face.points, np.zeros((68, 1))], axis=1)
        space[[36, 45], 2] = face.mesh[[33, 263], 2]
        points = np.concatenate([space, face.mesh[[FOREHEAD, CHIN]]])
        self._window.append(_WaitingFrame(number, seconds, points, face.quality, gray))
        while self._window[self._next].time + self.half < seconds:
            self._write()

    def close(self) -> None:
        """Writes what is left: no frame will come any more."""
        while self._next < len(self._window):
            self._write()

    def _write(self) -> None:
        seen = self._window[self._next]
        while self._window[0].time < seen.time - self.half:
            self._window.popleft()
            self._next -= 1
        times = np.array([one.time for one in self._window])
        points = np.stack([one.points for one in self._window])
        own = smooth_at(times, points, seen.time, self.options.landmark_smoothing_ms)
        rigid = smooth_at(times, points[:, RIGID, :2], seen.time, self.options.crop_smoothing_ms)
        matrix = similarity(rigid, self.places)
        assert seen.gray is not None
        self._block = self._block or averaging_block(matrix)
        how = {"interpolation": cv2.INTER_CUBIC, "border": cv2.BORDER_REPLICATE, "block": self._block}
        crop = warp_image(seen.gray, matrix, self.options.size, **how)
        row = np.zeros((), ROW)
        row["number"], row["time"], row["presence"] = seen.number, seen.time, seen.presence
        row["matrix"] = matrix
        row["points"] = transform_points(own[:68, :2], matrix)
        row["pose"] = head_pose(own[36], own[45], own[68], own[69])
        row["ratios"] = eye_ratios(own)
        row["sharp"] = sharpness(crop)
        low, high = own[:, :2].min(axis=0), own[:, :2].max(axis=0)
        row["box"] = (*low, *(high - low))
        self.sink.add(self.track, row, crop)
        self._window[self._next] = _WaitingFrame(seen.number, seen.time, seen.points, seen.presence, None)
        self._next += 1


def _eyes(size: int) -> np.ndarray:
    """(2, 2) where the middles of the eyes lie in a crop: as step `align` has it."""
    return eye_positions(size)
