"""Fast analyses with a known result, for tests of the server and the page."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np

from microexpr.core.action_units import ActionUnit
from microexpr.core.errors import MediaError
from microexpr.core.events import Analysis, Event, Face, Recording
from microexpr.core.progress import ProgressCallback
from microexpr.imaging.video import VideoFrames

FPS, FRAMES = 50, 100
MOVED: Mapping[str, Any] = {
    "action_units": (ActionUnit(1, "", 0.8, 1.4, 0.013), ActionUnit(12, "L", 0.6, 2.0, 0.018)),
    "unit_probabilities": {"R1": 0.8, "L1": 0.9, "R12": 0.1, "L12": 0.6, "R4": 0.3, "L4": 0.2},
    "regions": {"left inner brow": (0.0, -1.4), "right inner brow": (0.0, -1.4), "left corner": (1.2, -1.6)},
}
"""Fields of an event with two action units."""


def film(path: Path, codec: str = "libx264", frames: int = FRAMES, size: tuple[int, int] = (64, 96)) -> Path:
    """Write a video whose frames show their number: eight gray fields, one per bit."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS)
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 2_000_000
        for number in range(frames):
            bits = np.array([(number >> bit) & 1 for bit in range(8)], np.uint8).reshape(2, 4)
            gray = np.kron(bits * 160 + 40, np.ones((size[0] // 2, size[1] // 4), np.uint8))
            image = np.repeat(gray[:, :, None], 3, axis=2)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def number_of(image: np.ndarray) -> int:
    """Number of the frame of `film` that an image (H, W[, 3]) shows."""
    height, width = image.shape[:2]
    gray = image if image.ndim == 2 else image[..., 0]
    fields = gray[: height // 2 * 2, : width // 4 * 4].reshape(2, height // 2, 4, width // 4).mean(axis=(1, 3))
    return sum(1 << bit for bit, value in enumerate(fields.ravel()) if value > 120)


def event(onset: int, apex: int, offset: int, label: str = "surprise", **more: Any) -> Event:
    """An event at these frames."""
    times = (onset / FPS, apex / FPS, offset / FPS)
    kind = "micro" if times[2] - times[0] < 0.5 else "macro"
    probabilities = {"surprise": 0.7, "negative": 0.2, "positive": 0.1}
    return Event(
        "v", 1, onset, apex, offset, *times, kind, 3.0, **{"probabilities": probabilities, "label": label, **more}
    )


def analysis_of(source: Path) -> Analysis:
    """An analysis with two events and a blink."""
    recording = Recording(source.name, str(source), FRAMES, (FRAMES - 1) / FPS, FPS, 96, 64)
    curve = tuple((n / FPS, float(n % 20)) for n in range(FRAMES))
    face = Face(1, FRAMES, 0.9, (), ((1.2, 1.3),), curve)
    events = (event(10, 14, 20, **MOVED), event(40, 55, 70, "negative"))
    return Analysis(recording, (face,), events, ("synthetic",), {}, "0", "f")


def quick(source: Path, out: Path, values: Mapping[str, Any], progress: ProgressCallback) -> Analysis:
    """Count the frames and return the known result."""
    for done in range(1, len(VideoFrames(source).times) + 1):
        progress("faces", done, FRAMES)
    return analysis_of(source)


def slow(source: Path, out: Path, values: Mapping[str, Any], progress: ProgressCallback) -> Analysis:
    """Run until it is killed."""
    out.mkdir()
    (out / "pid").write_text(str(os.getpid()))
    progress("faces", 1, 2)
    time.sleep(600)
    return analysis_of(source)


def crash(source: Path, out: Path, values: Mapping[str, Any], progress: ProgressCallback) -> Analysis:
    """End the process at once, as a crashing decoder does."""
    os._exit(11)


def fail(source: Path, out: Path, values: Mapping[str, Any], progress: ProgressCallback) -> Analysis:
    """Raise an error whose message has the path of the file."""
    raise MediaError(f"video '{source}' cannot be read: it is a stub")
