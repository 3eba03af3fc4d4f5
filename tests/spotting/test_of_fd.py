"""OF-FD finds what moves against a reference that slides on; its curves and peaks are as they are defined."""

import dataclasses

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.metrics.intervals import overlap
from microexpr.spotting import SPOTTERS, Span
from microexpr.spotting._empirical_modes import empirical_modes
from microexpr.spotting._region_flow import NAMES, region_motion
from microexpr.spotting.base import time_grid
from microexpr.spotting.of_fd import OFFD, join, low_pass, next_start
from microexpr.synthetic.long_video import ground_truth_track
from tests.spotting.test_spotters import hit, macro, micro, staged


def spotter(**settings) -> OFFD:
    built = SPOTTERS.build({"name": "of-fd", **settings})
    assert isinstance(built, OFFD)
    return built


@pytest.mark.parametrize("fps", [30, 60])
@pytest.mark.parametrize("event", [macro(size=10), macro(1.2, 1.0, 6, ((4, ""),)), micro(0.9, 0.45, 4)])
def test_a_planted_movement_is_found_once(event, fps):
    take = staged(event, seconds=3.5, fps=fps)
    (interval,) = spotter().spot(ground_truth_track(take))
    assert hit([interval], take.intervals[0])
    assert interval.apex is not None and take.intervals[0].onset < interval.apex < take.intervals[0].offset


def test_the_reference_slides_so_that_a_late_movement_is_found_beside_an_early_one():
    take = staged(macro(1.0, 1.5, 10), macro(12.0, 1.2, 8, ((1, ""), (2, ""))), seconds=14, fps=30)
    found = spotter().spot(ground_truth_track(take))
    assert all(hit(found, label) for label in take.intervals)
    once = spotter(window_seconds=60.0).spot(ground_truth_track(take))  # all against the first frame
    assert [i for i in once if i.onset > 300] != [i for i in found if i.onset > 300]


def test_a_larger_movement_scores_more():
    scores = [
        spotter().spot(ground_truth_track(staged(macro(size=size), fps=30, seconds=3)))[0].score for size in (5, 10)
    ]
    assert scores[0] is not None and scores[1] is not None and scores[0] < scores[1]


def test_lids_are_measured_and_not_searched(monkeypatch):
    track = ground_truth_track(staged(fps=30, seconds=2.5), size=48)

    def moving(region: int):
        motion = np.zeros((len(track), len(NAMES), 2))
        motion[:, region, 1] = 5 * np.sin(np.linspace(0, np.pi, len(track))) ** 4
        return lambda *_: motion

    monkeypatch.setattr("microexpr.spotting.of_fd.region_motion", moving(NAMES.index("left lower lid")))
    assert spotter().spot(track) == []
    monkeypatch.setattr("microexpr.spotting.of_fd.region_motion", moving(NAMES.index("upper lip")))
    assert len(spotter().spot(track)) == 1


def test_a_movement_shorter_or_longer_than_the_limits_is_left_out():
    track = ground_truth_track(staged(macro(size=10), fps=30, seconds=3.5))
    assert len(spotter().spot(track)) == 1
    assert spotter(min_seconds=2.0).spot(track) == [] == spotter(max_seconds=1.0).spot(track)
    with pytest.raises(RecipeError, match="first must be smaller"):
        spotter(min_seconds=2.0, max_seconds=1.0)


def test_region_motion_is_that_of_the_face_in_its_own_pixels():
    take = staged(micro(0.4, 0.6, 6), fps=30, seconds=1.2)
    small, large = (
        region_motion(track, np.arange(len(track))) for track in (ground_truth_track(take, size=s) for s in (96, 192))
    )
    brows = [i for i, name in enumerate(NAMES) if "brow" in name]
    apex = 21
    assert small.shape == (36, 14, 2) and (small[0] == 0).all()
    assert small[apex, brows, 1].max() < -2 and small[apex, brows, 1].mean() == pytest.approx(
        large[apex, brows, 1].mean(), rel=0.2
    )
    assert np.abs(small[apex, NAMES.index("lower lip")]).max() < 1


