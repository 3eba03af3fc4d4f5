"""Spotters on 20 synthetic videos of a minute: `python benchmarks/spotting.py [--folder CACHE] [--workers N]`.

Each video shows another person, with 6 micro- and 4 macro-expressions, blinks, speech, gaze, turns of the head, drift
and flicker. `--rendered N` films the first N, finds the faces in the pictures with the tracker, and spots in what it
says; without it, the true landmarks tremble. `--learn` makes the default spotter's weights that ship with the package,
and prints what its threshold is chosen from. People to learn from (seeds below 1000), to choose the threshold with, and
to test with (from 5000) are three groups. Synthetic faces prove that the machinery works, not that it spots real ones.
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
from microexpr.spotting import SPOTTERS, Spotter
from microexpr.spotting.default.spotter import Default
from microexpr.synthetic.long_video import SyntheticVideo, ground_truth_track, random_video
from microexpr.synthetic.script import Distractors, Movement

SECONDS, FPS = 60.0, 60.0
METHODS = ("difference-contrast", "mdmd", "strain-peaks", "softnet", "default")

Film = tuple[int, float, float]
"""Seed, frames a second, and the shortest micro-expression in seconds."""

USUAL: tuple[float, float] = (FPS, 0.16)
FAST: tuple[float, float] = (200.0, 0.04)
LEARNED: tuple[Film, ...] = (
    *((seed, *USUAL) for seed in range(100, 130)),
    *((seed, 30.0, 0.16) for seed in range(160, 166)),
    *((seed, *FAST) for seed in range(170, 190)),
)
CALIBRATED: tuple[Film, ...] = (
    *((seed, *USUAL) for seed in range(130, 140)),
    *((seed, *FAST) for seed in range(190, 200)),
)
SOFTNET: tuple[Film, ...] = tuple((seed, *USUAL) for seed in range(140, 148))
TESTED: dict[float, tuple[Film, ...]] = {
    FPS: tuple((seed, *USUAL) for seed in range(5000, 5020)),
    200.0: tuple((seed, *FAST) for seed in range(5100, 5120)),
}
LENGTHS = (0.03, 0.1, 0.2, 0.5, 3.0)
"""Seconds between which movements are counted apart; one of 40 ms can be of seven frames, 35 ms."""

Truth = tuple[Interval, ...]


def drawn(film: Film) -> SyntheticVideo:
    """The video."""
    seed, fps, shortest = film
    return random_video(seed, seconds=SECONDS, fps=fps, min_micro_seconds=shortest)


def tracked(film: Film, folder: Path) -> FaceTrack:
    """The true track of a synthetic video, kept in a folder and mapped from there."""
    place = folder / f"true-{film[0]}-{film[1]:g}-{film[2]:g}"
    fields = [field.name for field in dataclasses.fields(FaceTrack) if field.name not in ("face", "memory")]
    if not (place / "done").is_file():
        place.mkdir(parents=True, exist_ok=True)
        track = ground_truth_track(drawn(film))
        for name in fields:
            np.save(place / f"{name}.npy", getattr(track, name))
        (place / "done").touch()
    return FaceTrack(1, **{name: np.load(place / f"{name}.npy", mmap_mode="r") for name in fields})


class Filmed:
    """Frames of a synthetic video, rendered as they are asked for."""

    def __init__(self, take: SyntheticVideo) -> None:
        self.take, self.numbers, self.folder = take, range(len(take)), None

    def read(self, number: int) -> np.ndarray:
        """(480, 640, 3) uint8."""
        return self.take.frame(number)


def filmed(film: Film, folder: Path) -> list[FaceTrack]:
    """What the tracker says of the rendered video, kept in a folder."""
    place = folder / f"rendered-{film[0]}-{film[1]:g}-{film[2]:g}"
    fields = [field.name for field in dataclasses.fields(FaceTrack) if field.name != "memory"]
    if not (place / "done").is_file():
        place.mkdir(parents=True, exist_ok=True)
        tracks = track_faces(Filmed(drawn(film)), Tracking(fps=film[1]))
        for i, track in enumerate(tracks):
            for name in fields:
                np.save(place / f"{i}-{name}.npy", getattr(track, name))
        (place / "done").write_text(str(len(tracks)))
    count = int((place / "done").read_text())
    loaded = [{name: np.load(place / f"{i}-{name}.npy", mmap_mode="r") for name in fields} for i in range(count)]
    return [FaceTrack(**{**values, "face": int(values["face"])}) for values in loaded]


Outcome = tuple[list[Interval], float, int]
"""What is found, the processor's seconds, and frames."""


