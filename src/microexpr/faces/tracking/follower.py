"""Follows faces from frame to frame: the mesh runs on every frame, the detector only now and then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..landmarks import Landmarks, detect_faces, follow_landmarks, landmarks_in
from .options import Tracking

MIN_OVERLAP = 0.3
"""Two boxes whose intersection over union is larger than this show the same face."""

MAX_DISTANCE = 0.75
"""Largest distance, in face widths, between where a face was lost and where it is found again."""


@dataclass(eq=False)
class FollowedFace:
    """A face that is followed.

    Attributes:
        track: number of its track.
        last: its landmarks in the last frame that shows it.
        time: seconds of that frame.
        visible: whether it was found in the current frame or the one before.
    """

    track: int
    last: Landmarks
    time: float
    visible: bool = True


class Follower:
    """Follows every face from frame to frame; frames must be given in order."""

    def __init__(self, options: Tracking) -> None:
        self.options = options
        self.faces: list[FollowedFace] = []
        self.tracks = 0
        self._next_detection = self._next_redetection = -np.inf

    def step(self, seconds: float, image: np.ndarray) -> dict[int, Landmarks]:
        """Track number (from 1) -> landmarks of every face in this frame.

        Args:
            seconds: since the first frame, rising from call to call.
            image: (height, width, 3) uint8 RGB.
        """
        self.faces = [face for face in self.faces if face.visible or seconds - face.time <= self.options.max_gap]
        lost = False
        for face in self.faces:
            if face.visible:
                found = follow_landmarks(image, face.last.mesh)
                duplicate = found is not None and self._face_at(found.box, seconds) is not None
                face.visible = found is not None and not duplicate
                lost |= not face.visible
                if found is not None and face.visible:
                    face.last, face.time = found, seconds
        any_visible = any(face.visible for face in self.faces)
        any_missing = not any_visible or any(not face.visible for face in self.faces)
        now = seconds + 1e-6  # time stamps are rounded
        detection_due = now >= self._next_detection
        if lost or detection_due or (any_missing and now >= self._next_redetection):
            self._find_new(seconds, image, thorough=detection_due and not any_visible)
            self._next_redetection = seconds + self.options.redetect_interval
            if detection_due:
                self._next_detection = seconds + self.options.detect_interval
        return {face.track: face.last for face in self.faces if face.visible and face.time == seconds}

    def _find_new(self, seconds: float, image: np.ndarray, thorough: bool) -> None:
        for detection in detect_faces(image, thorough):
            if self._face_at(detection.box, seconds) is not None:
                continue
            if sum(face.visible for face in self.faces) >= self.options.max_faces:
                return
            found = landmarks_in(image, detection)
            if found is not None and self._face_at(found.box, seconds) is None:
                self._assign(found, seconds)

    def _assign(self, found: Landmarks, seconds: float) -> None:
        """Continue the track of the nearest lost face, or begin a new one."""
        lost = [(box_distance(face.last.box, found.box), face) for face in self.faces if not face.visible]
        near = [(distance, face) for distance, face in lost if distance <= MAX_DISTANCE]
        if near:
            _, face = min(near, key=lambda pair: pair[0])
            face.last, face.time, face.visible = found, seconds, True
            return
        self.tracks += 1
        self.faces.append(FollowedFace(self.tracks, found, seconds))

    def _face_at(self, box: tuple[float, float, float, float], seconds: float) -> FollowedFace | None:
        """The face that was already found at this position in the frame at `seconds`, if any."""
        found = (face for face in self.faces if face.visible and face.time == seconds)
        return next((face for face in found if box_overlap(face.last.box, box) > MIN_OVERLAP), None)


def box_overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Intersection over union of two boxes (left, top, width, height), 0 to 1."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    intersection = max(0.0, width) * max(0.0, height)
    return intersection / max(a[2] * a[3] + b[2] * b[3] - intersection, 1e-9)


def box_distance(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Distance of the centers of two boxes, in widths of the larger one; infinite if it is more than twice as wide."""
    large, small = max(a[2], b[2]), min(a[2], b[2])
    if large > 2 * small:
        return float("inf")
    return float(np.hypot(a[0] - b[0] + (a[2] - b[2]) / 2, a[1] - b[1] + (a[3] - b[3]) / 2) / large)
