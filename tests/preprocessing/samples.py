"""Samples that hold given frames, for tests of steps."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from microexpr.core.clip import Clip, Sample


def sample_of(frames: np.ndarray, numbers: Sequence[int] = (), fps: float = 200.0) -> Sample:
    """A sample of these frames (T, height, width[, 3]), with these numbers, of a camera with that frame rate."""
    return Sample(Clip("d/p/c", "d", "d/p", Path("nowhere"), fps)).with_frames(frames, numbers)
