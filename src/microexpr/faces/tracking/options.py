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
        smooth: window in milliseconds over which landmarks are smoothed. 30 keeps 94 % of the height of a movement of
            40 ms; a window that holds fewer than five frames (below about 130 fps) changes nothing.
        steady: window in milliseconds over which the place of the crop is smoothed: heads are slower than faces.
        look: seconds between looks for people who are new.
        search: seconds between looks while a face is lost, or nobody is in sight.
        gap: a face that comes back to about the same place within that many seconds is the same track.
        shortest: tracks of fewer seconds are left out, unless the recording is as short.
        most: how many faces are followed at once, the largest first.
        blink_margin: seconds marked before and after every blink.
    """

    fps: float = 25.0
    size: int = 128
    smooth: float = 30.0
    steady: float = 100.0
    look: float = 1.0
    search: float = 0.1
    gap: float = 1.0
    shortest: float = 0.2
    most: int = 8
    blink_margin: float = 0.05

    def __post_init__(self) -> None:
        for wrong, text in (
            (not 0 < self.fps <= 10_000, f"fps = {self.fps}; use more than 0"),
            (not 16 <= self.size <= 1024, f"size = {self.size}; use 16 to 1024 pixels"),
            (not 0 <= self.smooth <= 1000, f"smooth = {self.smooth}; use 0 to 1000 milliseconds"),
            (not 0 <= self.steady <= 1000, f"steady = {self.steady}; use 0 to 1000 milliseconds"),
            (not self.look > 0, f"look = {self.look}; use more than 0 seconds"),
            (not self.search > 0, f"search = {self.search}; use more than 0 seconds"),
            (not self.gap >= 0, f"gap = {self.gap}; use 0 seconds or more"),
            (not self.shortest >= 0, f"shortest = {self.shortest}; use 0 seconds or more"),
            (self.most < 1, f"most = {self.most}; use 1 face or more"),
            (not self.blink_margin >= 0, f"blink_margin = {self.blink_margin}; use 0 seconds or more"),
        ):
            if wrong:
                raise UsageError(f"tracking: {text}")
