"""frames.csv: what was measured in each frame, a row per frame and face, with the first columns of OpenFace.

OpenFace's `FeatureExtraction` writes frame, face_id, timestamp, confidence, success (Baltrušaitis et al. 2018,
doi:10.1109/FG.2018.00019); programs that read its tables need little more than other names behind them.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np

from ..core.track import FaceTrack
from .summary import tracks_by_face

OPENFACE_COLUMNS = ("frame", "face_id", "timestamp", "confidence", "success")

CURVES = (
    *("movement", "yaw", "pitch", "roll", "right_eye_openness", "left_eye_openness", "blink"),
    *("face_x", "face_y", "face_width", "face_height", "covered", "noise"),
)
"""Columns behind those of OpenFace: the curve of the spotter; degrees; openings as a fraction of the usual one; whether
the face blinks; its box in pixels; the share that is covered; noise as a fraction of the contrast."""


def frame_table(
    tracks: Sequence[FaceTrack], curves: Mapping[FaceTrack, np.ndarray], numbers: np.ndarray, times: np.ndarray
) -> bytes:
    """Write the table as CSV, the faces one after the other, each with a row for every frame of the recording.

    A frame in which a face is not in sight has confidence 0, success 0 and nothing behind it.

    Args:
        tracks: of the faces.
        curves: each track that was searched, which may be a part of one of `tracks`, with the (T,) curve of the
            spotter.
        numbers: (N,) frame numbers of the recording, rising.
        times: (N,) seconds of these frames.
    """
    movement: dict[tuple[int, int], float] = {}
    for searched, curve in curves.items():
        movement |= {(searched.face, n): v for n, v in zip(searched.numbers.tolist(), curve.tolist(), strict=True)}
    text = io.StringIO()
    text.write(",".join((*OPENFACE_COLUMNS, *CURVES)) + "\n")
    for group in tracks_by_face(tracks):
        lines: dict[int, str] = {}
        for track in group:
            lines |= zip(track.numbers.tolist(), _lines(track, movement), strict=True)
        for number, seconds in zip(numbers.tolist(), times.tolist(), strict=True):
            unseen = f"{number},{group[0].face},{seconds:.6f},0,0{',' * len(CURVES)}"
            text.write(lines.get(number, unseen) + "\n")
    return text.getvalue().encode()


def _lines(track: FaceTrack, movement: Mapping[tuple[int, int], float]) -> list[str]:
    """Return the rows of the frames in which a face is in sight."""
    missing = np.full(len(track), np.nan)
    columns = [
        *([movement.get((track.face, number), np.nan) for number in track.numbers.tolist()], *track.pose.T),
        *(*track.eye_openness.T, track.blink, *track.boxes.T),
        *(missing if values is None else values for values in (track.covered, track.noise)),
    ]
    table = np.stack([np.asarray(column, np.float64) for column in columns], axis=1)
    return [
        f"{number},{track.face},{seconds:.6f},{quality:.4g},1," + ",".join(map(_cell, row))
        for number, seconds, quality, row in zip(
            *(track.numbers.tolist(), track.times.tolist(), track.quality.tolist(), table.tolist()), strict=True
        )
    ]


def _cell(value: float) -> str:
    return f"{value:.5g}" if np.isfinite(value) else ""
