"""Who comes back: a track that begins where another one ended, with a face that looks alike, is the same person's."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ..events import FaceTrack
from .follow import distance

ALIKE = 0.7
"""Faces that are more alike are one person's. Of 4560 pairs of strangers (scikit-image's `lfw_subset`) 1 % are."""

NEAR = 1.5
"""Widths of a face between where somebody left and came back; who sits farther away is somebody else."""

LOOKS = 8
"""Moments of a track that are compared, so that a smile does not make a stranger."""


def who(track: FaceTrack, others: Sequence[FaceTrack]) -> int:
    """Number of the person among earlier tracks that this one goes on with, or a new number.

    Args:
        track: whose `face` is not known yet.
        others: tracks with known people, in the order in which they began.
    """
    latest = {other.face: other for other in others}
    known = {face: looks(other) for face, other in latest.items() if _left(other, track)}
    own = looks(track) if known else np.zeros((0, 0))
    alike = {face: float((own @ there.T).max()) for face, there in known.items()}
    best = max(alike, key=lambda face: alike[face], default=0)
    return best if best and alike[best] >= ALIKE else max(latest, default=0) + 1


def looks(track: FaceTrack) -> np.ndarray:
    """(n, 572) what the middle of a face looks like at some moments, without its light; a product is a correlation."""
    found = []
    for i in np.unique(np.linspace(0, len(track) - 1, LOOKS).round().astype(int)):
        small = cv2.resize(track.crops[i], (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)[3:29, 5:27]
        fine = (small - cv2.GaussianBlur(small, (0, 0), 5)).ravel()
        fine -= fine.mean()
        found.append(fine / max(float(np.linalg.norm(fine)), 1e-6))
    return np.stack(found)


def _left(other: FaceTrack, track: FaceTrack) -> bool:
    away = distance(tuple(other.boxes[-1]), tuple(track.boxes[0]))
    return bool(other.times[-1] < track.times[0]) and away <= NEAR
