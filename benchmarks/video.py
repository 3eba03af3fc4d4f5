"""Frames a second of each part of `analyze`, of the whole, and of `live`: `python benchmarks/video.py [VIDEO]`.

Without a video, a synthetic person is filmed at 640 x 480 and 200 frames a second. Each part is timed by the clock
(what a user waits for; other programs on the machine make it longer) and by processor time (what the part costs); the
least of the rounds counts, after one that is not. A part's input is in memory already. Nothing is scored here:
synthetic faces prove no recognition.

`--long MINUTES` analyzes a film of that length instead (20 s at 25 frames a second, repeated) and tells the most memory
that is no file.

With `--against FOLDER`, a checkout of another version, both are measured in turn, and what they find in three synthetic
videos is compared.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np

from microexpr.analysis import AnalysisOptions, analyze_video
from microexpr.analysis.live import VideoSource, analyze_camera
from microexpr.faces.tracking import track_faces
from microexpr.imaging.video import VideoFrames
from microexpr.recognizers import model as recognize
from microexpr.spotting import SPOTTERS
from microexpr.spotting.base import time_grid
from microexpr.spotting.default.displacement import displacement
from microexpr.synthetic.long_video import random_video

SIZE, GOAL = (480, 640), 200
FILMS = {"1": (4.0, 200.0), "2": (12.0, 60.0), "3": (20.0, 30.0)}
"""Seed of each synthetic video, its seconds, and frames per second."""

Measured = dict[str, list[float]]
"""Part -> milliseconds a frame by the clock, and of the processor."""


class InMemory:
    """Decoded frames and their time stamps."""

    def __init__(self, film: VideoFrames, seconds: float) -> None:
        shown = []
        for one in film:
            if shown and one[0] - shown[0][0] >= seconds:
                break
            shown.append(one)
        self.times = [time for time, _ in shown]
        self.pictures = [picture for _, picture in shown]
        self.numbers = range(len(shown))

    def read(self, number: int) -> np.ndarray:
        return self.pictures[number]


def filmed(path: Path, seed: int, seconds: float, fps: float) -> Path:
    """A synthetic person in a video file."""
    take = random_video(seed, seconds=seconds, fps=fps)
    with av.open(str(path), "w") as film:
        stream = film.add_stream("mpeg4", rate=round(fps))
        stream.height, stream.width = SIZE
        stream.pix_fmt, stream.bit_rate = "yuv420p", 8_000_000
        for i in range(len(take)):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(take.frame(i, SIZE), format="rgb24")))
        film.mux(stream.encode())
    return path


def repeated(film: Path, path: Path, times: int) -> Path:
    """The same film so many times in a row."""
    with av.open(str(film)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        own = target.add_stream_from_template(stream)
        for turn in range(times):
            source.seek(0)
            for packet in source.demux(stream):
                if packet.dts is not None:
                    packet.pts, packet.dts = (t + turn * stream.duration for t in (packet.pts, packet.dts))
                    packet.stream = own
                    target.mux(packet)
    return path


def analyze_long(minutes: float, options: AnalysisOptions) -> None:
    """How long a long film takes, and in how much memory."""
    held = [0]

    def on_progress(what: str, done: int, total: int) -> None:
        lines = Path("/proc/self/status").read_text().splitlines()
        held[0] = max(held[0], *(int(line.split()[1]) for line in lines if line.startswith("RssAnon")))

    with tempfile.TemporaryDirectory() as name:
        film = filmed(Path(name, "short.mp4"), 3, 20.0, 25.0)
        film = repeated(film, Path(name, "long.mp4"), max(1, round(3 * minutes)))
        began, spent = time.perf_counter(), time.process_time()
        found = analyze_video(film, Path(name, "events"), options, on_progress)
        clock, own = time.perf_counter() - began, time.process_time() - spent
    frames = sum(face.frames for face in found.faces)
    print(f"{found.recording.seconds:.0f} s of film, {frames} frames with a face, {len(found.events)} events: ", end="")
    print(
        f"{clock:.0f} s by the clock, {own:.0f} s of the processor, {held[0] / 1024:.0f} MiB that are no file at most"
    )


def parts_of(
    video: Path, folder: Path, seconds: float, options: AnalysisOptions
) -> dict[str, tuple[Callable[[], object], int]]:
    """What is timed, and how many frames it takes."""
    film, kept = VideoFrames(video), InMemory(VideoFrames(video), seconds)
    frames, shown = len(film.times), len(kept.numbers)
    tracks, spots = track_faces(kept), SPOTTERS.build(options.spotter)
    found = [one for track in tracks for one in spots.spot(track)]
    height, width = kept.pictures[0].shape[:2]
    print(
        f"{video.name}: {frames} frames of {width} x {height}, {len(tracks)} faces, {len(found)} events",
        file=sys.stderr,
    )
    model = recognize.default_model()
    event = {number: kept.pictures[number] for number in kept.numbers[:10]}
    where = {number: points for number in event if tracks and (points := tracks[0].landmarks(number)) is not None}
    runs = iter(range(1_000_000))
    parts: dict[str, tuple[Callable[[], object], int]] = {
        "decode": (lambda: [None for _ in VideoFrames(video)], frames),
        "face": (lambda: track_faces(kept), shown),
        "flow (a part of spot)": (lambda: [displacement(t, time_grid(t, spots.max_fps)) for t in tracks], shown),
        "spot": (lambda: [spots.spot(track) for track in tracks], shown),
        "end to end": (lambda: analyze_video(video, folder / str(next(runs)), options), frames),
        "live, as fast as it goes": (
            lambda: analyze_camera(VideoSource(video, "fast"), folder / f"live{next(runs)}", options),
            frames,
        ),
    }
    if model is not None:
        parts["recognize, an event"] = (
            lambda: model(video, kept.numbers[0], kept.numbers[9], frames=event, landmarks=where),
            1,
        )
    return parts


def measure(given: argparse.Namespace, rounds: int) -> Measured:
    """The least of the rounds, for the machine is shared."""
    with tempfile.TemporaryDirectory() as name:
        options = AnalysisOptions.from_settings({"spotter.name": given.spotter})
        parts, found = parts_of(given.video, Path(name), given.seconds, options), {}
        for what, (job, frames) in parts.items():
            job()
            for _ in range(rounds):
                began, spent = time.perf_counter(), time.process_time()
                job()
                new = [1000 * (time.perf_counter() - began) / frames, 1000 * (time.process_time() - spent) / frames]
                found[what] = [min(pair) for pair in zip(found.get(what, new), new, strict=True)]
    return found


def found_in(videos: list[Path], spotter: str) -> dict[str, list[Any]]:
    """Events of each video."""
    options = AnalysisOptions.from_settings({"spotter.name": spotter})
    with tempfile.TemporaryDirectory() as name:
        seen = {video.name: analyze_video(video, Path(name), options) for video in videos}
    return {
        video: [[e.face, e.kind, e.onset, e.apex, e.offset, e.label, round(e.score, 3)] for e in one.events]
        for video, one in seen.items()
    }


def child(source: Path, arguments: list[str]) -> Any:
    """This program with the package of another folder."""
    command = [sys.executable, __file__, "--child", *arguments]
    place = {**os.environ, "PYTHONPATH": str(source.absolute() / "src")}
    done = subprocess.run(command, env=place, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def compare(given: argparse.Namespace, films: list[Path]) -> None:
    """Both versions in turn."""
    here, sides = Path(__file__).parents[1], {}
    for _ in range(given.rounds):
        for name, source in (("before", given.against), ("now", here)):
            video = ["--seconds", str(given.seconds), "--spotter", given.spotter, "--rounds", "1", str(given.video)]
            for part, new in child(source, video).items():
                old = sides.setdefault(part, {}).setdefault(name, new)
                sides[part][name] = [min(pair) for pair in zip(old, new, strict=True)]
    print("| part | before, clock ms | now | before, processor ms | now | processor, before / now |")
    print("|---|--:|--:|--:|--:|--:|")
    for part, both in sides.items():
        (clock, own), (clock_now, own_now) = both["before"], both["now"]
        print(f"| {part} | {clock:.2f} | {clock_now:.2f} | {own:.2f} | {own_now:.2f} | {own / own_now:.2f} |")
    asked = ["--spotter", given.spotter, "--found", *map(str, films)]
    before, now = child(given.against, asked), child(here, asked)
    for name, events in now.items():
        same = "the same" if events == before[name] else f"NOT the same: before {before[name]}"
        print(f"{name}: {len(events)} events, {same}; {events}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", nargs="*", type=Path)
    parser.add_argument("--seconds", type=float, default=4.0, help="of what is held in memory")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--spotter", default="default")
    parser.add_argument("--long", type=float, metavar="MINUTES", help="analyze a film of that length")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="a checkout of another version")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--found", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    if given.found:
        print(json.dumps(found_in(given.video, given.spotter)))
        return
    if given.long:
        analyze_long(given.long, AnalysisOptions.from_settings({"spotter.name": given.spotter}))
        return
    with tempfile.TemporaryDirectory() as name:
        films = [*given.video]
        wanted = FILMS if given.against else dict(list(FILMS.items())[:1])
        if not films:
            films = [filmed(Path(name, f"synthetic-{seed}.mp4"), int(seed), *how) for seed, how in wanted.items()]
        given.video = films[0]
        if given.against:
            compare(given, films)
            return
        measured = measure(given, given.rounds)
        if given.child:
            print(json.dumps(measured))
            return
        print(f"{os.cpu_count()} cores; spotter {given.spotter}; goal: {GOAL} frames/s end to end\n")
        print("| part | frames/s | ms a frame | processor, ms a frame | of the goal |\n|---|--:|--:|--:|--:|")
        for part, (clock, own) in measured.items():
            if part.startswith("recognize"):
                print(f"| {part} | | {clock:.0f} ms an event | {own:.0f} ms an event | |")
            else:
                print(f"| {part} | {1000 / clock:.0f} | {clock:.2f} | {own:.2f} | {1000 / clock / GOAL:.2f} |")


if __name__ == "__main__":
    main()
