"""The track of a face: the measurements of the face tracker in each frame, which spotters read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, cast

import numpy as np

from .errors import UsageError

MICRO_SECONDS = 0.5
"""A facial movement shorter than this is a micro-expression, a longer one a macro-expression (Yan et al. 2013)."""

T = TypeVar("T")

FlowCache = dict[tuple[int, int, str, bytes], Any]
"""(first frame number, last one, name of the result, all frame numbers) -> result."""


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """One face in a recording, from when it appears until it disappears for longer than `Tracking.max_gap`.

    Attributes:
        face: number of the person in the recording, from 1; several tracks of one person have the same.
        numbers: (T,) int64 frame numbers as the source numbers its frames, rising; missing ones are gaps.
        times: (T,) float64 seconds since the recording's first frame, from real time stamps, rising.
        crops: (T, S, S) uint8 gray aligned crops, eyes level and at fixed positions; may be memory-mapped.
        points: (T, 68, 2) float32 landmarks in pixels of the crops, smoothed in time.
        quality: (T,) float32, 0 to 1: quality of the image of the face (presence, size, pose, sharpness, noise,
            and how much of it is covered).
        pose: (T, 3) float32 degrees: yaw, pitch, roll of the head; 0 is straight into the camera.
        eye_openness: (T, 2) float32: opening of the person's right and left eye, as a fraction of its usual opening.
        blink: (T,) bool: whether an eye is closed or closing, which is the most frequent cause of false detections.
        boxes: (T, 4) float32 left, top, width, height of the face in pixels of the recording.
        crop_matrices: (T, 2, 3) float64 maps from pixels of the recording to pixels of the crops; None where unknown.
        mesh: (T, 468, 3) float32 points of the face mesh in pixels of the recording, x, y and depth, not smoothed; None
            where the face was not tracked by the mesh.
        covered: (T,) float32, 0 to 1: share of the face that a hand, hair or an object covers; None where unknown.
        noise: (T,) float32: noise of the image as a fraction of the contrast of the face; None where unknown.
        flow_cache: results of a spotter for some of the frames, see `cached`; None unless the same frames are analyzed
            several times, as in a moving window.
    """

    face: int
    numbers: np.ndarray
    times: np.ndarray
    crops: np.ndarray
    points: np.ndarray
    quality: np.ndarray
    pose: np.ndarray
    eye_openness: np.ndarray
    blink: np.ndarray
    boxes: np.ndarray
    crop_matrices: np.ndarray | None = field(default=None, repr=False)
    mesh: np.ndarray | None = field(default=None, repr=False)
    covered: np.ndarray | None = field(default=None, repr=False)
    noise: np.ndarray | None = field(default=None, repr=False)
    flow_cache: FlowCache | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("times", "crops", "points", "quality", "pose", "eye_openness", "blink", "boxes"):
            if len(getattr(self, name)) != len(self.numbers):
                raise UsageError(f"track of face {self.face}: {len(getattr(self, name))} {name}, {len(self)} numbers")
        for name in ("crop_matrices", "mesh", "covered", "noise"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.numbers):
                raise UsageError(f"track of face {self.face}: {len(values)} {name}, {len(self)} numbers")
        if len(self) and (np.diff(self.numbers).min(initial=1) <= 0 or np.diff(self.times).min(initial=1) <= 0):
            raise UsageError(f"track of face {self.face}: frame numbers and times must rise")

    def __len__(self) -> int:
        return len(self.numbers)

    def select(self, index: slice | np.ndarray) -> FaceTrack:
        """The same track with some of its frames only.

        Args:
            index: a slice, or (T,) bool.
        """
        columns: dict[str, Any] = {}
        for column in fields(self):
            values = getattr(self, column.name)
            if column.name not in ("face", "flow_cache") and values is not None:
                columns[column.name] = values[index]
        return FaceTrack(self.face, **columns)

    def cached(self, name: str, frames: np.ndarray, compute: Callable[[], T]) -> T:
        """Compute a result once for the same frames, where the track has a `flow_cache`.

        Args:
            name: of the result: two that are computed from the same frames must differ in it.
            frames: (n,) indices into the track of the frames that the result is computed from, in order.
            compute: computes it.
        """
        if self.flow_cache is None:
            return compute()
        numbers = self.numbers[frames]
        key = int(numbers[0]), int(numbers[-1]), name, numbers.tobytes()
        if key not in self.flow_cache:
            self.flow_cache[key] = compute()
        return cast("T", self.flow_cache[key])

    def landmarks(self, number: int) -> np.ndarray | None:
        """(68, 2) float64 landmarks in one frame, x and y in pixels of the recording, smoothed in time.

        Args:
            number: of the frame.

        Returns:
            None where the track does not have that frame, or does not know where its crops were cut.
        """
        index = int(np.searchsorted(self.numbers, number))
        if self.crop_matrices is None or index == len(self) or self.numbers[index] != number:
            return None
        matrix = np.asarray(self.crop_matrices[index], np.float64)
        return np.linalg.solve(matrix[:, :2], (self.points[index] - matrix[:, 2]).T).T

    @property
    def fps(self) -> float:
        """Frames per second: one over the median step of the time stamps; 0 for less than two frames."""
        return float(1 / np.median(np.diff(self.times))) if len(self) > 1 else 0.0
