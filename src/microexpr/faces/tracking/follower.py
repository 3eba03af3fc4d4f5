"""Follows faces from frame to frame: the mesh runs on every frame, the detector only now and then.

The mesh follows whatever face is there. So each frame is compared with what the face looked like before: after a cut
to another person a new track begins, and of two faces that cross each stays with its own track.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from ..landmarks import Landmarks, detect_faces, follow_landmarks, landmarks_in
from .appearance import appearance_in, likeness
from .options import Tracking

MIN_OVERLAP = 0.3
"""Two boxes whose intersection over union is larger than this show the same face."""

MAX_DISTANCE = 0.75
"""Largest distance, in face widths, between where a face was lost and where it is found again."""

SAME_PERSON = 0.6
"""Correlation of appearances from which on a face that is found again is the one that was lost."""

OTHER_PERSON = 0.3
"""Correlation of two successive frames below which they show two people, even where the rest of the image stays; a
head that swings fast at 25 frames per second reaches 0.39."""

SAME_SCENE, SAME_AFTER_CUT = 0.9, 0.7
"""Correlation of two successive frames, all over the image, below which the scene may have been cut; and correlation of
appearances from which on the face is still that of the same person then."""

N_APPEARANCES, APPEARANCE_SECONDS = 8, 0.5
"""Number of appearances of a face that are remembered, and the time between two of them."""

CONTACT_OVERLAP, CONTACT_SECONDS = 0.02, 0.3
"""Two faces whose boxes overlap that much touch; for that long afterwards neither's appearance is remembered."""

CHECK_SECONDS = 0.1
"""Time between two comparisons of a face that touches no other in a scene that stays: a comparison costs a fifth of a
run of the mesh."""

EXCHANGE_MARGIN = 0.2
"""Two tracks are exchanged where the sum of both correlations gets larger by more than this."""


@dataclass(eq=False)
class FollowedFace:
    """A face that is followed.

    Attributes:
        track: number of its track.
        last: its landmarks in the last frame that shows it.
        time: seconds of that frame.
        looks: (572,) its appearance in that frame.
        visible: whether it was found in the current frame or the one before.
        checked: seconds at which its appearance was last compared.
        contact: seconds at which it last touched another face.
        memory: (seconds, appearance) of earlier frames, apart from those in which it touched another face.
    """

    track: int
    last: Landmarks
    time: float
    looks: np.ndarray
    visible: bool = True
    checked: float = -np.inf
    contact: float = -np.inf
    memory: deque[tuple[float, np.ndarray]] = field(default_factory=lambda: deque(maxlen=N_APPEARANCES))

    def update(self, found: Landmarks, looks: np.ndarray, seconds: float) -> None:
        """Take the landmarks and the appearance of the next frame that shows it."""
        self.last, self.looks, self.time, self.visible = found, looks, seconds, True
        touched = seconds - self.contact < CONTACT_SECONDS
        if not self.memory or (not touched and seconds - self.memory[-1][0] >= APPEARANCE_SECONDS):
            self.memory.append((seconds, looks))

    def likeness(self, looks: np.ndarray) -> float:
        """Highest correlation of an appearance with those that are remembered."""
        return likeness(looks[None], np.stack([remembered for _, remembered in self.memory]))