def spotted(film: Film, spotter: Spotter, folder: Path, rendered: bool) -> Outcome:
    """What a spotter says of a video; kept in the folder where that takes long, so that a stopped run goes on."""
    cv2.setNumThreads(1)
    own = f"{spotter!r} {rendered} {film} {inspect.getsource(inspect.getmodule(type(spotter)))}"  # type: ignore[arg-type]
    weights = Path(getattr(spotter, "weights", "") or os.devnull)
    own += hashlib.sha256(weights.read_bytes()).hexdigest() if spotter.trainable else ""
    path = folder / f"found-{spotter.name}-{film[0]}-{hashlib.sha256(own.encode()).hexdigest()[:12]}.json"
    if path.is_file() and spotter.name != "default":
        kept = json.loads(path.read_text())
        return [Interval(**one) for one in kept["found"]], kept["spent"], kept["frames"]
    tracks = filmed(film, folder) if rendered else [tracked(film, folder)]
    began = time.process_time()
    found = [one for track in tracks for one in spotter.spot(track)]
    spent, frames = time.process_time() - began, sum(len(track) for track in tracks)
    told = {"found": [dataclasses.asdict(one) for one in found], "spent": spent, "frames": frames}
    write_atomically(path, json.dumps(told).encode())
    return found, spent, frames


def truth_of(films: Sequence[Film]) -> dict[str, Truth]:
    """The true intervals of every video."""
    return {str(film[0]): drawn(film).intervals for film in films}


def report(films: Sequence[Film], found: Mapping[str, Sequence[Interval]]) -> SpottingScores:
    """Scores over videos."""
    seconds, fps = ({str(film[0]): value(film) for film in films} for value in (lambda _: SECONDS, lambda f: f[1]))
    return evaluate_spotting(truth_of(films), found, seconds, fps)


def line(name: str, scores: SpottingScores, cost: str) -> str:
    """A row of the table."""
    every = (scores.by_kind[kind] for kind in ("micro", "macro", "all"))
    cells = [f"{s.precision:.3f} / {s.recall:.3f} / {s.f1:.3f}" for s in every]
    errors = f"{scores.false_alarms_per_minute:.1f} | {scores.onset_error_ms:.0f}"
    return f"| {name} | {' | '.join(cells)} | {errors} | {cost} |"


def recall_by_length(films: Sequence[Film], found: Mapping[str, Sequence[Interval]]) -> str:
    """How many true movements of each length are found (IoU .5), whatever the kind."""
    truth, counts = truth_of(films), {pair: [0, 0] for pair in itertools.pairwise(LENGTHS)}
    for film in films:
        hits = [id(real) for real, _ in match_intervals(truth[str(film[0])], found[str(film[0])])]
        for real in truth[str(film[0])]:
            for low, high in counts:
                if low <= (real.offset - real.onset) / film[1] < high:
                    counts[low, high][0] += id(real) in hits
                    counts[low, high][1] += 1
    told = (f"{1000 * low:.0f} to {1000 * high:.0f} ms: {n} of {of}" for (low, high), (n, of) in counts.items() if of)
    return f"found of movements of {', '.join(told)}"


HEAD = (
    "| method | micro: precision / recall / F1 | macro | all | false alarms a minute | onset error, ms "
    "| processor, ms a frame |\n|---|--:|--:|--:|--:|--:|--:|"
)


def fitted(spotter: Spotter, films: Sequence[Film], folder: Path) -> Spotter:
    """A spotter that has learned from the true tracks of synthetic people."""
    return spotter.fit([tracked(film, folder) for film in films], [drawn(film).intervals for film in films], seed=0)


def built(name: str, folder: Path) -> Spotter:
    """A spotter ready to spot; SOFTNet learns once and is kept in the folder."""
    if name != "softnet":
        return SPOTTERS.build({"name": name})
    path = folder / "softnet.safetensors"
    if not path.is_file():
        fitted(SPOTTERS.build({"name": name}), SOFTNET, folder).save(path)
    return SPOTTERS.build({"name": name, "weights": str(path)})


