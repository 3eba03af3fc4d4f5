"""Frames per second of each part of `analyze`, of the whole, and of `live`: `python benchmarks/video.py [VIDEO]`.

Without a video, a synthetic one is rendered at 640 x 480 and 200 frames per second. Each part is measured in wall time
(what a user waits for; other programs on the machine make it longer) and in processor time (what the part costs). The
minimum of the rounds is reported, after one round that does not count. The input of a part is in memory already.
Nothing is scored here: the faces are synthetic.

`--long MINUTES` analyzes a video of that length instead (20 s at 25 frames per second, repeated) and prints the
largest memory that is not a mapped file.

With `--against FOLDER`, a checkout of another version, both are measured in turn, and their events in three synthetic
videos are compared.
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
from dataclasses import replace
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
from microexpr.spotting.default import curves
from microexpr.synthetic.long_video import random_video

SIZE, GOAL = (480, 640), 200
VIDEOS = {"1": (4.0, 200.0), "2": (12.0, 60.0), "3": (20.0, 30.0)}
"""Seed of each synthetic video, its seconds, and frames per second."""

Measured = dict[str, list[float]]
"""Part -> wall time and processor time, in milliseconds per frame."""


class InMemory:
    """Decoded frames and their time stamps."""

    def __init__(self, video: VideoFrames, seconds: float) -> None:
        frames = []
        for frame in video:
            if frames and frame[0] - frames[0][0] >= seconds:
                break
            frames.append(frame)
        self.times = [time for time, _ in frames]
        self.images = [image for _, image in frames]
        self.numbers = range(len(frames))

    def read(self, number: int) -> np.ndarray:
        return self.images[number]


def write_video(path: Path, seed: int, seconds: float, fps: float) -> Path:
    """Write a synthetic video to a file."""
    video = random_video(seed, seconds=seconds, fps=fps)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=round(fps))
        stream.height, stream.width = SIZE
        stream.pix_fmt, stream.bit_rate = "yuv420p", 8_000_000
        for i in range(len(video)):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(video.frame(i, SIZE), format="rgb24")))
        file.mux(stream.encode())
    return path


def repeat_video(short: Path, path: Path, times: int) -> Path:
    """Write a video that repeats a short one."""
    with av.open(str(short)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for repetition in range(times):
            source.seek(0)
            for packet in source.demux(stream):
                if packet.dts is not None:
                    packet.pts, packet.dts = (t + repetition * stream.duration for t in (packet.pts, packet.dts))
                    packet.stream = copy
                    target.mux(packet)
    return path


def analyze_long(minutes: float, options: AnalysisOptions) -> None:
    """Print how long the analysis of a long video takes, and how much memory."""
    largest = [0]

    def on_progress(what: str, done: int, total: int) -> None:
        lines = Path("/proc/self/status").read_text().splitlines()
        largest[0] = max(largest[0], *(int(line.split()[1]) for line in lines if line.startswith("RssAnon")))

    with tempfile.TemporaryDirectory() as name:
        short = write_video(Path(name, "short.mp4"), 3, 20.0, 25.0)
        video = repeat_video(short, Path(name, "long.mp4"), max(1, round(3 * minutes)))
        began, spent = time.perf_counter(), time.process_time()
        analysis = analyze_video(video, Path(name, "events"), options, on_progress)
        wall, own = time.perf_counter() - began, time.process_time() - spent
    frames = sum(face.frames for face in analysis.faces)
    seconds, events = analysis.recording.seconds, len(analysis.events)
    print(f"{seconds:.0f} s of video, {frames} frames with a face, {events} events: ", end="")
    print(f"{wall:.0f} s wall time, {own:.0f} s processor time, {largest[0] / 1024:.0f} MiB largest memory of its own")


def parts_of(
    video: Path, folder: Path, seconds: float, options: AnalysisOptions
) -> dict[str, tuple[Callable[[], object], int]]:
    """Return the function that is timed and its number of frames, for each part."""
    frames, part = len(VideoFrames(video).times), InMemory(VideoFrames(video), seconds)
    n_part = len(part.numbers)
    tracks, spotter = track_faces(part), SPOTTERS.build(options.spotter)
    found = [interval for track in tracks for interval in spotter.spot(track)]
    height, width = part.images[0].shape[:2]
    print(
        f"{video.name}: {frames} frames of {width} x {height}, {len(tracks)} faces, {len(found)} events",
        file=sys.stderr,
    )
    model = recognize.default_model()
    event = {number: part.images[number] for number in part.numbers[:10]}
    where = {number: points for number in event if tracks and (points := tracks[0].landmarks(number)) is not None}
    runs, quick = iter(range(1_000_000)), replace(options, detection_limit=False)
    parts: dict[str, tuple[Callable[[], object], int]] = {
        "decode": (lambda: [None for _ in VideoFrames(video)], frames),
        "face": (lambda: track_faces(part), n_part),
        "measure (a part of spot)": (
            lambda: [curves.measure(t, time_grid(t, spotter.max_fps)) for t in tracks],
            n_part,
        ),
        "spot": (lambda: [spotter.spot(track) for track in tracks], n_part),
        "end to end, without detection limit": (lambda: analyze_video(video, folder / str(next(runs)), quick), frames),
        "end to end": (lambda: analyze_video(video, folder / str(next(runs)), options), frames),
        "live, --speed fast": (
            lambda: analyze_camera(VideoSource(video, "fast"), folder / f"live{next(runs)}", options),
            frames,
        ),
    }
    if model is not None:
        parts["recognize, per event"] = (
            lambda: model(video, part.numbers[0], part.numbers[9], frames=event, landmarks=where),
            1,
        )
    return parts


def measure(given: argparse.Namespace, rounds: int) -> Measured:
    """Return the minimum over the rounds, because the machine is shared."""
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
    """Return the events of each video."""
    options = AnalysisOptions.from_settings({"spotter.name": spotter})
    with tempfile.TemporaryDirectory() as name:
        analyses = {video.name: analyze_video(video, Path(name), options) for video in videos}
    return {
        video: [[e.face, e.kind, e.onset, e.apex, e.offset, e.label, round(e.score, 3)] for e in analysis.events]
        for video, analysis in analyses.items()
    }


def child(source: Path, arguments: list[str]) -> Any:
    """Run this program with the package of another folder."""
    command = [sys.executable, __file__, "--child", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(source.absolute() / "src")}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def compare(given: argparse.Namespace, videos: list[Path]) -> None:
    """Measure both versions in turn, and compare their events."""
    here, sides = Path(__file__).parents[1], {}
    for _ in range(given.rounds):
        for name, source in (("before", given.against), ("now", here)):
            video = ["--seconds", str(given.seconds), "--spotter", given.spotter, "--rounds", "1", str(given.video)]
            for part, new in child(source, video).items():
                old = sides.setdefault(part, {}).setdefault(name, new)
                sides[part][name] = [min(pair) for pair in zip(old, new, strict=True)]
    print("| part | wall time before, ms | now | processor time before, ms | now | before / now |")
    print("|---|--:|--:|--:|--:|--:|")
    for part, both in sides.items():
        (wall, own), (wall_now, own_now) = both["before"], both["now"]
        print(f"| {part} | {wall:.2f} | {wall_now:.2f} | {own:.2f} | {own_now:.2f} | {own / own_now:.2f} |")
    asked = ["--spotter", given.spotter, "--found", *map(str, videos)]
    before, now = child(given.against, asked), child(here, asked)
    for name, events in now.items():
        comparison = "the same" if events == before[name] else f"NOT the same: before {before[name]}"
        print(f"{name}: {len(events)} events, {comparison}; {events}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", nargs="*", type=Path)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of the part in memory")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--spotter", default="default")
    parser.add_argument("--long", type=float, metavar="MINUTES", help="analyze a video of that length")
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
        videos = [*given.video]
        wanted = VIDEOS if given.against else dict(list(VIDEOS.items())[:1])
        if not videos:
            videos = [
                write_video(Path(name, f"synthetic-{seed}.mp4"), int(seed), *length_and_fps)
                for seed, length_and_fps in wanted.items()
            ]
        given.video = videos[0]
        if given.against:
            compare(given, videos)
            return
        measured = measure(given, given.rounds)
        if given.child:
            print(json.dumps(measured))
            return
        print(f"{os.cpu_count()} cores; spotter {given.spotter}; goal: {GOAL} frames/s end to end\n")
        print("| part | frames/s | wall time, ms per frame | processor time, ms per frame | of the goal |")
        print("|---|--:|--:|--:|--:|")
        for part, (wall, own) in measured.items():
            if part.startswith("recognize"):
                print(f"| {part} | | {wall:.0f} ms per event | {own:.0f} ms per event | |")
            else:
                print(f"| {part} | {1000 / wall:.0f} | {wall:.2f} | {own:.2f} | {1000 / wall / GOAL:.2f} |")


if __name__ == "__main__":
    main()
