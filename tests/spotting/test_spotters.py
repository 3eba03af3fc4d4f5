"""Every spotter keeps the contract, and finds what it should find in synthetic faces."""

import dataclasses
import itertools
from functools import cache

import numpy as np
import pytest

from microexpr.core.clip import Interval
from microexpr.core.errors import DataError, MissingDataError, NotFittedError, RecipeError, UsageError
from microexpr.core.track import FaceTrack
from microexpr.metrics.intervals import overlap
from microexpr.spotting import SPOTTERS, Detection, Span, Spotter, TrainableSpotter, check_spotter
from microexpr.spotting.base import time_grid
from microexpr.synthetic.long_video import SyntheticVideo, ground_truth_track, random_video
from microexpr.synthetic.script import Distractors, Movement

UNTRAINED = [name for name, cls in SPOTTERS if issubclass(cls, TrainableSpotter) and cls.shipped is None]
"""Spotters that must be trained before they can spot."""

NOTHING_ELSE = Distractors(blinks=0, speech=0, gaze=0, turns=0, drift=1, flicker=0.005)
BROWS_UP = ((1, ""), (2, ""))
SMILE = ((12, ""),)


def staged(
    *movements: Movement, seconds: float = 4.0, fps: float = 60.0, seed: int = 3, calm: bool = True
) -> SyntheticVideo:
    """A synthetic video in which only these movements happen."""
    others = NOTHING_ELSE if calm else Distractors()
    take = random_video(seed, seconds=seconds, fps=fps, micro=0, macro=0, distractors=others)
    return dataclasses.replace(take, movements=movements)


def micro(start: float = 1.6, long: float = 0.3, size: float = 3.0, units=BROWS_UP) -> Movement:
    return Movement("micro", start, start + long / 2, start + long / 2, start + long, size, units, "II")


def macro(start: float = 1.0, long: float = 1.5, size: float = 8.0, units=SMILE) -> Movement:
    return Movement("macro", start, start + 0.3 * long, start + 0.6 * long, start + long, size, units, "I")


def blink(start: float, long: float = 0.25) -> Movement:
    return Movement("blink", start, start + 0.35 * long, start + 0.5 * long, start + long, 1.0)


@cache
def busy() -> tuple[FaceTrack, tuple[Interval, ...]]:
    take = random_video(900, seconds=5, fps=30, micro=24, macro=12)
    return ground_truth_track(take, size=64), take.intervals


@cache
def ready(name: str) -> Spotter:
    """A spotter that can spot; one without shipped weights is trained on a short track."""
    spotter = SPOTTERS.build({"name": name, **({"epochs": 1, "max_fps": 15.0} if name in UNTRAINED else {})})
    return spotter.fit([busy()[0]], [busy()[1]], seed=1) if name in UNTRAINED else spotter


def found(take: SyntheticVideo, name: str = "default") -> list[Interval]:
    return ready(name).spot(ground_truth_track(take))


def hit(intervals: list[Interval], label: Interval) -> bool:
    return any(overlap((i.onset, i.offset), (label.onset, label.offset)) >= 0.5 for i in intervals)


@pytest.mark.parametrize("name", SPOTTERS.names())
def test_every_spotter_keeps_the_contract(name):
    check_spotter(ready(name), ground_truth_track(random_video(901, seconds=3, fps=25, micro=40, macro=0), size=64))


@pytest.mark.parametrize("name", SPOTTERS.names())
@pytest.mark.parametrize("fps", [25, 240])
def test_spotters_work_at_any_frame_rate(name, fps):
    track = ground_truth_track(staged(macro(0.4, 0.9), seconds=1.6, fps=fps), size=64)
    intervals = ready(name).spot(track)
    assert all(0 <= i.onset < i.offset < len(track) for i in intervals)
    assert ready(name).curve(track).shape == (len(track),)


@dataclasses.dataclass(frozen=True)
class Everything(Spotter):
    """Breaks the contract: takes every track for one movement."""

    name = "everything"

    def detect(self, track, grid):
        return Detection(np.ones(len(grid)), (Span(0, 1, len(grid) - 1, 1.0),))


def test_the_check_finds_a_broken_contract():
    track = ground_truth_track(random_video(901, seconds=2, fps=25, micro=40, macro=0), size=64)
    with pytest.raises(AssertionError, match="everything: finds a movement in a black track"):
        check_spotter(Everything(), track)


@pytest.mark.parametrize("name", [name for name in SPOTTERS.names() if name not in UNTRAINED])
def test_every_spotter_finds_a_broad_smile(name):
    take = staged(macro(size=10), fps=30, seconds=3.5)
    (label,) = take.intervals
    assert any(i.onset <= label.offset and i.offset >= label.onset for i in found(take, name))