def learn(folder: Path, workers: int) -> None:
    """Makes the weights that ship, and shows what each threshold would give on the people it is chosen with."""
    spotter = fitted(Default(min_score=0.0), LEARNED, folder)
    assert Default.shipped is not None
    spotter.save(Default.shipped)
    results = mapped(CALIBRATED, spotter, folder, False, workers)
    print(f"learned from {len(LEARNED)} videos; thresholds on {len(CALIBRATED)} others")
    for films in (CALIBRATED, *(tuple(film for film in CALIBRATED if film[1] == fps) for fps in TESTED)):
        print(f"\n{len(films)} videos of {sorted({film[1] for film in films})} frames/s\n\n{HEAD}")
        for abstain in np.arange(0.1, 0.95, 0.05):
            found = {
                str(film[0]): [one for one in results[str(film[0])][0] if (one.score or 0) >= abstain] for film in films
            }
            print(line(f"abstain = {abstain:.2f}", report(films, found), ""))


def staged() -> None:
    """Short movements of the brows alone on calm faces at 200 frames/s: the default's score of each (IoU .5), and the
    highest of anything else."""
    calm, spotter = Distractors(blinks=0, speech=0, gaze=0, turns=0, drift=1, flicker=0.005), Default(min_score=0.0)
    print("| seconds | size, pixels of a face 224 wide | scores | anything else |\n|--:|--:|---|---|")
    for seconds, size in itertools.product((0.04, 0.06, 0.1), (1.2, 2.0, 3.0)):
        scores: list[tuple[float, float]] = []
        for seed in range(3, 9):
            peak, units = 1.2 + seconds / 2, ((1, ""), (2, ""))
            beat = Movement("micro", 1.2, peak, peak, 1.2 + seconds, size, units, "II")
            take = random_video(seed, seconds=2.5, fps=200.0, micro=0, macro=0, distractors=calm)
            take = dataclasses.replace(take, movements=(beat,))
            (real,) = take.intervals
            best = {True: 0.0, False: 0.0}
            for one in spotter.spot(ground_truth_track(take)):
                same = overlap((one.onset, one.offset), (real.onset, real.offset)) >= 0.5
                best[same] = max(best[same], one.score or 0.0)
            scores.append((best[True], best[False]))
        right, wrong = (" ".join(f"{score:.2f}" for score in column) for column in zip(*scores, strict=True))
        print(f"| {seconds} | {size} | {right} | {wrong} |", flush=True)


def mapped(films: Sequence[Film], spotter: Spotter, folder: Path, rendered: bool, workers: int) -> dict[str, Outcome]:
    """`spotted` of every video, several at once."""
    job = partial(spotted, spotter=spotter, folder=folder, rendered=rendered)
    if workers == 1:
        return {str(film[0]): job(film) for film in films}
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:  # OpenCV's threads do not survive a fork
        return dict(zip((str(film[0]) for film in films), pool.map(job, films), strict=True))


def compare(films: Sequence[Film], names: Sequence[str], folder: Path, rendered: bool, workers: int) -> None:
    """The table of the methods."""
    where = "rendered and tracked" if rendered else "true tracks, trembling"
    print(f"{len(films)} synthetic videos of {SECONDS:g} s at {films[0][1]:g} frames/s, {where}\n\n{HEAD}")
    lengths = []
    for name in names:
        results = mapped(films, built(name, folder), folder, rendered, workers)
        cost = 1000 * sum(r[1] for r in results.values()) / max(1, sum(r[2] for r in results.values()))
        found = {video: r[0] for video, r in results.items()}
        print(line(name, report(films, found), f"{cost:.2f}"), flush=True)
        lengths.append(f"{name}: {recall_by_length(films, found)}")
    print("", *lengths, sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("spotting-cache"), help="keeps tracks between runs")
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--fps", type=float, default=FPS, choices=sorted(TESTED), help="200: micro from 40 ms on")
    parser.add_argument("--videos", type=int, default=20)
    parser.add_argument("--rendered", type=int, default=0, metavar="N", help="film and track the first N instead")
    parser.add_argument("--learn", action="store_true", help="make the default spotter's weights")
    parser.add_argument("--staged", action="store_true", help="short movements alone, the default spotter")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    if given.staged:
        staged()
    elif given.learn:
        learn(given.folder, given.workers)
    else:
        films = TESTED[given.fps][: given.rendered or given.videos]
        compare(films, given.methods, given.folder, bool(given.rendered), given.workers)
    print(f"\n{time.perf_counter() - began:.0f} s by the clock; {os.cpu_count()} cores, {given.workers} at work")


if __name__ == "__main__":
    main()
