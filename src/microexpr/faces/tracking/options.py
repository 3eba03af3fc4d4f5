"""Settings of face tracking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True)
class Tracking:
    """Settings of the face tracker.

    Args:
        fps: frames per second of a source without time stamps (a folder of images). Where `analyze` is given it, also
            of the camera of a film whose time stamps are not the camera's.
        size: side of the aligned crops in pixels.
        landmark_smoothing_ms: window in milliseconds over which landmarks are smoothed. 30 keeps 94 % of the height of
            a movement of 40 ms; a window that holds fewer than five frames (below about 130 fps) changes nothing.
        crop_smoothing_ms: window in milliseconds over which the position of the crop is smoothed: heads are slower than
            faces.
        detect_interval: seconds between two searches for new faces.
        redetect_interval: seconds between two searches while a face is lost or no face is visible.
        max_gap: a face that comes back to about the same position within that many seconds continues its track.
        min_seconds: shorter tracks, in seconds, are left out, unless the recording is shorter too.
        max_faces: number of faces that are followed at the same time at most, the largest first.
        blink_margin: seconds before and after every blink that are marked with it.
    """

    fps: Annotated[float, Field(gt=0, le=10_000)] = 25.0
    size: Annotated[int, Field(ge=16, le=1024)] = 128
    landmark_smoothing_ms: Annotated[float, Field(ge=0, le=1000)] = 30.0
    crop_smoothing_ms: Annotated[float, Field(ge=0, le=1000)] = 100.0
    detect_interval: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    redetect_interval: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.1
    max_gap: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    min_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.2
    max_faces: Annotated[int, Field(ge=1)] = 8
    blink_margin: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.05
