"""Injects movements of chosen sizes at quiet places, lets the spotter search, and fits what it finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np

from ...core.clip import Interval
from ...core.detection_limit import DetectionCurve, DetectionLimit
from ...core.track import FaceTrack
from ...synthetic.script import Movement
from .injected_track import inject_into_track
from .model import HALF_PX, DetectionModel, Trial
from .places import MARGIN, activity, is_found, quiet_places

Spot = Callable[[FaceTrack], Sequence[Interval]]
"""The spotter as the analysis runs it."""

UNITS: dict[str, tuple[int, ...]] = {"brow raise": (1, 2), "lid raise": (5,), "mouth corner raise": (12,)}
"""What moves -> action units."""

LARGEST, SMALLEST = 8.0, 0.25
"""Limits of the injected sizes in px."""

OFFSETS = (0.0, 0.9, -0.5, 0.4)
"""Sizes that are tried one after the other, in doublings of the size at which half are found as far as is known."""

CURVE_PX = tuple(float(px) for px in np.round(2 ** np.linspace(-2, 3, 21), 3))
"""Sizes in px at which a curve is given."""

PART_SECONDS = 5.0
"""Length of the parts of a track that are searched: a spotter judges a movement by the two seconds around it."""

QUIET, FEWEST = 2.0, 3
"""Activity in px up to which a place is quiet; where there are fewer such places, so many quietest ones are taken."""

SHARE, FIXED = 0.35, 300
"""Steps that the spotter may search again, as a share of the frames of the recording; and frames whose analysis takes
as long as the start of the program. With them the measurement takes at most a tenth of the analysis: the default
spotter takes 3 ms a step, everything together 14 ms a frame."""

MAX_TRIALS = 240
"""Injected movements at most: more would not make the numbers better."""


@dataclass(eq=False)
class Part:
    """A part of a track with its quiet places.

    Attributes:
        track: the part, without a `flow_cache`: the spotter must not find what it computed before.
        places: times in seconds.
        found: what the spotter found there without injected movements.
    """

    track: FaceTrack
    places: list[float]
    found: Sequence[Interval]


def measure_detection_limit(
    spotted: Sequence[tuple[FaceTrack, Sequence[Interval]]], spot: Spot, frames: int, max_fps: float
) -> DetectionLimit:
    """How small a movement the spotter finds in a recording.

    The number of searches follows from the number of frames, not from a clock: equal recordings give equal results.

    Args:
        spotted: each track, and what the spotter found in it.
        spot: the spotter.
        frames: number of frames of the recording, for the budget.
        max_fps: at which the spotter examines a track at most.
    """
    parts = _parts(spotted)
    if not parts:
        nothing = "the face is nowhere at rest for a second" if spotted else "there is no face"
        return DetectionLimit(largest=LARGEST, reason=nothing)
    rate = min(max_fps, max(part.track.fps for part in parts))
    cells = [cell for cell in HALF_PX if cell[1] >= 1.8 * 1000 / rate]
    if not cells:
        return DetectionLimit(largest=LARGEST, reason=f"at {rate:.3g} frames per second no movement of 300 ms shows")
    trials: list[Trial] = []
    rng, searched = np.random.default_rng([frames, len(parts)]), set()
    for part in _schedule(parts, SHARE * (frames + FIXED), rate):
        searched.add(part)
        trials += _run(part, cells, trials, spot, rng)
    if not trials:
        return DetectionLimit(
            largest=LARGEST, reason="the recording is too short to be searched again in a tenth of the time"
        )
    places = sum(len(part.places) for part in searched)
    return _summary(DetectionModel(cells, trials), trials, places)


def _parts(spotted: Sequence[tuple[FaceTrack, Sequence[Interval]]]) -> list[Part]:
    """Parts of about `PART_SECONDS` with their quiet places; those with the most come first."""
    places: list[tuple[float, int, float]] = []
    for index, (track, found) in enumerate(spotted):
        spans = [tuple(track.times[np.searchsorted(track.numbers, (i.onset, i.offset))].tolist()) for i in found]
        places += [(activity(track, t - MARGIN, t + MARGIN), index, t) for t in quiet_places(track, spans)]
    places.sort()
    calm = [place for place in places if place[0] <= QUIET]
    chosen = calm if len(calm) >= FEWEST else places[:FEWEST]
    parts = []
    for index, (track, found) in enumerate(spotted):
        short = track.times[-1] - track.times[0] <= 1.5 * PART_SECONDS
        length = len(track) if short else max(3, round(PART_SECONDS * track.fps))
        for first in range(0, len(track), length):
            part = track.select(slice(first, first + length))
            low, high = part.times[0] + MARGIN, part.times[-1] - MARGIN
            inside = sorted(t for _, i, t in chosen if i == index and low <= t <= high)
            if inside:
                known = [i for i in found if part.numbers[0] <= i.onset and i.offset <= part.numbers[-1]]
                parts.append(Part(part, inside, known))
    return sorted(parts, key=lambda part: -len(part.places))


def _schedule(parts: Sequence[Part], budget: float, rate: float) -> Iterator[Part]:
    """The part of each search, one after the other and again from the first, until the budget is spent."""
    left, trials = budget, 0
    for part in chain(*repeat(parts, MAX_TRIALS)):
        left -= len(part.track) * min(1.0, rate / part.track.fps)
        trials += len(part.places)
        if left < 0 or trials > MAX_TRIALS:
            return
        yield part


def _run(
    part: Part, cells: Sequence[tuple[str, int]], trials: Sequence[Trial], spot: Spot, rng: np.random.Generator
) -> list[Trial]:
    """Inject a movement at each place of a part, and search it once."""
    model, counts = DetectionModel(cells, trials), Counter(trial.cell for trial in trials)
    chosen: list[tuple[tuple[str, int], Movement]] = []
    for place in rng.permutation(part.places):
        cell = min(cells, key=lambda cell: counts[cell])
        number, counts[cell] = counts[cell], counts[cell] + 1
        pixels = float(np.clip(model.half(cell) * 2 ** OFFSETS[number % len(OFFSETS)], SMALLEST, LARGEST))
        side = ("", "", "L", "", "", "R")[number % 6]
        start = float(place) - cell[1] / 2000 + rng.uniform(-0.5, 0.5) / part.track.fps
        middle, end = start + cell[1] / 2000, start + cell[1] / 1000
        units = tuple((unit, side) for unit in UNITS[cell[0]])
        chosen.append((cell, Movement("micro", start, middle, middle, end, pixels, units)))
    changed = inject_into_track(part.track, [movement for _, movement in chosen])
    found = spot(changed)
    results = []
    for cell, movement in chosen:
        span = movement.start, movement.end
        new = is_found(part.track, span, found) and not is_found(part.track, span, part.found)
        results.append(Trial(*cell, movement.amplitude, movement.units[0][1], new))
    return results


def _summary(model: DetectionModel, trials: Sequence[Trial], places: int) -> DetectionLimit:
    curves = []
    sizes = np.array(CURVE_PX)
    for cell in model.cells:
        own = [trial for trial in trials if trial.cell == cell]
        probability = model.probability(cell, sizes)
        half, most = model.half(cell), model.nine_in_ten(cell)
        low, high = model.limits(cell)
        curves.append(
            DetectionCurve(
                cell[0],
                "+".join(map(str, UNITS[cell[0]])),
                cell[1],
                None if half > LARGEST else round(max(half, SMALLEST), 3),
                None if most > LARGEST else round(max(most, SMALLEST), 3),
                round(low, 3),
                round(high, 3),
                len(own),
                sum(trial.found for trial in own),
                tuple((px, round(float(p), 4)) for px, p in zip(CURVE_PX, probability, strict=True)),
            )
        )
    return DetectionLimit(tuple(curves), places, len(trials), round(model.one_side, 3), LARGEST)
