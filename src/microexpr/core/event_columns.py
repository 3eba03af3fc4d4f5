"""Action units and the motion of regions as columns of a table, which are the same for every table of events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .action_units import ACTION_UNITS, ActionUnit, format_action_units, parse_action_units
from .facial_regions import REGIONS, Motion

SIDE_NAMES = {"R": "right", "L": "left"}

LISTED_COLUMNS = {"": "probability", "_px": "pixels", "_share": "share"}
"""End of a column -> field of the action unit."""

PROBABILITY_COLUMNS = {
    f"au_{number}_{name}": f"{side}{number}" for number in ACTION_UNITS for side, name in SIDE_NAMES.items()
}
"""Column -> action unit on one side."""

REGION_COLUMNS = {
    f"{region.replace(' ', '_')}_{axis}": (region, i) for region in REGIONS for i, axis in enumerate("xy")
}
"""Column -> region, and index of the axis."""

UNIT_COLUMNS = (
    *(f"au_{number}{end}" for number in ACTION_UNITS for end in LISTED_COLUMNS),
    *PROBABILITY_COLUMNS,
    *REGION_COLUMNS,
)
"""Columns of numbers: `au_12` (probability of the listed action unit), `au_12_px`, `au_12_share` (its size),
`au_12_right`, `au_12_left` (probabilities from the recognizer), `right_corner_x`, `right_corner_y` (motion in
pixels)."""


def to_columns(units: Iterable[ActionUnit], probabilities: Mapping[str, float], regions: Motion) -> dict[str, Any]:
    """Return column -> value of an event; None where it has none.

    Args:
        units: the action units of the event.
        probabilities: action unit on one side -> probability.
        regions: region -> motion.
    """
    units = list(units)
    values: dict[str, Any] = {"action_units": format_action_units((unit.number, unit.side) for unit in units)}
    values |= dict.fromkeys(UNIT_COLUMNS)
    for unit in units:
        values |= {
            f"au_{unit.number}{end}": getattr(unit, name)
            for end, name in LISTED_COLUMNS.items()
            if unit.number in ACTION_UNITS
        }
    values |= {column: probabilities.get(code) for column, code in PROBABILITY_COLUMNS.items()}
    values |= {column: regions[name][i] for column, (name, i) in REGION_COLUMNS.items() if name in regions}
    return values


def from_columns(row: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the fields of an event that these columns hold; columns that are missing or empty hold nothing.

    Args:
        row: column -> text, as a file has them.

    Returns:
        `action_units`, `unit_probabilities` and `regions` with texts for numbers.

    Raises:
        UsageError: the text of the action units cannot be read.
    """
    units = [
        {"number": number, "side": side}
        | {name: row[f"au_{number}{end}"] for end, name in LISTED_COLUMNS.items() if row.get(f"au_{number}{end}")}
        for number, side in parse_action_units(row.get("action_units") or "")
    ]
    regions: dict[str, list[str]] = {}
    for column, (region, _) in REGION_COLUMNS.items():
        if text := row.get(column):
            regions.setdefault(region, []).append(text)
    probabilities = {code: row[column] for column, code in PROBABILITY_COLUMNS.items() if row.get(column)}
    return {"action_units": units, "unit_probabilities": probabilities, "regions": regions}
