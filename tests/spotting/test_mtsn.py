"""MTSN: the network of its public code, labels that rise and fall, and movements around the peaks of two curves."""

import numpy as np
import pytest
import torch

from microexpr.core.clip import Interval
from microexpr.core.errors import RecipeError, UsageError
from microexpr.networks import NETWORKS, check_network
from microexpr.networks.mtsn import scorer, train
from microexpr.spotting import SPOTTERS
from microexpr.spotting._regions import flow_estimator
from microexpr.spotting.base import TimeGrid, time_grid
from microexpr.spotting.mtsn import KINDS, movements, network_inputs, pseudo_labels
from microexpr.synthetic.long_video import ground_truth_track
from tests.spotting.test_spotters import busy, macro, micro, staged


def grid_of(steps: int, rate: float = 30.0) -> TimeGrid:
    return TimeGrid(rate, np.arange(steps) / rate, np.arange(steps), np.ones(steps, bool))


def test_mtsn_has_the_layers_of_its_public_code():
    net = NETWORKS.build({"name": "mtsn"}).build((6, 28, 28), 1)
    assert sum(p.numel() for p in net.parameters()) == 66_209
    check_network({"name": "mtsn"}, (6, 28, 28))
    with pytest.raises(RecipeError, match="6 channels of 6x6"):
        NETWORKS.build({"name": "mtsn"}).build((3, 28, 28), 1)


def test_both_flows_share_their_streams():
    net = NETWORKS.build({"name": "mtsn", "hidden": 8}).build((6, 28, 28), 1)
    x = torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    hidden = {}
    net.fc.register_forward_hook(lambda layer, given, out: hidden.update(given=given[0]))
    net(torch.cat([x, x], dim=1))
    assert torch.equal(*hidden["given"].chunk(2, dim=1))


def test_training_is_repeatable_and_learns():
    wanted = np.repeat([0.0, 1.0], 12)
    shown = np.random.default_rng(0).normal(size=(24, 6, 28, 28)) + wanted[:, None, None, None]
    first, second = (train(shown, wanted, seed=4, epochs=40, batch_size=12, lr=1e-3) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    scores = scorer(first, (6, 28, 28))(shown)[:, 0]
    assert scores.min() >= 0 and scores.max() <= 1 and scores[wanted == 1].min() > scores[wanted == 0].max()


def test_the_input_is_the_flow_over_a_longer_time_and_over_a_step():
    track = ground_truth_track(staged(macro(0.2, 1.0, 12), fps=30, seconds=1.2))
    grid = time_grid(track, 30)
    images = dict(network_inputs(track, grid, 6, flow_estimator()))
    assert list(images) == list(range(len(grid) - 6)) and images[0].shape == (6, 28, 28)
    assert np.abs(images[8][:2]).max() > 2 * np.abs(images[8][3:5]).max()


def test_labels_are_hard_and_soft():
    track = busy()[0]
    hard, soft = pseudo_labels(track, time_grid(track, 60), [Interval(10, 30, 20), Interval(50, 54), Interval(90, 90)])
    assert np.flatnonzero(hard).tolist() == [*range(10, 31), *range(50, 55), 90]
    assert soft[[10, 15, 20, 25, 30]] == pytest.approx([0, 0.5, 1, 0.5, 0]) and soft[52] == 1
    assert not soft[hard == 0].any()


def test_movements_end_at_their_lowest_step_above_the_threshold():
    curve = np.zeros(120)
    curve[40:61] = 1 - np.abs(np.arange(-10, 11)) / 20
    (found,) = movements(curve, grid_of(120), KINDS[0], 0.7, 0.2)
    assert (found.onset, found.apex, found.offset, found.kind) == (45, 50, 55, "micro") and found.score == 1
    assert movements(curve, grid_of(120), KINDS[1], 0.7, 0.6) == []  # too short
    assert movements(curve * 0.69, grid_of(120), KINDS[0], 0.7, 0.2) == []
    assert movements(curve, grid_of(120, 100.0), KINDS[0], 0.7, 0.2) == []
    assert movements(np.ones(120), grid_of(120), KINDS[0], 0.7, 0.2) == []


def test_a_micro_expression_must_stand_out_of_the_longer_curve(monkeypatch):
    track = ground_truth_track(staged(micro(), fps=30, seconds=3), size=32)
    values = np.zeros(len(track))
    values[40:53] = 1
    by_step = lambda *_: lambda inputs: values[inputs[:, 0, 0, 0].astype(int), None]  # noqa: E731
    spotter = SPOTTERS.build({"name": "mtsn"}).fit([busy()[0].select(slice(60))], [busy()[1][:1]], seed=0)
    monkeypatch.setattr("microexpr.networks.mtsn.scorer", by_step)
    monkeypatch.setattr(
        "microexpr.spotting.mtsn.network_inputs",
        lambda track, grid, k, flow: ((i, np.full((6, 28, 28), i)) for i in range(len(grid) - k)),
    )
    (found,) = spotter.spot(track)
    assert found.kind == "micro" and 40 <= found.onset < found.offset <= 52
    values[20:71] = 1
    assert [i.kind for i in spotter.spot(track)] == ["macro"]


def test_tracks_without_a_label_are_no_training_set():
    with pytest.raises(UsageError, match="no micro- or macro-expression"):
        SPOTTERS.build({"name": "mtsn", "max_fps": 15.0}).fit([busy()[0].select(slice(30))], [()], seed=0)
    with pytest.raises(RecipeError, match="first must be smaller"):
        SPOTTERS.build({"name": "mtsn", "micro_half": 0.7})


def test_what_is_learned_on_some_people_is_found_on_another():
    takes = [staged(macro(0.6, 1.0, 8), seconds=2.4, fps=15, seed=seed) for seed in range(10, 14)]
    tracks = [ground_truth_track(take, size=48) for take in takes]
    spotter = SPOTTERS.build({"name": "mtsn", "epochs": 40, "lr": 1e-3, "batch": 8, "threshold": 0.5})
    spotter = spotter.fit(tracks[:3], [take.intervals for take in takes[:3]], seed=1)
    (label,) = takes[3].intervals
    curve = spotter.curve(tracks[3])
    assert label.onset <= curve.argmax() <= label.offset and curve.max() > 2 * curve[-3:].max()
    assert any(label.onset <= (i.apex or 0) <= label.offset for i in spotter.spot(tracks[3]))
