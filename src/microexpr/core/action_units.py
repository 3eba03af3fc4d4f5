"""Action units: what a face did, by number, side, probability and size, and how sheets write them.

Numbers, names and sides after Ekman, Friesen and Hager, Facial Action Coding System (2002). Left and right are those of
the person; the right side of the person is the left side of the image.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

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
    over; T, B and H before a number (top, bottom, head) are taken as both sides.

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
        match = re.fullmatch(r"(?:AU)?([LRTBHU]?)(\d{1,2})([LR]?)[A-E]?\??", part, re.IGNORECASE)
        if match is None:
            raise UsageError(f"'{part}' in '{text}' is not an action unit; write them as 1+2+L4")
        side = (match[1] + match[3]).upper()
        found.append((int(match[2]), side if side in SIDES else ""))
    return tuple(found)


def format_action_units(units: Iterable[tuple[int, str]]) -> str:
    """Write action units as the sheet of CASME II does: `4+L10`."""
    return "+".join(f"{side}{number}" for number, side in units)
