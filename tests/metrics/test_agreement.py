"""Two coders: kappa over time and classes, and where they differ."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from microexpr.core.action_units import ActionUnit, parse_action_units
from microexpr.core.errors import DataError
from microexpr.core.events import Event
from microexpr.metrics.agreement import agreement, cohen_kappa

FRAMES = range(1000)


def coded(onset, offset, label="surprise", status="confirmed", coder="Ada", face=1) -> Event:
    apex = (onset + offset) // 2
    times = (onset / 100, apex / 100, offset / 100)
    return Event("v", face, onset, apex, offset, *times, "micro", 1.0, label=label, status=status, coder=coder)


def test_kappa_equals_values_computed_by_hand():
    """50 cases: .70 agree; by chance .5 x .6 + .5 x .4 = .50 would; (.70 - .50) / (1 - .50)."""
    assert cohen_kappa(np.array([[20, 5], [10, 15]])) == pytest.approx(0.4)


def test_kappa_equals_that_of_scikit_learn():
    draw = np.random.default_rng(0)
    first = draw.integers(0, 4, 300)
    second = np.where(draw.random(300) < 0.6, first, draw.integers(0, 4, 300))
    table = np.zeros((4, 4), int)
    np.add.at(table, (first, second), 1)
    assert cohen_kappa(table) == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)


@pytest.mark.parametrize(
    ("table", "kappa"), [([[0, 0], [0, 0]], None), ([[7, 0], [0, 0]], None), ([[5, 0], [0, 5]], 1)]
)
def test_kappa_is_none_without_decisions_or_with_one_class(table, kappa):
    assert cohen_kappa(np.array(table)) == kappa


def test_equal_coders_agree():
    events = [coded(100, 120), coded(300, 400, "negative"), coded(500, 510, status="rejected")]
    both = agreement(events, events, FRAMES)
    assert (both.time_kappa, both.class_kappa, both.matched, both.differences) == (1, 1, 2, ())
    assert (both.frames, both.onset_seconds) == (1000, 0)


def test_time_is_compared_frame_by_frame():
    both = agreement([coded(0, 99)], [coded(50, 149, coder="Bo")], FRAMES)
    inside = np.zeros((2, 1000), int)
    inside[0, :100] = inside[1, 50:150] = 1
    assert both.time_kappa == pytest.approx(cohen_kappa_score(*inside))
    assert (both.first, both.second, both.matched) == ("Ada", "Bo", 0)  # a third of overlap is not the same event
    assert [difference.what for difference in both.differences] == ["only first", "only second"]


def test_differences_are_listed_by_time():
    first = [coded(10, 40), coded(200, 230, "negative"), coded(600, 620)]
    second = [coded(12, 41), coded(202, 231, "positive"), coded(600, 620, status="rejected"), coded(50, 60)]
    both = agreement(first, second, FRAMES)
    assert [(d.what, (d.first or d.second).onset) for d in both.differences] == [
        ("only second", 50),
        ("class", 200),
        ("only first", 600),
    ]
    assert both.matched == 2 and both.onset_seconds == pytest.approx(0.02)


def test_faces_are_compared_separately():
    both = agreement([coded(10, 40, face=1)], [coded(10, 40, face=2)], FRAMES)
    assert both.matched == 0 and both.frames == 2000 and both.time_kappa < 0


def test_unreviewed_events_are_left_out_and_counted():
    mixed = [coded(10, 40), coded(100, 130, status="found", coder="")]
    both = agreement(mixed, [coded(10, 40)], FRAMES)
    assert both.unreviewed == (1, 0) and both.matched == 1 and both.time_kappa == 1


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([coded(10, 40, status="found")], "has not reviewed any of the 1 events"),
        ([coded(990, 1000)], "does not lie in this recording .frames 0 to 999"),
        ([coded(40, 10)], "frames 40 to 10 does not lie"),
    ],
)
def test_events_outside_the_recording_are_errors(events, message):
    with pytest.raises(DataError, match=message):
        agreement([coded(10, 40)], events, FRAMES)


def test_frame_numbers_and_seconds_of_an_event_are_the_same_moments():
    """At 50 frames per second; seconds are rounded, and a frame more or less is no contradiction."""
    times = np.arange(100) / 50
    mine = replace(coded(10, 20), start=0.2, end=0.4)
    for start, end in ((0.2, 0.4), (0.201, 0.399), (0.22, 0.42)):
        second = replace(coded(10, 20, coder="Bo"), start=start, end=end)
        assert agreement([mine], [second], range(100), times=times).time_kappa == 1
    for wrong, message in (
        ({"start": 0.3, "end": 0.4}, r"onset 10 is at 0\.200 s, but start says 0\.300 s"),
        ({"start": 0.2, "end": 4.0}, r"offset 20 is at 0\.400 s, but end says 4\.000 s"),
    ):
        with pytest.raises(DataError, match="the second coder's event at frames 10 to 20: " + message):
            agreement([mine], [replace(coded(10, 20, coder="Bo"), **wrong)], range(100), times=times)


def coded_units(start: int, codes: str) -> Event:
    units = tuple(ActionUnit(*unit) for unit in parse_action_units(codes))
    return replace(coded(start, start + 30), action_units=units)


def test_agreement_on_action_units_over_the_matched_events():
    """Four pairs; unit 1: both, both, first, none; the ratio is 2 x 3 / (5 + 4)."""
    first = [coded_units(100 * i, codes) for i, codes in enumerate(("1", "L1+4", "1", "12"))]
    second = [coded_units(100 * i, codes) for i, codes in enumerate(("1", "1+4", "", "15"))]
    both = agreement(first, second, FRAMES)
    assert both.unit_ratio == pytest.approx(6 / 9) and [u.number for u in both.units] == [1, 4, 12, 15]
    one = both.units[0]
    assert (one.first, one.second, one.both, one.same_side, one.kappa) == (3, 2, 2, 1, pytest.approx(0.5))
    assert [d.what for d in both.differences] == ["action units"] * 3


def test_action_units_are_not_compared_where_a_coder_has_none():
    both = agreement([coded_units(10, "1")], [coded(10, 40)], FRAMES)
    assert (both.unit_ratio, both.units, both.differences) == (None, (), ())
