"""Regions of a face: which of them an action unit moves, and movements in words."""

from __future__ import annotations

import pytest

from microexpr.core.action_units import ACTION_UNITS, ActionUnit
from microexpr.core.events import Event, describe_action_units
from microexpr.core.facial_regions import (
    REGIONS,
    UNIT_MOTIONS,
    describe_motion,
    describe_units,
    unit_regions,
    unit_size,
)

STILL = dict.fromkeys(REGIONS, (0.0, 0.0))


def test_every_action_unit_moves_known_regions_on_each_side():
    assert list(UNIT_MOTIONS) == list(ACTION_UNITS)
    for number in ACTION_UNITS:
        both, right, left = (unit_regions(number, side) for side in ("", "R", "L"))
        assert both and set(both) == {*right, *left} <= {*REGIONS}
        assert not any("left" in name for name in right) and not any("right" in name for name in left)
    assert unit_regions(30, "") == ()


def test_every_action_unit_and_side_has_its_own_words():
    texts = {describe_units([ActionUnit(number, side)]) for number in ACTION_UNITS for side in ("", "L", "R")}
    assert len(texts) == 3 * 17 and all(text == text.strip() and "  " not in text for text in texts)


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        (ActionUnit(1, "", 0.9, 1.4), "both inner brows raised 1.4 px"),
        (ActionUnit(12, "L", 0.9, 2.0), "left lip corner pulled up 2.0 px"),
        (ActionUnit(4, "R", 0.9, 0.2), "right brow lowered (too little to measure: below 0.3 px)"),
        (ActionUnit(25, "", 0.9), "lips parted"),
        (ActionUnit(30, "L", 1.0), "left action unit 30"),
    ],
)
def test_action_units_in_words(unit, words):
    assert describe_units([unit]) == words


@pytest.mark.parametrize(
    ("moves", "words"),
    [
        ({}, "no region moved by 0.3 px, the least that can be measured"),
        ({"left inner brow": (0.1, -1.2)}, "left inner brow up 1.2 px"),
        ({"right corner": (-0.8, -0.6)}, "right lip corner up and outward 1.0 px"),
        ({"left corner": (-1.0, 0.0)}, "left lip corner inward 1.0 px"),
        ({"chin": (2.0, 0.0), "upper lip": (0.0, 0.5)}, "chin to the left 2.0 px, upper lip down 0.5 px"),
    ],
)
def test_regions_in_words(moves, words):
    assert describe_motion({**STILL, **moves}) == words


def test_the_size_of_an_action_unit_is_the_mean_over_its_regions():
    motion = {**STILL, "left corner": (3.0, -4.0), "right corner": (0.0, -1.0)}
    assert unit_size(12, "", motion) == 3.0 and unit_size(12, "L", motion) == 5.0
    assert unit_size(12, "", {}) is None and unit_size(30, "", motion) is None


def test_an_event_without_action_units_is_described_by_measurement_alone():
    event = Event("v", 1, 0, 5, 9, 0.0, 0.1, 0.2, "micro", 1.0, regions={"chin": (0.0, 1.0)})
    assert describe_action_units(event) == "chin down 1.0 px"
    assert describe_motion({}) == ""
