"""Which faces are in a frame, and which of them is whose: the detector rarely, the mesh on every frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..landmarks import Detection, Landmarks, detect_faces, follow_landmarks, landmarks_in
from .options import Tracking

MIN_OVERLAP = 0.3
"""Two boxes that share more of their union than this show one face."""

MAX_DISTANCE = 0.75
"""A lost face comes back within that many widths of where it was last seen; people who sit move no farther."""


@dataclass(eq=False)
class FollowedFace:
    """A face that is followed: the number of its track, what was seen last and when, and whether it is in sight."""

    track: int
    last: Landmarks
    time: float
    here: bool = True


class Follower:
    """Follows every face from frame to frame; frames must be given in order."""

    def __init__(self, options: Tracking) -> None:
        self.options = options
        self.faces: list[FollowedFace] = []
        self.tracks = 0
        self._next_look = self._next_search = -np.inf

    def step(self, seconds: float, image: np.ndarray) -> dict[int, Landmarks]:
        """Track number (from 1) to landmarks, of every face in this frame.

        Args:
            seconds: since the first frame, rising from call to call.
            image: (height, width, 3) uint8 RGB.
        """
        self.faces = [k for k in self.faces if k.here or seconds - k.time <= self.options.max_gap]
        lost = False
        for face in self.faces:
            if face.here:
                found = follow_landmarks(image, face.last.mesh)
                doubled = found is not None and self._seen_at(found.box, seconds) is not None
                face.here = found is not None and not doubled
                lost |= not face.here
                if found is not None and face.here:
                    face.last, face.time = found, seconds
        here = any(k.here for k in self.faces)
        awaited = not here or any(not k.here for k in self.faces)
        now = seconds + 1e-6  # time stamps are rounded
        look = now >= self._next_look
        if lost or look or (awaited and now >= self._next_search):
            self._find_new(seconds, image, thorough=look and not here)
            self._next_search = seconds + self.options.redetect_interval
            if look:
                self._next_look = seconds + self.options.detect_interval
        return {k.track: k.last for k in self.faces if k.here and k.time == seconds}

    def _find_new(self, seconds: float, picture: np.ndarray, thorough: bool) -> None:
        for detection in detect_faces(picture, thorough):
            if self._seen_at(detection.box, seconds) is not None:
                continue
            if sum(k.here for k in self.faces) >= self.options.max_faces:
                return
            found = landmarks_in(picture, detection)
            if found is not None and self._seen_at(found.box, seconds) is None:
                self._assign(found, seconds, detection)

    def _assign(self, found: Landmarks, seconds: float, detection: Detection) -> None:
        """The nearest face that was lost there, or somebody new."""
        near = [(box_distance(k.last.box, found.box), k) for k in self.faces if not k.here]
        near = [one for one in near if one[0] <= MAX_DISTANCE]
        if near:
            face = min(near, key=lambda one: one[0])[1]
            face.last, face.time, face.here = found, seconds, True
            return
        self.tracks += 1
        self.faces.append(FollowedFace(self.tracks, found, seconds))

    def _seen_at(self, box: tuple[float, float, float, float], seconds: float) -> FollowedFace | None:
        """The face that this frame already shows there."""
        there = (k for k in self.faces if k.here and k.time == seconds)
        return next((k for k in there if box_overlap(k.last.box, box) > MIN_OVERLAP), None)


def box_overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Share of the union of two boxes (left, top, width, height) that both have, 0 to 1."""
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    high = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(0.0, wide) * max(0.0, high)
    return both / max(a[2] * a[3] + b[2] * b[3] - both, 1e-9)


def box_distance(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """From middle to middle, in widths of the larger box; infinite where one is more than twice as wide."""
    large, small = max(a[2], b[2]), min(a[2], b[2])
    if large > 2 * small:
        return float("inf")
    return float(np.hypot(a[0] - b[0] + (a[2] - b[2]) / 2, a[1] - b[1] + (a[3] - b[3]) / 2) / large)
