"""Films that stand on their head: the tracker finds no face in them, or takes an inverted one for an upright one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.clip import Frames
from ..core.errors import MediaError
from ..core.track import FaceTrack
from ..faces.landmarks import detect_face
from ..imaging.video import VideoFrames

DOUBTFUL_QUALITY = 0.7
"""Mean quality of a face below which it is compared with the image turned by 180 degrees. Inverted faces that are taken
for upright ones have .44 to .58 (ten synthetic people), upright ones .9 and more."""

SAMPLES = 5
"""Number of images that are compared."""

MIN_SCORE, MIN_DIFFERENCE = 0.7, 0.15
"""Score of the detector, 0 to 1, from which on a turned face counts; and by how much it must exceed the upright one.
Of the same ten people upright faces have .9 and more, inverted ones .52 to .67."""

INVERTED = (
    "no upright face was found, but an inverted one: the film stands on its head; turn it by 180 degrees and analyze "
    "it again"
)


def is_inverted(frames: Frames, tracks: Sequence[FaceTrack]) -> bool:
    """Whether the faces of a recording are upside down.

    Args:
        frames: of the recording.
        tracks: the faces that were found in it.

    Raises:
        MissingDataError: the files of the face detector are not on this machine and cannot be fetched.
    """
    if not len(frames.numbers) or any(track.quality.mean() >= DOUBTFUL_QUALITY for track in tracks):
        return False
    scores = np.array([[_score(image), _score(np.ascontiguousarray(image[::-1, ::-1]))] for image in _sample(frames)])
    if not len(scores):
        return False
    upright, turned = np.median(scores, axis=0)
    return bool(turned >= MIN_SCORE and turned - upright >= MIN_DIFFERENCE)


def _score(image: np.ndarray) -> float:
    face = detect_face(image)
    return 0.0 if face is None else face.score


def _sample(frames: Frames) -> list[np.ndarray]:
    """Some images at even distances; of a video they are decoded in one pass."""
    positions = set(np.linspace(0, len(frames.numbers) - 1, SAMPLES).round().astype(int).tolist())
    if isinstance(frames, VideoFrames):
        return [image for _, image in frames.iter_selected(lambda number: number in positions)]
    found = []
    for position in sorted(positions):
        try:
            found.append(frames.read(frames.numbers[position]))
        except MediaError:  # named among the damaged images
            continue
    return found
