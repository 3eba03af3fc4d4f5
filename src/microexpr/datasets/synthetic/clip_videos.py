"""Videos of a synthetic copy of which only the frames around the clips in them are written."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np

from ...synthetic import Kind, Timing, draw_timing
from .clips import ClipSpec, RecordingSpec


class ClipVideos:
    """Writes clips into the videos that they belong to, one behind another.

    The frames between two clips of a video have numbers, but no files: long videos cost no more than their clips.

    Args:
        recording: how the clips are recorded; the first frame of every video has its `first_number`.
        pause: number of frames between two clips of a video.
    """

    def __init__(self, recording: RecordingSpec, pause: int) -> None:
        self.recording = recording
        self.pause = pause
        self._used = Counter[Path]()

    def write(
        self, spec: ClipSpec, folder: Path, pattern: str, timing: Timing | None = None, kind: Kind = "micro"
    ) -> tuple[int, int, int]:
        """Write the next clip of the video in `folder`.

        Args:
            spec, folder, pattern, timing: as for `RecordingSpec.write_frames`.
            kind: of the expression.

        Returns:
            The frame numbers of (onset, apex, offset).
        """
        timing = timing or draw_timing(np.random.default_rng([spec.seed, 1]), self.recording.fps, self.recording.pad)
        first = self.recording.first_number + self._used[folder]
        self._used[folder] += timing.frames + self.pause
        recording = dataclasses.replace(self.recording, first_number=first, kind=kind)
        return recording.write_frames(spec, folder, pattern, timing)
