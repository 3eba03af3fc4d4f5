"""Action units: what a face did, by number, side, probability and size, and how sheets write them.

Numbers, names and sides after Ekman, Friesen and Hager, Facial Action Coding System (2002). Left and right are those of
the person; the right side of the person is the left side of the image.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .errors import UsageError

ACTION_UNITS: dict[int, str] = {
    1: "inner brow raiser",
    2: "outer brow raiser",
    4: "brow lowerer",
    5: "upper lid raiser",
    6: "cheek raiser",
    7: "lid tightener",
    9: "nose wrinkler",
    10: "upper lip raiser",
    12: "lip corner puller",
    14: "dimpler",
    15: "lip corner depressor",
    17: "chin raiser",
    20: "lip stretcher",
    24: "lip pressor",
    25: "lips part",
    26: "jaw drop",
    43: "eyes closed",
}
"""Number -> name of the action units that the package tells apart; every array of action units has this order."""

SIDES = ("", "L", "R")
"""Both sides, left only, right only, as FACS writes them before a number."""

MIDLINE = frozenset({17, 24, 25, 26})
"""Action units in the middle of the face, which have no sides."""

EQUAL_SIDES = 0.75
"""Share of the probability of the likelier side from which on an action unit is on the other side, too."""


@dataclass(frozen=True)
class ActionUnit:
    """An action unit in an event.

    Attributes:
        number: of FACS, e.g. 12.
        side: "" for both sides, "L" or "R" for the person's left or right side only.
        probability: 0 to 1; 1 where a coder set it.
        pixels: how far the skin moved, in pixels of a face 224 pixels wide; None where it was not measured.
        share: the same as a share of the distance between the pupils; None where it was not measured.
    """

    number: int
    side: str = ""
    probability: float = 1.0
    pixels: float | None = None
    share: float | None = None

    @property
    def code(self) -> str:
        """As FACS writes it: `12`, `L12`, `R4`."""
        return f"{self.side}{self.number}"

    @property
    def name(self) -> str:
        """Its name; `action unit 30` where the package does not know one."""
        return ACTION_UNITS.get(self.number, f"action unit {self.number}")


def parse_action_units(text: str) -> tuple[tuple[int, str], ...]:
    """Read action units as sheets write them.

    Both `1+2+L4` and `1, 2, 4L` are read; letters A to E behind a number (its strength) and question marks are passed
    over; T, B and H before a number (top, bottom, head) are taken as both sides. `AD38` (an action descriptor) and
    `M58` (a movement of the head) are read as 38 and 58.

    Args:
        text: e.g. `4+L10`; an empty text has none.

    Returns:
        (number, side) in the order of the text; side is "", "L" or "R".

    Raises:
        UsageError: a part is not an action unit.
    """
    found = []
    for part in re.split(r"[+,;&\s]+", text.strip()):
        if not part:
            continue
        match = re.fullmatch(r"(?:AU|AD|M)?([LRTBHU]?)(\d{1,2})([LR]?)[A-E]?\??", part, re.IGNORECASE)
        if match is None:
            raise UsageError(f"'{part}' in '{text}' is not an action unit; write them as 1+2+L4")
        side = (match[1] + match[3]).upper()
        found.append((int(match[2]), side if side in SIDES else ""))
    return tuple(found)


def format_action_units(units: Iterable[tuple[int, str]]) -> str:
    """Write action units as the sheet of CASME II does: `4+L10`."""
    return "+".join(f"{side}{number}" for number, side in units)


def mirrored_action_units(text: str) -> str:
    """Action units of a mirror image: left and right are swapped, as in `4+L10`, `4+R10`.

    Raises:
        UsageError: as `parse_action_units`.
    """
    other = {"": "", "L": "R", "R": "L"}
    return format_action_units((number, other[side]) for number, side in parse_action_units(text))


def are_action_units(names: Sequence[str]) -> bool:
    """Whether all names are numbers of `ACTION_UNITS`, as the classes of a multilabel protocol are."""
    return all(name.isdecimal() and int(name) in ACTION_UNITS for name in names)


def side_array(units: Iterable[tuple[int, str]]) -> np.ndarray:
    """Return the sides of action units as an array.

    Args:
        units: (number, side), as `parse_action_units` returns them; numbers that `ACTION_UNITS` lacks are left out.

    Returns:
        (17, 2) bool, in the order of `ACTION_UNITS`: on the person's right side, on the left side. Units of both sides
        and those in the middle of the face (`MIDLINE`) are on both.
    """
    numbers, found = list(ACTION_UNITS), np.zeros((len(ACTION_UNITS), 2), bool)
    for number, side in units:
        if number in ACTION_UNITS:
            both = number in MIDLINE or not side
            found[numbers.index(number)] |= (both or side == "R", both or side == "L")
    return found


def face_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """Return the probability that an action unit is anywhere on the face, as `join_sides` decides it.

    Args:
        probabilities: (..., 17, 2), 0 to 1, by side.

    Returns:
        (..., 17): the larger one of the two sides; their mean for action units in the middle of the face.
    """
    midline = [number in MIDLINE for number in ACTION_UNITS]
    return np.where(midline, probabilities.mean(axis=-1), probabilities.max(axis=-1))


def sides_shown(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Return on which sides of the face action units are, as `join_sides` decides it.

    Args:
        probabilities: (..., 2), 0 to 1, of the person's right and left side.
        threshold: smallest probability, 0 to 1, of the likelier side.

    Returns:
        (..., 2) bool.
    """
    likelier = probabilities.max(axis=-1, keepdims=True)
    return np.asarray((likelier >= threshold) & (probabilities >= EQUAL_SIDES * likelier))


def units_by_side(probabilities: np.ndarray) -> tuple[ActionUnit, ...]:
    """Return the action units on each side of a face with the probabilities of a recognizer.

    Args:
        probabilities: (17, 2), 0 to 1, in the order of `ACTION_UNITS`; the person's right and left side.

    Returns:
        34 action units: R1, L1, R2, ...
    """
    return tuple(
        ActionUnit(number, side, float(probability))
        for number, row in zip(ACTION_UNITS, probabilities, strict=True)
        for side, probability in zip("RL", row, strict=True)
    )


def join_sides(units: Iterable[ActionUnit], threshold: float) -> tuple[ActionUnit, ...]:
    """Choose the action units that moved, and join their sides.

    An action unit is there if the likelier side reaches the threshold, which is its probability. It is on both sides
    unless the other side is clearly less likely (`EQUAL_SIDES`). An action unit in the middle of the face (`MIDLINE`)
    has no sides; its probability is the mean.

    Args:
        units: action units on one side each, as `units_by_side` returns them.
        threshold: smallest probability, 0 to 1.

    Returns:
        In the order of their numbers.
    """
    sides: dict[int, dict[str, float]] = {}
    for unit in units:
        sides.setdefault(unit.number, {})[unit.side] = unit.probability
    joined = []
    for number, values in sorted(sides.items()):
        if number in MIDLINE:
            values = {"": sum(values.values()) / len(values)}
        largest = max(values.values())
        if largest >= threshold:
            found = [side for side, value in values.items() if value >= EQUAL_SIDES * largest]
            joined.append(ActionUnit(number, found[0] if len(found) == 1 else "", largest))
    return tuple(joined)
