"""Videos of a synthetic copy of a set of gestures: a synthetic face shows small expressions instead of gestures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...imaging.video import write_video
from ...synthetic import Person, draw_action_units, draw_amplitude
from ...synthetic.long_video import SyntheticVideo
from ...synthetic.script import CLASSES, Distractors, Movement
from .clips import scaled_size, subject_seed
from .long_videos import VideoEvent, video_events

SIZE = (240, 320)
"""(height, width) of a video at scale 1."""

SLOT = 0.6
"""Seconds from the begin of one movement to that of the next; each lasts 0.45 s."""


def make_video(dataset: str, subject: str, name: str, gestures: int, fps: float, seed: int) -> SyntheticVideo:
    """A video with a movement for each gesture, one after the other.

    Args:
        dataset, subject, name: of the release, the person and the video; they decide what is drawn.
        gestures: their number.
        fps: frames per second.
        seed: of everything that is drawn.
    """
    rng = np.random.default_rng([seed, *f"{dataset}/{subject}/{name}".encode()])
    movements = []
    for i in range(gestures):
        start = SLOT * (i + 0.5)
        peak, end, label = start + rng.uniform(0.12, 0.3), start + 0.45, str(rng.choice(CLASSES))
        units = draw_action_units(label, None, rng)
        movements.append(Movement("micro", start, peak, peak, end, draw_amplitude(rng, "micro"), units, label))
    person = Person.draw(subject_seed(dataset, subject))
    video_seed = int(rng.integers(2**31))
    return SyntheticVideo(person, tuple(movements), SLOT * (gestures + 1), fps, Distractors(), video_seed)


def gesture_rows(video: SyntheticVideo, classes: int) -> list[tuple[int, int, int]]:
    """(gesture from 0, first frame, last frame) of each movement; its objective class decides on the gesture."""
    events: list[VideoEvent] = video_events(video)
    return [((CLASSES.index(e.objective) + 7 * i) % classes, e.onset, e.offset) for i, e in enumerate(events)]


def write_film(video: SyntheticVideo, path: Path, image_scale: float) -> None:
    """Write a video as a film, 240x320 at scale 1."""
    size = scaled_size(SIZE, image_scale)
    write_video(path, np.stack([video.frame(i, size) for i in range(len(video))]), fps=round(video.fps))
