"""Who comes back: a track that begins where another one ended, with a face that looks alike, is the same person's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ...core.track import FaceTrack
from .follower import box_distance

MIN_SIMILARITY = 0.7
"""Faces that are more alike are one person's. Of 4560 pairs of strangers (scikit-image's `lfw_subset`) 1 % are."""

MAX_DISTANCE = 1.5
"""Widths of a face between where somebody left and came back; who sits farther away is somebody else."""

MOMENTS = 8
"""Moments of a track that are compared, so that a smile does not make a stranger."""


@dataclass(frozen=True, eq=False)
class FaceSignature:
    """What is remembered of a track to know its person again.

    Attributes:
        face: number of the person; 0 where nobody knows yet.
        appearances: (n, 572) what the middle of the face looks like at some moments, without its light; a product is a
            correlation.
        start, end: seconds.
        first_box, last_box: (4,) left, top, width, height of the face when the track began and ended.
    """

    face: int
    appearances: np.ndarray
    start: float
    end: float
    first_box: np.ndarray
    last_box: np.ndarray

    @classmethod
    def from_track(cls, track: FaceTrack) -> FaceSignature:
        """The portrait of a track."""
        ends = float(track.times[0]), float(track.times[-1])
        return cls(track.face, _appearances(track), *ends, track.boxes[0].copy(), track.boxes[-1].copy())


def match_identity(own: FaceSignature, others: Sequence[FaceSignature]) -> int:
    """Number of the person among earlier tracks that this one goes on with, or a new number.

    Args:
        own: of a track whose person is not known yet.
        others: of tracks with known people, in the order in which they began.
    """
    latest = {other.face: other for other in others}
    alike = {
        face: float((own.appearances @ one.appearances.T).max())
        for face, one in latest.items()
        if _may_continue(one, own)
    }
    best = max(alike, key=lambda face: alike[face], default=0)
    return best if best and alike[best] >= MIN_SIMILARITY else max(latest, default=0) + 1


def _appearances(track: FaceTrack) -> np.ndarray:
    found = []
    for i in np.unique(np.linspace(0, len(track) - 1, MOMENTS).round().astype(int)):
        small = cv2.resize(track.crops[i], (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)[3:29, 5:27]
        fine = (small - cv2.GaussianBlur(small, (0, 0), 5)).ravel()
        fine -= fine.mean()
        found.append(fine / max(float(np.linalg.norm(fine)), 1e-6))
    return np.stack(found)


def _may_continue(other: FaceSignature, own: FaceSignature) -> bool:
    return other.end < own.start and box_distance(tuple(other.last_box), tuple(own.first_box)) <= MAX_DISTANCE
