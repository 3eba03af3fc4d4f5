"""Smooths, crops and measures the faces in a stream of frames, from a recording or a camera.

Smoothing needs later frames, so that the results come a few frames behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np

from ...imaging.geometry import averaging_block, similarity, transform_points, warp_image
from ..alignment import RIGID, rigid_positions
from ..landmarks import Landmarks
from .follower import Follower
from .measures import contrast, eye_ratios, head_pose, noise, sharpness
from .options import Tracking
from .smoothing import smooth_at
from .store import ROW

FOREHEAD, CHIN = 10, 152
"""Indices of the mesh points at the top of the forehead and at the tip of the chin."""


class Sink(Protocol):
    """Takes the row and the crop of a face in a frame, e.g. `TrackStore`, which writes them into a folder."""

    def add(self, track: int, row: np.ndarray, crop: np.ndarray) -> None: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """One frame, and the faces in it.

    Attributes:
        number: of the frame.
        seconds: since the first one.
        image: (height, width, 3) uint8 RGB.
        faces: track number -> landmarks of every face in it.
        open_tracks: numbers of the tracks that may continue in later frames.
    """

    number: int
    seconds: float
    image: np.ndarray
    faces: dict[int, Landmarks]
    open_tracks: frozenset[int]


def follow_faces(
    frames: Iterable[tuple[int, float, np.ndarray]], options: Tracking
) -> Generator[TrackedFrame, None, None]:
    """Follow the faces of a recording.

    Args:
        frames: `(number, seconds, image)` of every frame in order, as from `iter_frames`.
        options: settings.
    """
    follower = Follower(options)
    for number, seconds, image in frames:
        faces = follower.step(seconds, image)
        yield TrackedFrame(number, seconds, image, faces, frozenset(face.track for face in follower.faces))


class Recorders:
    """One `Recorder` for each track that may continue."""

    def __init__(self, options: Tracking, sink: Sink) -> None:
        self.options, self.sink = options, sink
        self._recorders: dict[int, Recorder] = {}

    def add(self, frame: TrackedFrame) -> None:
        """Take the next frame."""
        for track, face in frame.faces.items():
            if track not in self._recorders:
                self._recorders[track] = Recorder(track, self.options, self.sink)
            self._recorders[track].add(frame.number, frame.seconds, face, frame.image)
        for track in self._recorders.keys() - frame.open_tracks:
            self._recorders.pop(track).close()

    def close(self) -> None:
        """Write all remaining frames; no further ones follow."""
        for recorder in self._recorders.values():
            recorder.close()
        self._recorders = {}


@dataclass(frozen=True, eq=False)
class _WaitingFrame:
    """A face in a frame that is not written yet.

    Attributes:
        number: of the frame.
        time: seconds since the first frame.
        points: (70, 3) in pixels of the recording: 68 landmarks, the top of the forehead and the chin.
        presence: probability that there is a face, 0 to 1.
        mesh: (468, 3) float32 points of the face mesh, in pixels of the recording.
        image: the frame, (height, width, 3) uint8 RGB; None after it was written.
    """

    number: int
    time: float
    points: np.ndarray
    presence: float
    mesh: np.ndarray
    image: np.ndarray | None


class Recorder:
    """Writes one track to a sink; a frame is written as soon as the later frames that smooth it are known."""

    def __init__(self, track: int, options: Tracking, sink: Sink) -> None:
        self.track, self.options, self.sink = track, options, sink
        self.half = max(options.landmark_smoothing_ms, options.crop_smoothing_ms) / 2000 + 1e-6
        self.rigid_positions = rigid_positions(options.size)
        self._window: deque[_WaitingFrame] = deque()
        self._block = 0  # that of the first frame is used for all: a change would look like a movement
        self._previous: np.ndarray | None = None
        self._next = 0  # index in the window of the first frame that is not written

    def add(self, number: int, seconds: float, face: Landmarks, image: np.ndarray) -> None:
        """Take the face in the next frame that shows it.

        Args:
            number: of the frame.
            seconds: since the first frame.
            face: its landmarks in pixels of the recording.
            image: (height, width, 3) uint8 RGB.
        """
        space = np.concatenate([face.points, np.zeros((68, 1))], axis=1)
        space[[36, 45], 2] = face.mesh[[33, 263], 2]
        points = np.concatenate([space, face.mesh[[FOREHEAD, CHIN]]])
        self._window.append(_WaitingFrame(number, seconds, points, face.quality, face.mesh.astype(np.float32), image))
        while self._window[self._next].time + self.half < seconds:
            self._write()

    def close(self) -> None:
        """Write all remaining frames; no further ones follow."""
        while self._next < len(self._window):
            self._write()

    def _write(self) -> None:
        frame = self._window[self._next]
        while self._window[0].time < frame.time - self.half:
            self._window.popleft()
            self._next -= 1
        times = np.array([waiting.time for waiting in self._window])
        all_points = np.stack([waiting.points for waiting in self._window])
        points = smooth_at(times, all_points, frame.time, self.options.landmark_smoothing_ms)
        rigid = smooth_at(times, all_points[:, RIGID, :2], frame.time, self.options.crop_smoothing_ms)
        matrix = similarity(rigid, self.rigid_positions)
        assert frame.image is not None
        self._block = self._block or averaging_block(matrix)
        crop = warp_image(
            frame.image,
            matrix,
            self.options.size,
            interpolation=cv2.INTER_CUBIC,
            border=cv2.BORDER_REPLICATE,
            block=self._block,
            gray=True,
        )
        row = np.zeros((), ROW)
        row["number"], row["time"], row["presence"] = frame.number, frame.time, frame.presence
        row["matrix"], row["mesh"] = matrix, frame.mesh
        row["points"] = transform_points(points[:68, :2], matrix)
        row["pose"] = head_pose(points[36], points[45], points[68], points[69])
        row["ratios"] = eye_ratios(points)
        row["sharp"], row["contrast"] = sharpness(crop), contrast(crop)
        row["noise"] = 0 if self._previous is None else noise(crop, self._previous)
        self._previous = crop
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        row["box"] = (*low, *(high - low))
        self.sink.add(self.track, row, crop)
        self._window[self._next] = replace(frame, image=None)
        self._next += 1
