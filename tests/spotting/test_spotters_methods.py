"""The formulas of the published spotters, on inputs with known results."""

import dataclasses

import numpy as np
import pytest
import torch

from microexpr.core.clip import Interval
from microexpr.core.track import FaceTrack
from microexpr.metrics.intervals import overlap_of_shorter
from microexpr.networks import NETWORKS
from microexpr.networks.softnet import scorer, train
from microexpr.spotting import SPOTTERS
from microexpr.spotting._peak_picking import contrast, runs, spans_above, suppress_overlaps, threshold
from microexpr.spotting.base import Span, TimeGrid, spans_to_intervals, time_grid
from microexpr.spotting.default.candidates import find_candidates
from microexpr.spotting.default.displacement import NAMES, displacement
from microexpr.spotting.mdmd import maximal_difference
from microexpr.spotting.softnet import face_regions as face_parts
from microexpr.spotting.softnet import peaks, pseudo_labels
from microexpr.synthetic.long_video import ground_truth_track
from microexpr.synthetic.script import Movement
from tests.spotting.test_spotters import busy, micro, staged


def test_contrast_is_the_value_minus_the_mean_of_both_ends():
    values = np.array([0.0, 0, 1, 4, 1, 0, 0])
    assert contrast(values, 2).tolist() == [0, 0, 0.5, 4, 0.5, 0, 0]
    assert contrast(np.array([0.0, 2, 4, 6]), 1).tolist() == [0, 0, 0, 1]


def test_threshold_runs_and_spans():
    values = np.array([0, 0, 3, 5, 3, 0, 0, 5, 0.0])
    assert threshold(values, 0.5) == pytest.approx(16 / 9 + 0.5 * (5 - 16 / 9))
    assert list(runs(values > 0)) == [(2, 4), (7, 7)]
    (span,) = spans_above(values, 2, 2, 5)
    assert (span.onset, span.apex, span.offset, span.score) == (2, 3, 4, 2.5)


def test_of_overlapping_spans_the_one_of_the_highest_score_stays():
    long, short, other = Span(0, 5, 19, 1.0), Span(16, 17, 19, 2.0), Span(30, 31, 33, 0.5)
    assert suppress_overlaps([long, short, other]) == [short, long, other]  # intersection over union is 0.2
    assert suppress_overlaps([long, short, other], 0.3, overlap_of_shorter) == [short, other]


def test_the_kind_is_what_the_method_says_and_else_follows_from_the_duration():
    track = busy()[0]
    grid = time_grid(track, 30)  # 30 frames per second
    spans = [Span(0, 5, 12, 1.0), Span(20, 25, 38, 1.0), Span(40, 45, 52, 1.0, "macro"), Span(60, 70, 78, 1.0, "micro")]
    assert [i.kind for i in spans_to_intervals(track, grid, spans)] == ["micro", "macro", "macro", "micro"]


@pytest.mark.parametrize("direction", [(1, 0.1), (0.1, 1), (-1, 0.1), (0.1, -1)])
def test_mdmd_uses_all_four_directions(direction):
    there, back = np.full((36, 36, 2), direction, np.float32) * 2, np.zeros((36, 36, 2), np.float32)
    crops = [np.full((36, 36), i, np.uint8) for i in range(3)]
    flow = lambda before, after: there if after[0, 0] == 1 else back  # noqa: E731
    assert maximal_difference(flow, *crops) == pytest.approx(2 * np.hypot(*direction), rel=1e-6)


def test_mdmd_takes_a_third_of_pixels_and_blocks():
    there, crops = np.zeros((36, 36, 2), np.float32), [np.full((36, 36), i, np.uint8) for i in range(3)]
    there[:12, :, 0] = 3  # 12 of 36 blocks
    there[:12, ::2, 0] = 1
    flow = lambda before, after: there if after[0, 0] == 1 else np.zeros_like(there)  # noqa: E731
    assert maximal_difference(flow, *crops) == pytest.approx(3)


def test_softnet_has_as_many_parameters_as_in_the_paper():
    net = NETWORKS.build({"name": "softnet"}).build((3, 42, 42), 1)
    assert sum(p.numel() for p in net.parameters()) == 314_817
    assert net(torch.zeros(2, 3, 42, 42)).shape == (2, 1)