class Follower:
    """Follows every face from frame to frame; frames must be given in order."""

    def __init__(self, options: Tracking) -> None:
        self.options = options
        self.faces: list[FollowedFace] = []
        self.tracks = 0
        self._scene = np.zeros(0)
        self._next_detection = self._next_redetection = -np.inf

    def step(self, seconds: float, image: np.ndarray) -> dict[int, Landmarks]:
        """Track number (from 1) -> landmarks of every face in this frame.

        Args:
            seconds: since the first frame, rising from call to call.
            image: (height, width, 3) uint8 RGB.
        """
        self.faces = [face for face in self.faces if face.visible or seconds - face.time <= self.options.max_gap]
        lost = self._follow(seconds, image)
        any_visible = any(face.visible for face in self.faces)
        any_missing = not any_visible or any(not face.visible for face in self.faces)
        now = seconds + 1e-6  # time stamps are rounded
        detection_due = now >= self._next_detection
        if lost or detection_due or (any_missing and now >= self._next_redetection):
            self._find_new(seconds, image, thorough=detection_due and not any_visible)
            self._next_redetection = seconds + self.options.redetect_interval
            if detection_due:
                self._next_detection = seconds + self.options.detect_interval
        self._exchange(seconds)
        return {face.track: face.last for face in self.faces if face.visible and face.time == seconds}

    def _follow(self, seconds: float, image: np.ndarray) -> bool:
        """Follow the visible faces into this frame, and say whether one of them was lost."""
        scene = _scene(image)
        same_scene = scene.shape == self._scene.shape and float(scene @ self._scene) >= SAME_SCENE
        self._scene = scene
        visible = [face for face in self.faces if face.visible]
        crowded = any(box_overlap(a.last.box, b.last.box) > 0 for a, b in combinations(self.faces, 2))
        found: list[tuple[float, FollowedFace, Landmarks, np.ndarray]] = []
        for face in visible:
            face.visible = False
            landmarks = follow_landmarks(image, face.last.mesh)
            if landmarks is None:
                continue
            if same_scene and not crowded and seconds - face.checked < CHECK_SECONDS:
                found.append((1.0, face, landmarks, face.looks))
                continue
            looks, face.checked = appearance_in(image, landmarks.points), seconds
            remembered, step = face.likeness(looks), likeness(looks[None], face.looks[None])
            if max(remembered, step) < (OTHER_PERSON if same_scene else SAME_AFTER_CUT):
                face.memory.append((face.time, face.looks))
                continue
            found.append((remembered, face, landmarks, looks))
        found.sort(key=lambda each: -each[0])  # of two in one place the more similar one is followed
        for _, face, landmarks, looks in found:
            if self._face_at(landmarks.box, seconds) is None:
                face.update(landmarks, looks, seconds)
        _note_contacts(self.faces, seconds)
        return any(not face.visible for face in visible)

    def _find_new(self, seconds: float, image: np.ndarray, thorough: bool) -> None:
        for detection in detect_faces(image, thorough):
            if self._face_at(detection.box, seconds) is not None:
                continue
            if sum(face.visible for face in self.faces) >= self.options.max_faces:
                return
            found = landmarks_in(image, detection)
            if found is not None and self._face_at(found.box, seconds) is None:
                self._assign(found, appearance_in(image, found.points), seconds)

    def _assign(self, found: Landmarks, looks: np.ndarray, seconds: float) -> None:
        """Continue the track of the most similar lost face nearby, or begin a new one."""
        lost = [face for face in self.faces if not face.visible and _distance(face, found) <= MAX_DISTANCE]
        face = max(lost, key=lambda face: face.likeness(looks), default=None)
        if face is None or face.likeness(looks) < SAME_PERSON:
            self.tracks += 1
            face = FollowedFace(self.tracks, found, seconds, looks)
            self.faces.append(face)
        face.update(found, looks, seconds)

    def _exchange(self, seconds: float) -> None:
        """Exchange the tracks of two faces that touched each other where each looks like the other one did before."""
        touched = [face for face in self.faces if face.visible and 0 < seconds - face.contact < CONTACT_SECONDS]
        for a, b in combinations(touched, 2):
            if a.likeness(b.looks) + b.likeness(a.looks) > a.likeness(a.looks) + b.likeness(b.looks) + EXCHANGE_MARGIN:
                a.track, b.track = b.track, a.track
                a.memory, b.memory = b.memory, a.memory

    def _face_at(self, box: tuple[float, float, float, float], seconds: float) -> FollowedFace | None:
        """The face that was already found at this position in the frame at `seconds`, if any."""
        found = (face for face in self.faces if face.visible and face.time == seconds)
        return next((face for face in found if box_overlap(face.last.box, box) > MIN_OVERLAP), None)


def _note_contacts(faces: Iterable[FollowedFace], seconds: float) -> None:
    """Mark each pair of visible faces that touch each other."""
    for a, b in combinations([face for face in faces if face.visible], 2):
        if box_overlap(a.last.box, b.last.box) > CONTACT_OVERLAP:
            a.contact = b.contact = seconds


def _scene(image: np.ndarray) -> np.ndarray:
    """(about 768,) samples of a whole frame, with mean 0 and length 1."""
    rows, columns = (max(1, side // n) for side, n in zip(image.shape, (24, 32), strict=False))
    samples = image[rows // 2 :: rows, columns // 2 :: columns, 1].astype(np.float32).ravel()
    samples -= samples.mean()
    return np.asarray(samples / max(float(np.linalg.norm(samples)), 1e-6))


def _distance(face: FollowedFace, found: Landmarks) -> float:
    return box_distance(face.last.box, found.box)


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