def test_a_face_that_shifts_as_a_whole_has_not_moved():
    track = ground_truth_track(staged(fps=30, seconds=0.5))
    shifted = np.stack([np.roll(track.crops[0], i, axis=1) for i in range(4)])
    moved = region_motion(dataclasses.replace(track.select(slice(4)), crops=shifted), np.arange(4))
    assert np.abs(moved).max() < 0.5


def test_empirical_modes_add_up_and_come_apart():
    t = np.linspace(0, 4, 241)
    fast, slow, trend = 0.5 * np.sin(2 * np.pi * 5 * t), np.sin(2 * np.pi * t), 0.8 * t
    modes = empirical_modes(fast + slow + trend)
    assert np.allclose(modes.sum(axis=0), fast + slow + trend)
    inner = slice(30, -30)
    assert np.corrcoef(modes[0][inner], fast[inner])[0, 1] > 0.98
    assert np.corrcoef(modes[1][inner], slow[inner])[0, 1] > 0.98
    assert np.abs(modes[-1] - trend)[inner].max() < 0.3


@pytest.mark.parametrize("curve", [np.zeros(9), np.arange(5.0), np.array([1.0]), np.array([0.0, 1, 0])])
def test_a_curve_without_oscillation_is_its_own_trend(curve):
    assert np.array_equal(empirical_modes(curve), curve[None])


def test_the_filter_keeps_what_is_slower_than_its_cutoff():
    t = np.arange(120) / 30
    slow, fast = 2 + np.cos(2 * np.pi * 2 * (t + 1 / 60)), np.cos(2 * np.pi * 10 * (t + 1 / 60))
    assert np.allclose(low_pass(slow + fast, 5.0, 30.0), slow)


def test_peaks_end_where_their_flanks_have_fallen_and_part_at_a_deep_valley():
    track = ground_truth_track(staged(fps=30, seconds=4), size=32)
    grid = time_grid(track, 30)
    values = np.zeros(len(grid))
    values[30:51] = 4 * np.sin(np.linspace(0, np.pi, 21))
    (one,) = spotter().peaks(values, grid)
    assert (
        values[one.onset] <= 0.33 * 4 < values[one.onset + 1]
        and values[one.offset] <= 0.33 * 4 < values[one.offset - 1]
    )
    assert one.apex == 40 and one.score == pytest.approx(4 / 1.8)
    values[50:71] = 4 * np.sin(np.linspace(0, np.pi, 21))
    values[48:53] = np.maximum(values[48:53], 2.0)  # the curve falls to half between them
    first, second = spotter().peaks(values, grid)
    assert first.offset + 2 == second.onset and (first.apex, second.apex) == (40, 60)
    assert spotter(height=5.0).peaks(values, grid) == spotter(rise=5.0).peaks(values, grid) == []
    assert spotter(detrended_rise=9.0).peaks(values, grid) == []


def test_overlapping_spans_become_their_union():
    spans = [Span(0, 5, 10, 1.0), Span(8, 15, 30, 3.0), Span(7, 9, 12, 2.0), Span(60, 61, 70, 1.0)]
    assert join(spans) == [Span(0, 15, 30, 3.0), Span(60, 61, 70, 1.0)]


def test_the_next_window_begins_where_no_movement_is_under_way():
    assert next_start([], 200, 20) == next_start([Span(10, 20, 90, 1)], 200, 20) == 100
    assert next_start([Span(80, 90, 120, 1)], 200, 20) == 140
    assert next_start([Span(80, 90, 180, 1)], 200, 20) == 60
    assert next_start([Span(30, 90, 199, 1)], 200, 20) == 199
    assert next_start([], 3, 1) == 1


def test_of_fd_makes_no_more_of_a_slow_recording():
    take = staged(macro(size=10), fps=30, seconds=3.5)
    slow = ground_truth_track(take)
    slow = slow.select(np.arange(0, len(slow), 2))
    (interval,) = spotter().spot(slow)
    assert overlap((interval.onset, interval.offset), (take.intervals[0].onset, take.intervals[0].offset)) > 0.5
