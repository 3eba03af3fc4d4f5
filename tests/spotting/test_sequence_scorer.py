"""The scorer of sequences: what it learns on some synthetic people it finds on others; movements grow as defined."""

import numpy as np
import pytest
import torch

from microexpr.core.clip import Interval
from microexpr.core.errors import UsageError
from microexpr.networks.sequence_scorer import SequenceNetwork, scorer, train
from microexpr.spotting import SPOTTERS
from microexpr.spotting.base import TimeGrid, time_grid
from microexpr.spotting.sequence_scorer import grow, network_input, peaks, step_labels, step_scores, windows
from microexpr.synthetic.long_video import ground_truth_track
from tests.spotting.test_spotters import busy, hit, macro, micro, staged


def test_the_network_has_a_score_per_step_and_kind():
    net = SequenceNetwork(28, 2)
    assert sum(p.numel() for p in net.parameters()) == 68_098
    assert net(torch.zeros(3, 28, 50)).shape == (3, 2, 50)
    assert np.ptp(scorer({n: v.numpy() for n, v in net.state_dict().items()})(np.ones((1, 28, 50)))[0, 0]) < 1e-6


def test_training_is_repeatable_and_learns():
    rng = np.random.default_rng(0)
    shown = rng.normal(size=(24, 28, 50))
    wanted = np.zeros((24, 2, 50))
    wanted[:, 0, 20:30] = 1
    shown[:, 3, 20:30] += 4
    first, second = (train(shown, wanted, seed=4, epochs=10, batch_size=8, lr=3e-3) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    scores = scorer(first)(shown)
    assert scores.min() >= 0 and scores.max() <= 1
    assert scores[:, 0, 22:28].min() > scores[:, 0, [5, 45]].max() and scores[:, 1].max() < 0.5


def test_what_is_learned_on_some_people_is_found_on_others():
    takes = [staged(macro(0.6, 1.0, 8), micro(3.0, 0.4, 4), seconds=4.5, fps=30, seed=seed) for seed in range(10, 15)]
    tracks = [ground_truth_track(take) for take in takes]
    spotter = SPOTTERS.build({"name": "sequence-scorer", "epochs": 40})
    spotter = spotter.fit(tracks[:4], [take.intervals for take in takes[:4]], seed=1)
    found = spotter.spot(tracks[4])
    for label in takes[4].intervals:
        assert hit([i for i in found if i.kind == label.kind], label)


def test_windows_overlap_by_half_and_stop_at_gaps():
    visible = np.ones(100, bool)
    visible[40:45] = False
    grid = TimeGrid(30.0, np.arange(100) / 30, np.arange(100), visible)
    found = list(windows(grid, 20))
    assert all(len(steps) == 20 for steps in found)
    assert [int(steps[0]) for steps in found] == [0, 10, 20, 45, 55, 65, 75, 85]
    assert {int(step) for steps in found for step in steps} == set(np.flatnonzero(visible).tolist())
    assert found[-1].tolist() == [*range(85, 100), *[99] * 5]
    short = TimeGrid(30.0, np.arange(5) / 30, np.arange(5), np.ones(5, bool))
    assert [steps.tolist() for steps in windows(short, 8)] == [[0, 1, 2, 3, 4, 4, 4, 4]]
    assert len(list(windows(short, 1))) == 5


def test_scores_are_the_mean_over_the_windows_that_hold_a_step():
    track = ground_truth_track(staged(fps=30, seconds=1), size=48)
    grid, calls = time_grid(track, 30), iter(range(10))
    values = step_scores(track, grid, 20, lambda inputs: np.full((1, 2, 20), next(calls)))
    assert values.shape == (2, 30) and values[0].tolist() == [0] * 10 + [0.5] * 10 + [1] * 10


def test_the_input_is_the_motion_since_the_first_step_of_a_window():
    track = ground_truth_track(staged(micro(0.4, 0.6, 6), fps=30, seconds=1.2))
    sequence = network_input(track, time_grid(track, 30), np.arange(5, 30))
    assert sequence.shape == (28, 25) and not sequence[:, 0].any() and np.abs(sequence[:, 16]).max() > 1


def test_labels_are_those_of_each_kind():
    track = busy()[0]
    intervals = [Interval(10, 20, 15, "micro"), Interval(40, 80, 60, "macro")]
    labels = step_labels(track, time_grid(track, 30), intervals)
    assert [np.flatnonzero(row).tolist() for row in labels] == [[*range(10, 21)], [*range(40, 81)]]


def test_a_movement_grows_until_two_steps_are_below_the_mean():
    values = np.full(200, 0.01)
    values[80:121] = np.concatenate([np.linspace(0.1, 1, 20), [1], np.linspace(1, 0.1, 20)])
    assert grow(values, 100, 5) == 81  # the mean is .12: steps 79 and 80 are below
    assert grow(values[:105], 100, 30) == 80  # a rise to two thirds of the mean, now .2
    values[90] = 0  # one low step does not end it
    assert grow(values, 100, 5) == 81
    assert grow(values, 100, 2) == 98  # nothing is low within five times two steps


def test_peaks_have_the_score_of_the_smoothed_curve_over_its_threshold():
    values = np.zeros(100)
    values[45:56] = 1
    smooth = np.convolve(values, np.ones(10) / 10, "same")
    (found,) = peaks(values, smooth, 5, 0.55)
    level = smooth.mean() + 0.55 * (smooth.max() - smooth.mean())
    assert 44 <= found.onset <= 46 and 54 <= found.offset <= 56 and found.score == pytest.approx(smooth.max() / level)


def test_a_kind_that_was_not_trained_is_not_found_and_no_label_is_an_error():
    track, labels = busy()
    own = [i for i in labels if i.kind == "micro"]
    spotter = SPOTTERS.build({"name": "sequence-scorer", "epochs": 2}).fit([track], [own], seed=0)
    assert {i.kind for i in spotter.spot(track)} == {"micro"}
    with pytest.raises(UsageError, match="no micro- or macro-expression"):
        SPOTTERS.build({"name": "sequence-scorer"}).fit([track], [()], seed=0)