@pytest.mark.parametrize(("event", "kind"), [(micro(), "micro"), (macro(), "macro"), (micro(units=SMILE), "micro")])
def test_default_finds_one_event_and_its_kind(event, kind):
    take = staged(event)
    (interval,) = found(take)
    assert interval.kind == kind and hit([interval], take.intervals[0])
    assert abs(interval.onset - take.intervals[0].onset) <= 4


@pytest.mark.parametrize("seed", [3, 4, 6])
def test_default_finds_an_event_of_40_ms(seed):
    take = staged(micro(0.8, 0.04, 2.0), seconds=1.6, fps=200, seed=seed)
    (interval,) = found(take)
    assert interval.kind == "micro" and hit([interval], take.intervals[0])


def test_marked_blinks_are_not_events():
    take = staged(*(blink(t) for t in (0.6, 1.7, 2.4, 3.3)), seconds=4.5)
    assert ready("default").spot(ground_truth_track(take, missed_blinks=0)) == []


def test_speech_gaze_and_turns_are_not_events():
    many = Distractors(blinks=20, speech=15, gaze=20, turns=10)
    take = random_video(902, seconds=12, fps=60, micro=0, macro=0, distractors=many)
    assert len(found(take)) <= 1  # measured over many videos in docs/how-to/spotting.md


def test_a_blink_does_not_cut_a_smile():
    take = staged(macro(long=2.0), blink(1.9))
    (interval,) = found(take)
    assert hit([interval], take.intervals[0])


def test_a_movement_cut_by_the_end_is_reported_up_to_the_last_frame():
    track = ground_truth_track(staged(macro(1.0, 3.0))).select(slice(150))
    (interval,) = ready("default").spot(track)
    assert interval.offset == 149 and interval.kind == "macro" and abs(interval.onset - 60) <= 8


def test_default_reports_nothing_below_min_score():
    track = ground_truth_track(staged(micro(), macro(2.2, 1.2)))
    every = [interval.score or 0 for interval in SPOTTERS.build({"name": "default", "min_score": 0.0}).spot(track)]
    above = [interval.score or 0 for interval in SPOTTERS.build({"name": "default", "min_score": 0.6}).spot(track)]
    assert len(above) < len(every) and sorted(above) == sorted(s for s in every if s >= 0.6)
    assert all(0 <= score <= 1 for score in every)


def test_default_divides_long_tracks_into_parts():
    from microexpr.spotting.default.small import parts

    assert parts(100, 100, 10) == [(0, 100)]
    for steps in (151, 400, 1234):
        pieces = parts(steps, 100, 10)
        assert pieces[0][0] == 0 and pieces[-1][1] == steps
        assert all(a[1] - b[0] == 20 for a, b in itertools.pairwise(pieces))


@pytest.mark.parametrize("name", [name for name, cls in SPOTTERS if cls.trainable])
def test_trained_weights_can_be_saved_and_read(name, tmp_path):
    first = SPOTTERS.build({"name": name, "max_fps": 15.0}).fit([busy()[0]], [busy()[1]], seed=2)
    again = SPOTTERS.build({"name": name, "max_fps": 15.0}).fit([busy()[0]], [busy()[1]], seed=2)
    first.save(tmp_path / "weights.safetensors")
    read = SPOTTERS.build({"name": name, "max_fps": 15.0, "weights": str(tmp_path / "weights.safetensors")})
    assert read.spot(busy()[0]) == first.spot(busy()[0]) == again.spot(busy()[0])


def test_wrong_weights_and_training_data_are_errors(tmp_path):
    (tmp_path / "no.safetensors").write_bytes(b"nothing")
    for path, error in (("none", MissingDataError), ("no.safetensors", DataError)):
        with pytest.raises(error, match=r"weights|safetensors"):
            SPOTTERS.build({"name": "softnet", "weights": str(tmp_path / path)}).spot(busy()[0])
    for name in UNTRAINED:
        with pytest.raises(NotFittedError, match="call fit"):
            SPOTTERS.build({"name": name}).spot(busy()[0])
    with pytest.raises(UsageError, match="1 tracks and 0 lists"):
        SPOTTERS.build({"name": "default"}).fit([busy()[0]], [], seed=0)
    with pytest.raises(UsageError, match="no weights that could be saved"):
        SPOTTERS.build({"name": "mdmd"}).save(tmp_path / "x")


@pytest.mark.parametrize(
    "settings", [{"name": "mdmd", "p": 2}, {"name": "softnet", "epochs": 0}, {"name": "default", "max_fps": 5}]
)
def test_wrong_settings_are_errors(settings):
    with pytest.raises(RecipeError):
        SPOTTERS.build(settings)


def test_the_grid_follows_the_time_stamps():
    track = ground_truth_track(staged(seconds=1.1), size=32).select(slice(61))
    steps = time_grid(dataclasses.replace(track, times=track.times * 2), 200)
    assert len(steps) == 61 and steps.rate == pytest.approx(30) and steps.visible.all()
