"""Recognizes a person who comes back: the new track begins near the end of an old one, and the faces look alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...core.track import FaceTrack
from .appearance import appearance, likeness
from .follower import box_distance

MIN_SIMILARITY = 0.7
"""Smallest correlation of two faces of the same person; 1 % of 4560 pairs of different persons reach it (scikit-image's
`lfw_subset`)."""

MAX_DISTANCE = 1.5
"""Largest distance, in face widths, between the end of a track and the track that continues it."""

N_APPEARANCES = 8
"""Number of frames of a track that are compared, so that a changed expression does not hide the identity."""


@dataclass(frozen=True, eq=False)
class FaceSignature:
    """The properties of a track by which its person is recognized again.

    Attributes:
        face: number of the person; 0 if not known yet.
        appearances: (n, 572) its appearance in n frames.
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
        """The signature of a track."""
        ends = float(track.times[0]), float(track.times[-1])
        return cls(track.face, _appearances(track), *ends, track.boxes[0].copy(), track.boxes[-1].copy())


def match_identity(own: FaceSignature, others: Sequence[FaceSignature]) -> int:
    """The number of the person of a track: of the earlier person whom it shows, or a new number.

    Args:
        own: of a track whose person is not known yet.
        others: of earlier tracks with known persons, in the order in which they began.
    """
    latest = {other.face: other for other in others}
    similarity = {
        face: likeness(own.appearances, other.appearances)
        for face, other in latest.items()
        if _may_continue(other, own)
    }
    best = max(similarity, key=lambda face: similarity[face], default=0)
    return best if best and similarity[best] >= MIN_SIMILARITY else max(latest, default=0) + 1


def _appearances(track: FaceTrack) -> np.ndarray:
    frames = np.unique(np.linspace(0, len(track) - 1, N_APPEARANCES).round().astype(int))
    return np.stack([appearance(track.crops[i]) for i in frames])


def _may_continue(other: FaceSignature, own: FaceSignature) -> bool:
    return other.end < own.start and box_distance(tuple(other.last_box), tuple(own.first_box)) <= MAX_DISTANCE
