"""Known movements in calm stretches of real films, and how many of them a spotter finds.

`python benchmarks/injected.py FILM... [--spotter NAME] [--places N] [--at FILM=SECONDS] [--quick]
[--movement KIND,MS,PX] [--one-side] [--measure]`

A movement of action units with known times and size is warped into the frames of a film (`synthetic.injection`). The
frames around it are tracked again as the whole film was, and the spotter searches the whole track. Brows are action
units 1+2, lids 5, corners of the mouth 12. The size is how far the skin moves at the apex where it moves most, in
pixels of a face that is 224 wide. A movement rises and falls in 40, 100 or 300 ms, so that at 25 or 30 frames a second
its apex may lie between two frames, and one of 40 ms between them altogether.

A place is calm where within 0.25 s on both sides the spotter finds nothing (so no place lies in a
held expression), no eye blinks, the face is in sight, and
`analysis.detection_limit.activity` is at most `--activity` px. Places are 2 s apart or more, and all places of a film
get their movement at once: one search tests them all. `--at film.mp4=1.75,5.4` gives the places of a film
instead, where a coder saw nothing. What counts as found is said at `analysis.detection_limit.is_found`; what would have
been found without the movement does not count.

`--measure` prints how far the landmarks of the face tracker moved, as a share of what was injected.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from microexpr.analysis.detection_limit import activity, is_found, quiet_places
from microexpr.core.track import FaceTrack
from microexpr.faces.landmarks import follow_landmarks
from microexpr.faces.tracking import Tracking
from microexpr.faces.tracking.recorder import Recorders, TrackedFrame, follow_faces
from microexpr.faces.tracking.track import make_track
from microexpr.imaging.frames import open_frames
from microexpr.imaging.timing import iter_frames
from microexpr.imaging.video import VideoFrames
from microexpr.spotting import SPOTTERS, Spotter
from microexpr.synthetic.injection import inject_movements, sized_units
from microexpr.synthetic.motion import action_unit_displacement
from microexpr.synthetic.script import Movement

KINDS: dict[str, tuple[int, ...]] = {"brows": (1, 2), "lids": (5,), "corners": (12,)}
SIZES = (0.5, 1.0, 2.0, 4.0, 8.0)
MILLISECONDS = (40, 100, 300)
DEMANDED = (("brows", 300, 1.0), ("brows", 100, 2.0), ("corners", 300, 1.0), ("corners", 100, 4.0))
"""What must be found in nine of ten places."""

CALM = 0.25
"""Seconds on both sides of a calm place that are calm."""

BEFORE, AFTER = 0.25, 0.45
"""Seconds before and after a movement that are tracked again: smoothing reaches 50 ms, and the mesh settles."""

Frame = tuple[int, float, np.ndarray]
Cell = tuple[str, int, float]
"""Kind, milliseconds, pixels."""


class RowSink:
    """The rows and crops of every track, in memory."""

    def __init__(self) -> None:
        self.rows: dict[int, list[np.ndarray]] = {}
        self.crops: dict[int, list[np.ndarray]] = {}

    def add(self, track: int, row: np.ndarray, crop: np.ndarray) -> None:
        self.rows.setdefault(track, []).append(row)
        self.crops.setdefault(track, []).append(crop)


def track_rows(frames: Iterable[TrackedFrame], options: Tracking) -> RowSink:
    sink = RowSink()
    recorders = Recorders(options, sink)
    for frame in frames:
        recorders.add(frame)
    recorders.close()
    return sink


def follow_again(frames: Iterable[Frame], mesh: np.ndarray) -> Iterator[TrackedFrame]:
    """Follow one face from where it was in the frame before the first of these; no face is searched for."""
    for number, seconds, image in frames:
        found = follow_landmarks(image, mesh)
        if found is not None:
            mesh = found.mesh
            yield TrackedFrame(number, seconds, image, {1: found}, frozenset((1,)))


@dataclass(eq=False)
class Film:
    """A film, the track of its main face, and its calm places.

    Attributes:
        path: of the film.
        rows, crops: (T,) of `store.ROW` and (T, S, S) uint8 of that track.
        track: the track.
        places: seconds of the calm places.
        windows: for each place, the frames around it.
    """

    path: Path
    rows: np.ndarray
    crops: np.ndarray
    track: FaceTrack
    places: list[float]
    windows: list[list[Frame]]

    @classmethod
    def open(cls, path: Path, options: Tracking, given: argparse.Namespace, spotter: Spotter) -> Film:
        """Track a film, and choose its calmest places, unless they are given."""
        found = track_rows(follow_faces(iter_frames(open_frames(path), options.fps), options), options)
        main = max(found.rows, key=lambda number: len(found.rows[number]))
        rows, crops = np.stack(found.rows[main]), np.stack(found.crops[main])
        track = make_track(rows, crops, options)
        found_by = [np.searchsorted(track.numbers, (i.onset, i.offset)) for i in spotter.spot(track)]
        taken = [(float(track.times[a]), float(track.times[b])) for a, b in found_by]
        calm = sorted(quiet_places(track, taken, max_activity=given.activity, margin=CALM)[: given.places])
        calm = dict(given.at).get(path.name, calm)
        film = cls(path, rows, crops, track, calm, [[] for _ in calm])
        film.read_windows(options)
        return film

    def read_windows(self, options: Tracking) -> None:
        """Read the frames around each place, those that the longest movement needs."""
        reach = max(MILLISECONDS) / 2000
        spans = [(place - reach - BEFORE, place + reach + AFTER) for place in self.places]
        seconds = dict(zip(self.track.numbers.tolist(), self.track.times.tolist(), strict=True))
        wanted = {n for n, t in seconds.items() if any(start <= t <= end for start, end in spans)}
        frames = open_frames(self.path)
        if isinstance(frames, VideoFrames):
            images = frames.iter_selected(wanted.__contains__)
        else:
            images = ((n, frames.read(n)) for n in sorted(wanted))
        for number, image in images:
            for window, (start, end) in zip(self.windows, spans, strict=True):
                if start <= seconds[number] <= end:
                    window.append((number, seconds[number], image))

    def with_movements(self, movements: Sequence[Movement], options: Tracking) -> FaceTrack:
        """The track of the film with a movement at each place."""
        rows, crops = self.rows.copy(), self.crops.copy()
        for movement, window in zip(movements, self.windows, strict=True):
            part = [f for f in window if movement.start - BEFORE <= f[1] <= movement.end + AFTER]
            first = int(np.searchsorted(self.track.numbers, part[0][0]))
            images = inject_movements(part, self.track, [movement])
            again = track_rows(follow_again(images, rows["mesh"][max(first - 1, 0)].astype(np.float64)), options)
            for row, crop in zip(again.rows[1], again.crops[1], strict=True):
                if movement.start - 0.06 <= row["time"] <= movement.end + AFTER - 0.06:  # not the ends of smoothing
                    index = int(np.searchsorted(self.track.numbers, row["number"]))
                    rows[index], crops[index] = row, crop
        return make_track(rows, crops, options)


def movement_at(place: float, cell: Cell, side: str) -> Movement:
    kind, milliseconds, pixels = cell
    half = milliseconds / 2000
    units = tuple((unit, side) for unit in KINDS[kind])
    return Movement("micro", place - half, place, place, place + half, pixels, units)


def measured_share(film: Film, changed: FaceTrack, movement: Movement) -> float:
    """How far the landmarks of the tracker moved along the injected moves, as a share of these, over the movement."""
    inside = np.flatnonzero((film.track.times > movement.start) & (film.track.times < movement.end))
    level = movement.level(film.track.times[inside])
    units = sized_units(movement.units, movement.amplitude)
    along = []
    for index, height in zip(inside, level, strict=True):
        number = int(film.track.numbers[index])
        before, after = film.track.landmarks(number), changed.landmarks(number)
        assert before is not None and after is not None
        wanted = action_unit_displacement(before, units, before) * height
        along.append((((after - before) * wanted).sum(), (wanted**2).sum()))
    top, bottom = np.sum(along, axis=0) if along else (0.0, 0.0)
    return float(top / bottom) if bottom > 0 else float("nan")


def search(
    films: Sequence[Film], cells: Sequence[Cell], spotter: Spotter, sides: Sequence[str], options: Tracking
) -> tuple[dict[Cell, list[bool]], dict[Cell, list[float]]]:
    """Cell -> for each place whether it was found, and the shares that the tracker measured."""
    results: dict[Cell, list[bool]] = {cell: [] for cell in cells}
    shares: dict[Cell, list[float]] = {cell: [] for cell in cells}
    for film in films:
        if not film.places:
            continue
        before = spotter.spot(film.track)
        for cell in cells:
            for side in sides:
                movements = [movement_at(place, cell, side) for place in film.places]
                changed = film.with_movements(movements, options)
                found = spotter.spot(changed)
                for movement in movements:
                    span = movement.start, movement.end
                    results[cell].append(is_found(changed, span, found) and not is_found(film.track, span, before))
                    shares[cell].append(measured_share(film, changed, movement))
    return results, shares


def print_table(results: dict[Cell, list[bool]], shares: dict[Cell, list[float]], measure: bool) -> None:
    sizes = sorted({cell[2] for cell in results})
    print(f"\n| movement | {' | '.join(f'{size:g} px' for size in sizes)} |")
    print("|---|" + "--:|" * len(sizes))
    for kind, milliseconds in dict.fromkeys(cell[:2] for cell in results):
        texts = []
        for size in sizes:
            values = results.get((kind, milliseconds, size))
            text = "" if not values else f"{sum(values)} of {len(values)}"
            if measure and values:
                text += f" (moved {np.nanmedian(shares[kind, milliseconds, size]):.2f})"
            texts.append(text)
        print(f"| {kind}, {milliseconds} ms | {' | '.join(texts)} |")
    for cell in DEMANDED:
        if cell in results:
            share = np.mean(results[cell])
            verdict = "met" if share >= 0.9 else "missed"
            print(f"{cell[0]} {cell[1]} ms {cell[2]:g} px: {share:.2f}, demanded .90: {verdict}")


def places_of(text: str) -> tuple[str, list[float]]:
    """Name of a film, and seconds of its places."""
    name, _, seconds = text.partition("=")
    return name, sorted(float(part) for part in seconds.split(","))


def cell_of(text: str) -> Cell:
    """Kind, milliseconds and pixels of a movement."""
    kind, milliseconds, pixels = text.split(",")
    if kind not in KINDS or int(milliseconds) not in MILLISECONDS:
        raise ValueError(text)
    return kind, int(milliseconds), float(pixels)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", nargs="+", type=Path, metavar="FILM")
    parser.add_argument("--spotter", default="default")
    parser.add_argument("--places", type=int, default=3, help="of a film at most")
    parser.add_argument("--at", action="append", type=places_of, default=[], metavar="FILM=SECONDS", help="its places")
    parser.add_argument("--activity", type=float, default=1.5, help="largest activity of a calm place in px")
    parser.add_argument("--quick", action="store_true", help="only the four movements that must be found")
    parser.add_argument(
        "--movement",
        action="append",
        type=cell_of,
        default=[],
        metavar="KIND,MS,PX",
        help="only this one, as lids,300,4",
    )
    parser.add_argument("--one-side", action="store_true", help="left and right alone instead of both sides")
    parser.add_argument("--measure", action="store_true")
    return parser.parse_args()


def main() -> None:
    given, options = arguments(), Tracking()
    spotter = SPOTTERS.build({"name": given.spotter})
    films = []
    for path in given.films:
        film = Film.open(path, options, given, spotter)
        calm = ", ".join(f"{p:.1f} s ({activity(film.track, p - CALM, p + CALM):.2f} px)" for p in film.places)
        finds = len(spotter.spot(film.track))
        print(f"{path.name}: {len(film.track)} frames, {finds} finds; calm at {calm or 'no place'}")
        films.append(film)
    every = [(kind, ms, size) for kind in KINDS for ms in MILLISECONDS for size in SIZES]
    began = time.perf_counter()
    sides = ("L", "R") if given.one_side else ("",)
    cells = given.movement or (DEMANDED if given.quick else every)
    results, shares = search(films, cells, spotter, sides, options)
    print_table(results, shares, given.measure)
    places, seconds = sum(len(film.places) for film in films), time.perf_counter() - began
    print(f"spotter {given.spotter}; {places} places; {seconds:.0f} s")


if __name__ == "__main__":
    main()
