"""No clip, and no person, is on both sides of a split under two names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ...core.clip import Clip
from ...faces.cascade import find_face
from ...imaging.frames import open_frames
from .base import LEAK_CHECKS, Finding, LeakCheck
from .trial import Trial

SIDE = 48
"""Width and height in pixels at which faces are compared."""

SAME_PERSON = 0.97
"""Correlation of two first frames, faces cropped alike, from which on they are taken for the same recording session."""


@LEAK_CHECKS.register("both-sides")
@dataclass(frozen=True)
class BothSides(LeakCheck):
    """First frames are compared across subjects: equal pixels, mirrored ones, and the same face in the same pose."""

    question = "no clip and no person is on both sides under two names"
    catches = "copies made before the split, people who are split wrongly or named twice"

    def look(self, trial: Trial) -> Finding:
        """Compare the clips of the recipe across subjects."""
        clips = [example.clip for example in trial.data.examples]
        if not trial.chain.reads_images:
            return Finding("not tried", "the recipe reads no images")
        if len({clip.subject for clip in clips}) < 2:
            return Finding("not tried", "there is one subject")
        copies: dict[str, Clip] = {}
        faces: list[tuple[Clip, np.ndarray]] = []
        for clip in clips:
            image = _first_frame(clip)
            for digest in (_digest(image), _digest(image[:, ::-1])):
                other = copies.get(digest, clip)
                if other.subject != clip.subject:
                    return _leak(f"the first frame of '{clip.id}' is that of '{other.id}', or its mirror image")
            copies.setdefault(_digest(image), clip)
            face = _face(image)
            if face is not None:
                faces.append((clip, face))
        for first, second, likeness in _alike(faces):
            return _leak(f"'{first.id}' and '{second.id}' begin with one face in one pose (correlation {likeness:.3f})")
        compared = f"{len(faces)} faces" if faces else "no face, which flow does not show"
        return Finding("passed", f"first frames of {len(clips)} clips, and {compared}, were compared across subjects")


def _leak(what: str) -> Finding:
    return Finding(
        "leak",
        f"{what}, but their subjects differ: one is trained on while the other is tested; give both one subject, and "
        "make copies inside of the training set only",
    )


def _first_frame(clip: Clip) -> np.ndarray:
    """The first frame of what a clip shows, (height, width, 3) uint8."""
    frames = open_frames(clip.source)
    return frames.read(frames.numbers[0] if clip.onset is None else clip.onset)


def _digest(image: np.ndarray) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


def _face(image: np.ndarray) -> np.ndarray | None:
    """The face in an image as (SIDE * SIDE,) gray levels of mean 0 and length 1; None without a face."""
    box = find_face(image)
    if box is None:
        return None
    left, top, side = box
    crop = image[max(0, top) : top + side, max(0, left) : left + side]
    gray = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    values = gray.astype(np.float64).ravel() - gray.mean()
    return values / max(float(np.linalg.norm(values)), 1e-12)


def _alike(faces: Sequence[tuple[Clip, np.ndarray]]) -> Iterator[tuple[Clip, Clip, float]]:
    """Pairs of clips of different subjects whose faces are those of one recording session."""
    if not faces:
        return
    vectors = np.stack([face for _, face in faces])
    likeness = vectors @ vectors.T
    for i, j in zip(*np.where(np.triu(likeness, 1) >= SAME_PERSON), strict=True):
        if faces[i][0].subject != faces[j][0].subject:
            yield faces[i][0], faces[j][0], float(likeness[i, j])
