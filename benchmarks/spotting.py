"""Spotters on 20 synthetic videos of a minute: `python benchmarks/spotting.py [--folder CACHE] [--workers N]`.

Each video shows another person, with 6 micro- and 4 macro-expressions, blinks, speech, gaze, turns of the head, drift
and flicker. `--rendered N` renders the first N and tracks the faces in the images; without it, the ground-truth
landmarks with noise are used. `--fit` trains the weights of the default spotter that ship with the package, and prints
the table from which its threshold is chosen. Subjects of training (seeds below 1000), of the choice of the threshold,
and of testing (from 5000) are three groups. Synthetic faces prove that the machinery works, not that it spots real
ones.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import inspect
import itertools
import json
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from microexpr.core.clip import Interval
from microexpr.core.files import write_atomically
from microexpr.core.track import FaceTrack
from microexpr.faces.tracking import Tracking, track_faces
from microexpr.metrics.intervals import match_intervals, overlap
from microexpr.metrics.spotting import SpottingScores, evaluate_spotting
from microexpr.spotting import SPOTTERS, Spotter, TrainableSpotter
from microexpr.spotting.default.spotter import Default
from microexpr.synthetic.long_video import SyntheticVideo, ground_truth_track, random_video
from microexpr.synthetic.script import Distractors, Movement

SECONDS, FPS = 60.0, 60.0
METHODS = ("difference-contrast", "mdmd", "strain-peaks", "of-fd", "softnet", "mtsn", "sequence-scorer", "default")

VideoSettings = tuple[int, float, float]
"""Seed, frames per second, and the shortest micro-expression in seconds."""

NORMAL: tuple[float, float] = (FPS, 0.16)
FAST: tuple[float, float] = (200.0, 0.04)
TRAINING: tuple[VideoSettings, ...] = (
    *((seed, *NORMAL) for seed in range(100, 130)),
    *((seed, 30.0, 0.16) for seed in range(160, 166)),
    *((seed, *FAST) for seed in range(170, 190)),
)
CALIBRATION: tuple[VideoSettings, ...] = (
    *((seed, *NORMAL) for seed in range(130, 140)),
    *((seed, *FAST) for seed in range(190, 200)),
)
FEW: tuple[VideoSettings, ...] = tuple((seed, *NORMAL) for seed in range(140, 148))
"""Of the spotters whose weights do not ship."""

TEST: dict[float, tuple[VideoSettings, ...]] = {
    FPS: tuple((seed, *NORMAL) for seed in range(5000, 5020)),
    200.0: tuple((seed, *FAST) for seed in range(5100, 5120)),
}
LENGTHS = (0.03, 0.1, 0.2, 0.5, 3.0)
"""Limits in seconds of the groups by length; a movement of 40 ms can have seven frames, 35 ms."""

Intervals = tuple[Interval, ...]

OPTIONAL = ("flow_cache",)
"""Fields of a track that are not cached."""


def make_video(settings: VideoSettings) -> SyntheticVideo:
    """Make the synthetic video."""
    seed, fps, shortest = settings
    return random_video(seed, seconds=SECONDS, fps=fps, min_micro_seconds=shortest)


def save_track(track: FaceTrack, folder: Path, prefix: str) -> None:
    """Save the arrays of a track, each in a file."""
    for field in dataclasses.fields(FaceTrack):
        if field.name not in OPTIONAL and getattr(track, field.name) is not None:
            np.save(folder / f"{prefix}-{field.name}.npy", getattr(track, field.name))


def load_track(folder: Path, prefix: str) -> FaceTrack:
    """Map a track from the files that `save_track` wrote."""
    names = [field.name for field in dataclasses.fields(FaceTrack)]
    files = {name: folder / f"{prefix}-{name}.npy" for name in names}
    arrays = {name: np.load(file, mmap_mode="r") for name, file in files.items() if file.is_file()}
    return FaceTrack(**{**arrays, "face": int(arrays["face"])})


def ground_truth(settings: VideoSettings, folder: Path) -> FaceTrack:
    """Return the ground-truth track of a synthetic video, cached in a folder and mapped from there."""
    cached = folder / f"true-{settings[0]}-{settings[1]:g}-{settings[2]:g}"
    if not (cached / "done").is_file():
        cached.mkdir(parents=True, exist_ok=True)
        save_track(ground_truth_track(make_video(settings)), cached, "0")
        (cached / "done").touch()
    return load_track(cached, "0")


class RenderedFrames:
    """Frames of a synthetic video, rendered when they are read."""

    def __init__(self, video: SyntheticVideo) -> None:
        self.video, self.numbers, self.folder = video, range(len(video)), None

    def read(self, number: int) -> np.ndarray:
        """(480, 640, 3) uint8."""
        return self.video.frame(number)


def track_rendered(settings: VideoSettings, folder: Path) -> list[FaceTrack]:
    """Track the faces of the rendered video; the tracks are cached in a folder."""
    cached = folder / f"rendered-{settings[0]}-{settings[1]:g}-{settings[2]:g}"
    if not (cached / "done").is_file():
        cached.mkdir(parents=True, exist_ok=True)
        tracks = track_faces(RenderedFrames(make_video(settings)), Tracking(fps=settings[1]))
        for i, track in enumerate(tracks):
            save_track(track, cached, str(i))
        (cached / "done").write_text(str(len(tracks)))
    return [load_track(cached, str(i)) for i in range(int((cached / "done").read_text()))]


Outcome = tuple[list[Interval], float, int]
"""Found intervals, processor time in seconds, and number of frames."""


def spot(settings: VideoSettings, spotter: Spotter, folder: Path, rendered: bool) -> Outcome:
    """Spot a video; slow results are cached in the folder, so that an interrupted run continues."""
    cv2.setNumThreads(1)
    key = f"{spotter!r} {rendered} {settings} {inspect.getsource(inspect.getmodule(type(spotter)))}"  # type: ignore[arg-type]
    weights = Path(getattr(spotter, "weights", "") or os.devnull)
    key += hashlib.sha256(weights.read_bytes()).hexdigest() if spotter.trainable else ""
    path = folder / f"found-{spotter.name}-{settings[0]}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.json"
    if path.is_file() and spotter.name != "default":
        cached = json.loads(path.read_text())
        return [Interval(**fields) for fields in cached["found"]], cached["spent"], cached["frames"]
    tracks = track_rendered(settings, folder) if rendered else [ground_truth(settings, folder)]
    began = time.process_time()
    found = [interval for track in tracks for interval in spotter.spot(track)]
    spent, frames = time.process_time() - began, sum(len(track) for track in tracks)
    result = {"found": [dataclasses.asdict(interval) for interval in found], "spent": spent, "frames": frames}
    write_atomically(path, json.dumps(result).encode())
    return found, spent, frames


def true_intervals(videos: Sequence[VideoSettings]) -> dict[str, Intervals]:
    """Return the true intervals of every video."""
    return {str(settings[0]): make_video(settings).intervals for settings in videos}


def report(videos: Sequence[VideoSettings], found: Mapping[str, Sequence[Interval]]) -> SpottingScores:
    """Score the found intervals of all videos."""
    seconds = {str(settings[0]): SECONDS for settings in videos}
    fps = {str(settings[0]): settings[1] for settings in videos}
    return evaluate_spotting(true_intervals(videos), found, seconds, fps)


def table_row(name: str, scores: SpottingScores, cost: str) -> str:
    """Return a row of the table."""
    every = (scores.by_kind[kind] for kind in ("micro", "macro", "all"))
    cells = [f"{s.precision:.3f} / {s.recall:.3f} / {s.f1:.3f}" for s in every]
    errors = f"{scores.false_alarms_per_minute:.1f} | {scores.onset_error_ms:.0f}"
    return f"| {name} | {' | '.join(cells)} | {errors} | {cost} |"


def recall_by_length(videos: Sequence[VideoSettings], found: Mapping[str, Sequence[Interval]]) -> str:
    """Count the true movements of each length that are found (IoU .5), regardless of the kind."""
    true, counts = true_intervals(videos), {pair: [0, 0] for pair in itertools.pairwise(LENGTHS)}
    for settings in videos:
        hits = [id(real) for real, _ in match_intervals(true[str(settings[0])], found[str(settings[0])])]
        for real in true[str(settings[0])]:
            for low, high in counts:
                if low <= (real.offset - real.onset) / settings[1] < high:
                    counts[low, high][0] += id(real) in hits
                    counts[low, high][1] += 1
    parts = (f"{1000 * low:.0f} to {1000 * high:.0f} ms: {n} of {of}" for (low, high), (n, of) in counts.items() if of)
    return f"found of movements of {', '.join(parts)}"


HEAD = (
    "| method | micro: precision / recall / F1 | macro | all | false alarms per minute | onset error, ms "
    "| processor time, ms per frame |\n|---|--:|--:|--:|--:|--:|--:|"
)


def fitted(spotter: Spotter, videos: Sequence[VideoSettings], folder: Path) -> Spotter:
    """Fit a spotter on the ground-truth tracks of synthetic subjects."""
    tracks = [ground_truth(settings, folder) for settings in videos]
    return spotter.fit(tracks, [make_video(settings).intervals for settings in videos], seed=0)


def build_spotter(name: str, folder: Path) -> Spotter:
    """Build a spotter that can spot; one without shipped weights is trained once, and cached in the folder."""
    spotter = SPOTTERS.build({"name": name})
    if not isinstance(spotter, TrainableSpotter) or spotter.shipped:
        return spotter
    path = folder / f"{name}.safetensors"
    if not path.is_file():
        fitted(spotter, FEW, folder).save(path)
    return SPOTTERS.build({"name": name, "weights": str(path)})


def fit_default(folder: Path, workers: int) -> None:
    """Train the weights that ship, and print the scores of each threshold on the subjects that it is chosen on."""
    spotter = fitted(Default(min_score=0.0), TRAINING, folder)
    assert Default.shipped is not None
    spotter.save(Default.shipped)
    results = spot_all(CALIBRATION, spotter, folder, False, workers)
    print(f"trained on {len(TRAINING)} videos; thresholds on {len(CALIBRATION)} others")
    for videos in (CALIBRATION, *(tuple(settings for settings in CALIBRATION if settings[1] == fps) for fps in TEST)):
        print(f"\n{len(videos)} videos of {sorted({settings[1] for settings in videos})} frames/s\n\n{HEAD}")
        for min_score in np.arange(0.1, 0.95, 0.05):
            found = {}
            for seed, *_ in videos:
                intervals = results[str(seed)][0]
                found[str(seed)] = [interval for interval in intervals if (interval.score or 0) >= min_score]
            print(table_row(f"min_score = {min_score:.2f}", report(videos, found), ""))


def staged() -> None:
    """Print the default spotter's scores of short movements of the brows on calm faces at 200 frames/s (IoU .5), and
    the highest score of anything else."""
    calm, spotter = Distractors(blinks=0, speech=0, gaze=0, turns=0, drift=1, flicker=0.005), Default(min_score=0.0)
    print("| seconds | size, pixels of a face 224 wide | scores | anything else |\n|--:|--:|---|---|")
    for seconds, size in itertools.product((0.04, 0.06, 0.1), (1.2, 2.0, 3.0)):
        scores: list[tuple[float, float]] = []
        for seed in range(3, 9):
            peak, units = 1.2 + seconds / 2, ((1, ""), (2, ""))
            movement = Movement("micro", 1.2, peak, peak, 1.2 + seconds, size, units, "II")
            video = random_video(seed, seconds=2.5, fps=200.0, micro=0, macro=0, distractors=calm)
            video = dataclasses.replace(video, movements=(movement,))
            (true,) = video.intervals
            best = {True: 0.0, False: 0.0}
            for interval in spotter.spot(ground_truth_track(video)):
                matches = overlap((interval.onset, interval.offset), (true.onset, true.offset)) >= 0.5
                best[matches] = max(best[matches], interval.score or 0.0)
            scores.append((best[True], best[False]))
        matching, others = (" ".join(f"{score:.2f}" for score in column) for column in zip(*scores, strict=True))
        print(f"| {seconds} | {size} | {matching} | {others} |", flush=True)


def spot_all(
    videos: Sequence[VideoSettings], spotter: Spotter, folder: Path, rendered: bool, workers: int
) -> dict[str, Outcome]:
    """Call `spot` for every video, several at once."""
    job = partial(spot, spotter=spotter, folder=folder, rendered=rendered)
    if workers == 1:
        return {str(settings[0]): job(settings) for settings in videos}
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:  # OpenCV's threads do not survive a fork
        return dict(zip((str(settings[0]) for settings in videos), pool.map(job, videos), strict=True))


def compare(videos: Sequence[VideoSettings], names: Sequence[str], folder: Path, rendered: bool, workers: int) -> None:
    """Print the table of the methods."""
    where = "rendered and tracked" if rendered else "ground-truth tracks with noise"
    print(f"{len(videos)} synthetic videos of {SECONDS:g} s at {videos[0][1]:g} frames/s, {where}\n\n{HEAD}")
    lengths = []
    for name in names:
        results = spot_all(videos, build_spotter(name, folder), folder, rendered, workers)
        cost = 1000 * sum(r[1] for r in results.values()) / max(1, sum(r[2] for r in results.values()))
        found = {video: r[0] for video, r in results.items()}
        print(table_row(name, report(videos, found), f"{cost:.2f}"), flush=True)
        lengths.append(f"{name}: {recall_by_length(videos, found)}")
    print("", *lengths, sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("spotting-cache"), help="cache of tracks between runs")
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--fps", type=float, default=FPS, choices=sorted(TEST), help="200: micro from 40 ms on")
    parser.add_argument("--videos", type=int, default=20)
    parser.add_argument("--rendered", type=int, default=0, metavar="N", help="render and track the first N instead")
    parser.add_argument("--fit", action="store_true", help="train the weights of the default spotter")
    parser.add_argument("--staged", action="store_true", help="score short movements on calm faces")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    if given.staged:
        staged()
    elif given.fit:
        fit_default(given.folder, given.workers)
    else:
        videos = TEST[given.fps][: given.rendered or given.videos]
        compare(videos, given.methods, given.folder, bool(given.rendered), given.workers)
    print(f"\n{time.perf_counter() - began:.0f} s; {os.cpu_count()} cores, {given.workers} workers")


if __name__ == "__main__":
    main()