def test_softnet_training_is_repeatable():
    rng = np.random.default_rng(0)
    wanted = np.repeat([0.0, 1.0], 12)
    shown = rng.normal(size=(24, 3, 42, 42)) + wanted[:, None, None, None]
    first, second = (train(shown, wanted, seed=4, epochs=8) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    scores = scorer(first, (3, 42, 42))(shown)[:, 0]
    assert scores[wanted == 1].min() > scores[wanted == 0].max()


def test_pseudo_labels_and_peaks_of_softnet():
    track = busy()[0]
    samples = time_grid(track, 60)
    labels = pseudo_labels(track, samples, [Interval(100, 110)], k=5)
    assert np.flatnonzero(labels).tolist() == list(range(96, 111))
    smooth = np.zeros(50)
    smooth[[10, 12, 30]] = 1, 0.9, 0.8
    assert [(s.onset, s.apex, s.offset) for s in peaks(smooth, 4, 0.55)] == [(6, 10, 14), (26, 30, 34)]


def test_input_of_softnet_has_no_head_motion():
    track = busy()[0]
    points = np.asarray(track.points[0])
    shifted = face_parts(np.full((96, 96, 2), 3, np.float32), points)
    assert shifted.shape == (3, 42, 42) and np.abs(shifted).max() < 1e-5


def test_displacement_is_without_head_motion():
    track = ground_truth_track(staged(micro(1.0, 0.4, 6), seconds=2.5, seed=5))
    moved = displacement(track, time_grid(track, 60)).regions
    brows = [i for i, name in enumerate(NAMES) if "inner brow" in name]
    mouth = [i for i, name in enumerate(NAMES) if "corner" in name]
    assert moved[72, brows, 1].mean() - moved[50, brows, 1].mean() < -0.01  # up
    assert np.abs(moved[72, mouth] - moved[50, mouth]).max() < 0.006


@pytest.mark.parametrize("rate", [30, 60, 200])
def test_a_candidate_starts_and_ends_where_it_was_drawn(rate):
    times = np.arange(4 * rate) / rate
    course = Movement("macro", 1.0, 1.5, 1.9, 2.6, 0.05).level(times) * 0.05
    moves = np.random.default_rng(1).normal(0, 2e-4, (len(times), len(NAMES), 2))
    moves[:, 3, 1] += course
    best = min(find_candidates(moves, rate), key=lambda b: abs(b.onset - rate) + abs(b.offset - 2.6 * rate))
    assert abs(best.onset / rate - 1.0) < 0.08 and abs(best.offset / rate - 2.6) < 0.1
    assert best.height == pytest.approx(0.05, rel=0.1) and not best.unfinished
    assert int(np.abs(best.pattern).sum(axis=1).argmax()) == 3


def test_steps_of_a_second():
    assert TimeGrid(200.0, np.arange(3) / 200, np.arange(3), np.ones(3, bool)).steps(0.5) == 100


def camera() -> FaceTrack:
    """Eight seconds before a camera of 30 frames a second whose time stamps come from a clock of 16 ms."""
    track = ground_truth_track(staged(micro(), seconds=8, fps=30), size=64)
    steps = np.random.default_rng(1).choice([0.031, 0.047], len(track), p=[0.85, 0.15])
    return dataclasses.replace(track, times=np.cumsum(steps))


def test_the_flow_cache_of_a_camera_is_reused_by_the_next_search():
    cache: dict = {}
    track, sizes = camera(), []
    second = round(1 / np.diff(track.times).mean())
    for first, last in ((0, 6 * second + 1), (second, 6 * second + 15)):
        window = dataclasses.replace(track.select(slice(first, last)), flow_cache=cache)
        SPOTTERS.build({"name": "default"}).spot(window)
        sizes.append(len(cache))
    assert sizes == [6, 7]  # six seconds, and the half one that is new


def test_a_missing_frame_leaves_a_gap_in_the_grid():
    track = camera()
    assert np.array_equal(time_grid(track, 200).frames, np.arange(len(track)))
    steps = time_grid(track.select(np.arange(len(track)) != 100), 200)
    assert steps.rate == track.fps
    assert len(steps) == pytest.approx((track.times[-1] - track.times[0]) * track.fps, abs=1.5)


def test_the_curve_has_a_value_per_frame_of_a_camera():
    track, spotter = camera(), SPOTTERS.build({"name": "default"})
    curve = spotter.detect(track, time_grid(track, 200)).curve
    assert curve.max() > 0.5 and np.allclose(spotter.curve(track), curve, atol=1e-6)
