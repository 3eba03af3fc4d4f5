"""Action units as moves of landmarks, and which action units belong to an emotion or an objective class.

Landmarks are the 68 points in common use, and five more on cheeks and forehead (68, 69: cheeks; 70 to 72: forehead).
Left and right are those of the person, as in FACS; the right side of the person is the left side of the image.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

Unit = tuple[int, str]
"""Number of the action unit, and its side: "" for both, "L" or "R"."""

N_POINTS = 73

# Action unit -> point of the person's right side -> (outward, down), as fractions of the largest move; the left side
# mirrors it. Directions after Ekman, Friesen and Hager, Facial Action Coding System (2002).
_RIGHT: dict[int, dict[int, tuple[float, float]]] = {
    1: {21: (0, -1), 20: (0, -0.8), 19: (0, -0.3), 70: (0, -0.4), 71: (0, -0.5)},
    2: {17: (0, -0.8), 18: (0, -1), 19: (0, -0.8), 70: (0, -0.4)},
    4: {21: (-0.6, 0.8), 20: (-0.4, 0.8), 19: (-0.2, 0.5), 18: (0, 0.3), 70: (0, 0.2), 71: (0, 0.3)},
    5: {37: (0, -1), 38: (0, -1)},
    6: {40: (0, -0.7), 41: (0, -0.7), 68: (0, -1)},
    7: {37: (0, 0.4), 38: (0, 0.4), 40: (0, -1), 41: (0, -1)},
    9: {31: (0.1, -0.8), 32: (0, -0.8), 30: (0, -0.5), 33: (0, -0.5), 21: (0, 0.4), 50: (0, -0.5), 51: (0, -0.5)},
    10: {49: (0, -0.9), 50: (0, -1), 51: (0, -0.8), 61: (0, -0.8), 62: (0, -0.6), 31: (0, -0.3)},
    12: {48: (0.8, -0.6), 60: (0.6, -0.5), 49: (0.4, -0.3), 59: (0.4, -0.2), 68: (0.1, -0.4)},
    14: {48: (-1, 0), 60: (-0.8, 0), 49: (-0.3, 0), 59: (-0.3, 0)},
    15: {48: (0.1, 1), 60: (0.1, 0.8), 59: (0, 0.5), 49: (0, 0.3)},
    17: {8: (0, -0.8), 7: (0, -0.4), 57: (0, -1), 58: (0, -0.8), 66: (0, -0.6), 67: (0, -0.6), 59: (0, -0.4)},
    20: {48: (1, 0.2), 60: (0.8, 0.1), 49: (0.5, 0), 59: (0.5, 0.1)},
    23: {51: (0, 0.6), 50: (0, 0.6), 57: (0, -0.7), 58: (0, -0.7), 48: (-0.4, 0), 60: (-0.3, 0)},
    24: {51: (0, 0.8), 50: (0, 0.8), 57: (0, -1), 58: (0, -0.9)},
    25: {57: (0, 1), 58: (0, 0.9), 66: (0, 1), 67: (0, 0.9), 59: (0, 0.5), 8: (0, 0.3)},
    26: {57: (0, 1), 58: (0, 1), 66: (0, 1), 67: (0, 1), 59: (0, 0.6), 8: (0, 1), 7: (0, 0.9), 6: (0, 0.5)},
    45: {37: (0, 1), 38: (0, 1), 40: (0, -0.15), 41: (0, -0.15)},
}
KNOWN = tuple(_RIGHT)

_MIRROR = {i: 16 - i for i in range(17)} | {i: 43 - i for i in range(17, 27)} | {i: i for i in (27, 28, 29, 30, 33)}
# fmt: off
_PAIRS = (
    (31, 35), (32, 34), (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46),
    (48, 54), (49, 53), (50, 52), (58, 56), (59, 55), (60, 64), (61, 63), (67, 65),
    (68, 69), (70, 72), (51, 51), (57, 57), (62, 62), (66, 66), (71, 71),
)
# fmt: on
_MIRROR |= dict(_PAIRS) | {b: a for a, b in _PAIRS}
MIRROR = np.array([_MIRROR[i] for i in range(N_POINTS)])
"""The point on the other side, for each point."""

# Objective class -> sets of action units that have this class by Table 9 of Merghani, Davison and Yap 2018
# (arXiv 1805.02397); the sets of class VII are not in the table, as everything else is of that class.
_UNITS_OF_CLASS: dict[str, tuple[tuple[int, ...], ...]] = {
    "I": ((12,), (6, 12), (6, 7, 12), (7, 12)),
    "II": ((1, 2), (5,), (25,), (1, 2, 25), (25, 26)),
    "III": ((4,), (4, 7), (23,), (4, 5)),
    "IV": ((4, 9), (4, 10), (9,), (10,), (4, 7, 9)),
    "V": ((15,), (1,), (15, 17), (1, 4)),
    "VI": ((20,), (1, 2, 4)),
    "VII": ((14,), (17,), (7,), (24,), (2,)),
}
_CLASSES_OF_EMOTION: dict[str, tuple[str, ...]] = {
    "happiness": ("I",),
    "positive": ("I",),
    "surprise": ("II",),
    "anger": ("III",),
    "others": ("III", "VII"),
    "other": ("III", "VII"),
    "disgust": ("IV",),
    "sadness": ("V",),
    "fear": ("VI",),
    "negative": ("III", "IV", "V"),
    "repression": ("VII",),
    "contempt": ("VII",),
}
_ONE_SIDED = frozenset({1, 2, 4, 6, 7, 10, 12, 14, 15})


def landmark_moves(units: Iterable[Unit]) -> np.ndarray:
    """Moves of the landmarks that show these action units, as fractions of the largest move.

    Returns:
        (73, 2) moves in x and y; the largest has length 1.

    Raises:
        ValueError: an action unit or a side that is not known, or no action unit.
    """
    moves = np.zeros((N_POINTS, 2))
    for unit, side in units:
        if unit not in _RIGHT:
            raise ValueError(f"action unit {unit} cannot be shown; known: {', '.join(map(str, KNOWN))}")
        if side not in ("", "L", "R"):
            raise ValueError(f"side '{side}' of action unit {unit}: use '', 'L' or 'R'")
        for point, (outward, down) in _RIGHT[unit].items():
            if side != "L":
                moves[point] += (-outward, down)
            if side != "R" and MIRROR[point] != point:
                moves[MIRROR[point]] += (outward, down)
            elif side == "L":
                moves[point] += (outward, down)
    longest = float(np.linalg.norm(moves, axis=1).max())
    if longest == 0:
        raise ValueError("a face that moves needs at least one action unit")
    return moves / longest


def objective_classes(emotion: str) -> tuple[str, ...]:
    """The objective classes (I to VII) that show an emotion, whatever its case.

    Raises:
        ValueError: the emotion is not known.
    """
    classes = _CLASSES_OF_EMOTION.get(emotion.lower())
    if classes is None:
        raise ValueError(f"emotion '{emotion}' cannot be shown; known: {', '.join(_CLASSES_OF_EMOTION)}")
    return classes


def draw_action_units(objective: str | None, emotion: str | None, rng: np.random.Generator) -> tuple[Unit, ...]:
    """Draw action units that show an objective class (I to VII), or else an emotion.

    About a quarter of the sets are shown on one side of the face only.

    Raises:
        ValueError: the objective class or the emotion is not known.
    """
    if objective is None:
        objective = str(rng.choice(objective_classes(emotion or "")))
    if objective not in _UNITS_OF_CLASS:
        raise ValueError(f"objective class '{objective}' cannot be shown; known: {', '.join(_UNITS_OF_CLASS)}")
    sets = _UNITS_OF_CLASS[objective]
    return draw_side(sets[int(rng.integers(len(sets)))], rng)


def draw_side(numbers: Iterable[int], rng: np.random.Generator) -> tuple[Unit, ...]:
    """Draw on which side of the face action units are shown: three of ten sets are on one side only."""
    side = str(rng.choice(["L", "R"])) if rng.random() < 0.3 else ""
    return tuple((number, side if number in _ONE_SIDED else "") for number in numbers)
