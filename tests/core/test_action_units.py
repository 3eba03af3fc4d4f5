"""Action units: their names, and how sheets write them."""

from __future__ import annotations

import numpy as np
import pytest

from microexpr.core.action_units import (
    ACTION_UNITS,
    ActionUnit,
    face_probabilities,
    format_action_units,
    join_sides,
    parse_action_units,
    side_array,
    sides_shown,
    units_by_side,
)
from microexpr.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("", ()),
        ("4", ((4, ""),)),
        ("4+L10", ((4, ""), (10, "L"))),
        ("1, 2R ;L12", ((1, ""), (2, "R"), (12, "L"))),
        ("AU12A+25C?", ((12, ""), (25, ""))),
        ("T23+B26", ((23, ""), (26, ""))),
        ("R7+AD38+M58", ((7, "R"), (38, ""), (58, ""))),
    ],
)
def test_action_units_are_read_as_sheets_write_them(text, units):
    assert parse_action_units(text) == units


@pytest.mark.parametrize("text", ["smile", "4+?", "123", "LL4", "MM58"])
def test_what_is_no_action_unit_is_refused_by_name(text):
    with pytest.raises(UsageError, match="is not an action unit"):
        parse_action_units(text)


def test_formatting_and_reading_are_inverse():
    assert parse_action_units(format_action_units([(1, "L"), (12, ""), (4, "R")])) == ((1, "L"), (12, ""), (4, "R"))


def test_an_action_unit_knows_its_code_and_name():
    assert ActionUnit(12, "L").code == "L12"
    assert ActionUnit(1).name == "inner brow raiser"
    assert ActionUnit(30).name == "action unit 30"
    assert len(ACTION_UNITS) == 17


@pytest.mark.parametrize(
    ("number", "right", "left", "found"),
    [
        (12, 0.9, 0.7, [ActionUnit(12, "", 0.9)]),
        (12, 0.9, 0.6, [ActionUnit(12, "R", 0.9)]),
        (12, 0.48, 0.52, [ActionUnit(12, "", 0.52)]),
        (12, 0.9, 0.4, [ActionUnit(12, "R", 0.9)]),
        (12, 0.1, 0.5, [ActionUnit(12, "L", 0.5)]),
        (12, 0.4, 0.4, []),
        (25, 0.7, 0.5, [ActionUnit(25, "", 0.6)]),
        (25, 0.9, 0.05, []),
    ],
)
def test_sides_are_joined_where_they_are_about_equally_likely(number, right, left, found):
    probabilities = np.zeros((17, 2))
    probabilities[list(ACTION_UNITS).index(number)] = right, left
    units = units_by_side(probabilities)
    assert len(units) == 34 and units[0] == ActionUnit(1, "R", 0.0)
    assert [(u.code, round(u.probability, 9)) for u in join_sides(units, 0.5)] == [
        (u.code, u.probability) for u in found
    ]
    if number == 12:
        sides = {"": [True, True], "R": [True, False], "L": [False, True]}
        expected = sides[found[0].side] if found else [False, False]
        assert sides_shown(np.array([right, left]), 0.5).tolist() == expected


def test_sides_of_action_units_as_an_array():
    array = side_array(parse_action_units("1+R2+L2+L12+L17+38"))
    sides = {number: row for number, row in zip(ACTION_UNITS, array.tolist(), strict=True) if any(row)}
    assert sides == {1: [True, True], 2: [True, True], 12: [False, True], 17: [True, True]}
    assert not side_array([]).any()


def test_a_unit_is_on_the_face_as_much_as_on_its_clearer_side():
    probabilities = np.tile([0.2, 0.6], (3, len(ACTION_UNITS), 1))
    found = dict(zip(ACTION_UNITS, face_probabilities(probabilities)[1].tolist(), strict=True))
    assert found[12] == 0.6 and found[17] == pytest.approx(0.4)
    for number in (12, 17):  # one rule for scores and for what is called present
        row = probabilities[0]
        chosen = {unit.number for unit in join_sides(units_by_side(row), 0.5)}
        assert (number in chosen) == (found[number] >= 0.5)
