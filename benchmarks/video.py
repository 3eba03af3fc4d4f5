"""Frames a second of each part of `analyze`, and of the whole: `python benchmarks/video.py [VIDEO] [--seconds N]`.

Without a video, a made-up person is filmed at 640 x 480 and 200 frames a second. Each part is timed by the clock (what
a user waits for; other programs on the machine make it longer) and by processor time (what the part costs). A part's
input is in memory already. `spot` contains its own flow. Nothing is judged here: made-up faces prove no recognition.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from microexpr import recognize
from microexpr.analyze import Options, analyze
from microexpr.errors import UnknownNameError
from microexpr.events import FaceTrack
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers.contract import CLASSES, made_up_samples
from microexpr.spotting import SPOTTERS, Spotter
from microexpr.spotting.motion import estimator
from microexpr.synthesis.long_video import draw_take
from microexpr.tracking import track_faces
from microexpr.video import VideoFrames, write_picture, write_video

FPS, SIZE, GOAL = 200, (480, 640), 200
CHAIN = [
    {"name": "moments", "without_apex": "middle"},
    {"name": "align", "by": "mesh", "size": 128, "margin": 0.0},
    {"name": "flow", "estimator": "dis", "third": "strain"},
    {"name": "resize", "size": 28},
]


class InMemory:
    """Decoded frames and their time stamps."""

    def __init__(self, film: VideoFrames, seconds: float) -> None:
        first = film.times[0]
        shown = [one for one, _ in zip(film, [t for t in film.times if t - first < seconds], strict=False)]
        self.times = [time for time, _ in shown]
        self.pictures = [picture for _, picture in shown]
        self.numbers = range(len(shown))

    def read(self, number: int) -> np.ndarray:
        return self.pictures[number]


def filmed(path: Path, seconds: float) -> Path:
    """A made-up person in a video file."""
    take = draw_take(1, seconds=seconds, fps=FPS)
    write_video(path, np.stack([take.frame(i, SIZE) for i in range(len(take))]), FPS)
    return path


def model_file(folder: Path) -> Path:
    """A recognizer that has learned from noise: as fast as one that knows something."""
    samples, labels = made_up_samples(12)
    settings = {"name": "network", "epochs": 1, "batch_size": 8}
    about = {"chain": json.dumps(CHAIN), "protocol": "megc2019-cde"}
    path = folder / "model.safetensors"
    RECOGNIZERS.build(settings, classes=CLASSES, seed=1).fit(samples, labels).save(path, about)
    return path


def spotter() -> tuple[str, Spotter]:
    try:
        return "default", SPOTTERS.build({"name": "default"})
    except UnknownNameError:
        return "strain-peaks", SPOTTERS.build({"name": "strain-peaks"})


def measured(what: Callable[[], object], frames: int, rounds: int) -> tuple[float, float]:
    """Milliseconds a frame by the clock and of the processor: the least of the rounds, for the machine is shared."""
    clock, own = [], []
    for _ in range(rounds):
        began, spent = time.perf_counter(), time.process_time()
        what()
        clock.append(time.perf_counter() - began)
        own.append(time.process_time() - spent)
    return 1000 * min(clock) / frames, 1000 * min(own) / frames


def flow(tracks: Sequence[FaceTrack]) -> None:
    """Dense flow from each crop to the next."""
    estimate = estimator()
    for track in tracks:
        for before, after in zip(track.crops[:-1], track.crops[1:], strict=True):
            estimate(before, after)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", nargs="?", type=Path)
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="of the made-up video, and of what is held in memory"
    )
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = given.video or filmed(folder / "made-up.mp4", given.seconds)
        film, kept = VideoFrames(path), InMemory(VideoFrames(path), given.seconds)
        height, width = kept.pictures[0].shape[:2]
        called, spots = spotter()
        model_path = model_file(folder)
        options = Options(model=model_path, spotter={"name": called})
        print(f"{path.name}: {len(film.times)} frames of {width} x {height}; {os.cpu_count()} cores; spotter {called}")
        tracks = track_faces(kept)
        found = [one for track in tracks for one in spots.spot(track)]
        shown = sum(one.offset - one.onset + 1 for one in found) or min(20, len(kept.numbers))
        clip, model = folder / "clip", recognize.open_model(model_path)
        for number in kept.numbers[:20]:
            write_picture(clip / f"{number}.png", kept.pictures[number])
        rounds = iter(range(1_000_000))
        parts: dict[str, tuple[Callable[[], object], int]] = {
            "decode": (lambda: [None for _ in film], len(film.times)),
            "face": (lambda: track_faces(kept), len(kept.numbers)),
            "flow, every frame": (lambda: flow(tracks), len(kept.numbers)),
            "spot": (lambda: [spots.spot(track) for track in tracks], len(kept.numbers)),
            "recognise, its frames": (lambda: model(clip, kept.numbers[0], kept.numbers[9]), 20),
            "end to end": (lambda: analyze(path, folder / str(next(rounds)), options), len(film.times)),
        }
        print(f"{len(tracks)} faces, {len(found)} movements in {shown} frames; goal: {GOAL} frames/s end to end\n")
        print("| part | frames/s | ms a frame | processor, ms a frame | of the goal |")
        print("|---|--:|--:|--:|--:|")
        for part, (what, frames) in parts.items():
            clock, own = measured(what, frames, given.rounds)
            print(f"| {part} | {1000 / clock:.0f} | {clock:.2f} | {own:.2f} | {1000 / clock / GOAL:.2f} |")


if __name__ == "__main__":
    main()
