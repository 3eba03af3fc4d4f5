"""The settings of tracking."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.errors import UsageError


@dataclass(frozen=True)
class Tracking:
    """How faces are followed through a recording.

    Args:
        fps: frames per second of a source without time stamps (a folder of pictures).
        size: side of the aligned crops in pixels.
        landmark_smoothing_ms: window in milliseconds over which landmarks are smoothed. 30 keeps 94 % of the height of
            a movement of 40 ms; a window that holds fewer than five frames (below about 130 fps) changes nothing.
        crop_smoothing_ms: window in milliseconds over which the place of the crop is smoothed: heads are slower than
            faces.
        detect_interval: seconds between looks for people who are new.
        redetect_interval: seconds between looks while a face is lost, or nobody is in sight.
        max_gap: a face that comes back to about the same place within that many seconds is the same track.
        min_seconds: tracks of fewer seconds are left out, unless the recording is as short.
        max_faces: how many faces are followed at once, the largest first.
        blink_margin: seconds marked before and after every blink.
    """

    fps: float = 25.0
    size: int = 128
    landmark_smoothing_ms: float = 30.0
    crop_smoothing_ms: float = 100.0
    detect_interval: float = 1.0
    redetect_interval: float = 0.1
    max_gap: float = 1.0
    min_seconds: float = 0.2
    max_faces: int = 8
    blink_margin: float = 0.05

    def __post_init__(self) -> None:
        for wrong, text in (
            (not 0 < self.fps <= 10_000, f"fps = {self.fps}; use more than 0"),
            (not 16 <= self.size <= 1024, f"size = {self.size}; use 16 to 1024 pixels"),
            (
                not 0 <= self.landmark_smoothing_ms <= 1000,
                f"landmark_smoothing_ms = {self.landmark_smoothing_ms}; use 0 to 1000 milliseconds",
            ),
            (
                not 0 <= self.crop_smoothing_ms <= 1000,
                f"crop_smoothing_ms = {self.crop_smoothing_ms}; use 0 to 1000 milliseconds",
            ),
            (not self.detect_interval > 0, f"detect_interval = {self.detect_interval}; use more than 0 seconds"),
            (not self.redetect_interval > 0, f"redetect_interval = {self.redetect_interval}; use more than 0 seconds"),
            (not self.max_gap >= 0, f"max_gap = {self.max_gap}; use 0 seconds or more"),
            (not self.min_seconds >= 0, f"min_seconds = {self.min_seconds}; use 0 seconds or more"),
            (self.max_faces < 1, f"max_faces = {self.max_faces}; use 1 face or more"),
            (not self.blink_margin >= 0, f"blink_margin = {self.blink_margin}; use 0 seconds or more"),
        ):
            if wrong:
                raise UsageError(f"tracking: {text}")
