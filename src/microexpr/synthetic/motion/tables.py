"""What action units move: anchors on a face, the movement of each action unit there, and which of them make a class.

Lengths are in distances between the centers of both eyes; `outward` is away from the middle of the face, `down` is
towards the chin. Directions after Ekman, Friesen and Hager, Facial Action Coding System (2002); where the skin moves
and how widely was set by hand. Nothing here was learned from a recording.
"""

from __future__ import annotations

from typing import NamedTuple

from ...core.classes import COARSE_CLASSES


class Anchor(NamedTuple):
    """A point of the face: the mean of some of the 68 landmarks of the person's right side, and a shift.

    Attributes:
        landmarks: indices of landmarks; those of the left side mirror them.
        outward: shift away from the middle of the face, in eye distances.
        down: shift towards the chin, in eye distances.
        middle: whether the point lies in the middle of the face, so that there is only one.
    """

    landmarks: tuple[int, ...]
    outward: float = 0.0
    down: float = 0.0
    middle: bool = False


ANCHORS: dict[str, Anchor] = {
    "inner brow": Anchor((20, 21)),
    "middle brow": Anchor((19,)),
    "outer brow": Anchor((17, 18)),
    "inner forehead": Anchor((20, 21), 0, -0.23),
    "outer forehead": Anchor((18, 19), 0, -0.21),
    "upper lid": Anchor((37, 38), 0, -0.03),
    "inner upper lid": Anchor((38, 39), 0, -0.03),
    "outer upper lid": Anchor((36, 37), 0, -0.03),
    "lower lid": Anchor((40, 41), 0, 0.05),
    "eye corner": Anchor((36,), 0.05, 0),
    "eye": Anchor((36, 37, 38, 39, 40, 41)),
    "nose wing": Anchor((31,), -0.01, -0.03),
    "cheek": Anchor((41, 48), 0.05, -0.11),
    "nasolabial fold": Anchor((31, 48), 0.05, -0.02),
    "infraorbital triangle": Anchor((31, 41), 0.03, 0.1),
    "mouth corner": Anchor((48,), 0.01, 0),
    "upper lip": Anchor((49, 50), 0, -0.03),
    "lower lip": Anchor((58, 59), 0, 0.03),
    "jaw": Anchor((5, 6), -0.07, -0.09),
    "glabella": Anchor((27,), 0, -0.11, middle=True),
    "forehead": Anchor((27,), 0, -0.38, middle=True),
    "bridge": Anchor((28,), middle=True),
    "nose tip": Anchor((30,), middle=True),
    "upper lip middle": Anchor((51, 62), 0, -0.02, middle=True),
    "lower lip middle": Anchor((57, 66), 0, 0.02, middle=True),
    "chin": Anchor((8,), 0, -0.2, middle=True),
    # Shifts measured with the face mesh on the two public-domain portraits of `person.py`; its point in brackets.
    "below the eye": Anchor((40, 41), 0.10, 0.20),  # 119
    "temple": Anchor((36,), 0.16, 0.05),  # 35
    "outer cheek": Anchor((36, 48), 0.25, 0.18),  # 187
    "beside the mouth": Anchor((48,), 0.16, 0.02),  # 212
    "below the mouth corner": Anchor((48,), 0.08, 0.15),  # 202
    "mentolabial fold": Anchor((57, 8), 0, -0.04, middle=True),  # 200
    "side of the nose": Anchor((27, 39), 0, 0.17),  # 188
    "lid fold": Anchor((36,), 0.04, -0.12),  # 225
    "upper forehead": Anchor((19,), 0.06, -0.12),  # 104
}
"""Name -> anchor."""

MESH_ANCHORS = tuple(list(ANCHORS)[list(ANCHORS).index("below the eye") :])
"""The anchors that the face mesh adds to those of the 68 landmarks."""


class Term(NamedTuple):
    """A part of an action unit: a Gaussian of displacement around an anchor.

    Attributes:
        anchor: name of the anchor.
        outward: movement away from the middle of the face, relative to the other terms.
        down: movement towards the chin.
        width: standard deviation across the face, in eye distances.
        height: standard deviation along the face.
    """

    anchor: str
    outward: float
    down: float
    width: float
    height: float


FIELDS: dict[int, tuple[Term, ...]] = {
    1: (
        Term("inner brow", 0, -1, 0.15, 0.16),
        Term("inner forehead", 0, -0.6, 0.19, 0.21),
        Term("inner upper lid", 0, -0.3, 0.13, 0.1),
        Term("forehead", 0, -0.4, 0.16, 0.2),
    ),
    2: (
        Term("outer brow", 0, -1, 0.17, 0.16),
        Term("middle brow", 0, -0.7, 0.15, 0.15),
        Term("outer forehead", 0, -0.5, 0.19, 0.2),
        Term("outer upper lid", 0, -0.35, 0.13, 0.1),
        Term("upper forehead", 0, -0.3, 0.19, 0.16),
        Term("lid fold", 0, -0.35, 0.12, 0.09),
    ),
    4: (
        Term("inner brow", -0.7, 0.9, 0.16, 0.15),
        Term("middle brow", -0.35, 0.75, 0.17, 0.14),
        Term("outer brow", -0.25, 0.5, 0.18, 0.14),
        Term("glabella", 0, 0.6, 0.13, 0.17),
        Term("upper lid", 0, 0.4, 0.16, 0.1),
        Term("inner forehead", -0.25, 0.6, 0.18, 0.2),
        Term("outer forehead", -0.2, 0.5, 0.2, 0.22),
        Term("lid fold", -0.1, 0.3, 0.12, 0.09),
    ),
    5: (
        Term("upper lid", 0, -1, 0.16, 0.1),
        Term("middle brow", 0, -0.2, 0.16, 0.13),
    ),
    6: (
        Term("cheek", 0.1, -1, 0.19, 0.16),
        Term("below the eye", 0, -0.5, 0.16, 0.12),
        Term("lower lid", 0, -0.35, 0.16, 0.1),
        Term("eye corner", -0.3, 0.15, 0.11, 0.12),
        Term("temple", -0.15, 0, 0.12, 0.14),
        Term("outer cheek", 0.25, -0.6, 0.19, 0.18),
    ),
    7: (
        Term("lower lid", 0, -0.8, 0.16, 0.09),
        Term("upper lid", 0, 0.5, 0.16, 0.09),
        Term("below the eye", 0, -0.2, 0.16, 0.1),
    ),
    9: (
        Term("inner brow", -0.4, 0.8, 0.14, 0.13),
        Term("glabella", 0, 0.8, 0.12, 0.15),
        Term("nose wing", 0.1, -0.7, 0.12, 0.14),
        Term("side of the nose", 0, -0.6, 0.1, 0.13),
        Term("bridge", 0, -0.4, 0.11, 0.16),
        Term("upper lip", 0.05, -0.4, 0.13, 0.12),
        Term("below the eye", -0.1, -0.35, 0.15, 0.11),
        Term("lower lid", 0, -0.3, 0.14, 0.09),
    ),
    10: (
        Term("infraorbital triangle", 0.4, -1, 0.12, 0.19),
        Term("nasolabial fold", 0.4, -0.8, 0.13, 0.17),
        Term("upper lip", 0.15, -0.6, 0.14, 0.12),
        Term("nose wing", 0.1, -0.5, 0.11, 0.13),
        Term("below the eye", 0.1, -0.4, 0.15, 0.12),
        Term("upper lip middle", 0, -0.25, 0.12, 0.11),
    ),
    12: (
        Term("mouth corner", 0.8, -0.8, 0.14, 0.17),
        Term("nasolabial fold", 0.5, -1, 0.14, 0.19),
        Term("cheek", 0.3, -0.6, 0.19, 0.16),
        Term("lower lip", 0.35, -0.2, 0.13, 0.11),
        Term("upper lip", 0.25, -0.3, 0.13, 0.11),
        Term("lower lid", 0, -0.2, 0.15, 0.09),
        Term("outer cheek", 0.7, -0.45, 0.2, 0.19),
        Term("beside the mouth", 0.7, -0.55, 0.16, 0.19),
        Term("below the mouth corner", 0.35, -0.3, 0.14, 0.14),
        Term("jaw", 0.4, -0.2, 0.2, 0.2),
    ),
    14: (
        Term("mouth corner", 0.7, -0.2, 0.13, 0.15),
        Term("beside the mouth", 0.5, 0, 0.14, 0.15),
        Term("nasolabial fold", 0.4, -0.15, 0.14, 0.18),
        Term("lower lip", 0.35, -0.2, 0.12, 0.12),
        Term("below the mouth corner", 0.2, -0.45, 0.13, 0.13),
        Term("outer cheek", 0.35, 0.05, 0.18, 0.17),
    ),
    15: (
        Term("mouth corner", 0.35, 1, 0.13, 0.16),
        Term("beside the mouth", 0.5, 0.6, 0.14, 0.15),
        Term("lower lip", 0.1, 0.5, 0.12, 0.12),
        Term("nasolabial fold", 0.2, 0.5, 0.13, 0.18),
        Term("below the mouth corner", 0.1, 0.4, 0.13, 0.12),
        Term("outer cheek", 0.35, 0.2, 0.18, 0.17),
    ),
    17: (
        Term("chin", 0, -1, 0.19, 0.17),
        Term("lower lip middle", 0, -0.9, 0.18, 0.12),
        Term("lower lip", 0, -0.5, 0.12, 0.12),
        Term("mouth corner", 0, 0.3, 0.11, 0.12),
        Term("upper lip middle", 0, -0.25, 0.14, 0.1),
        Term("mentolabial fold", 0, -0.6, 0.18, 0.12),
    ),
    20: (
        Term("mouth corner", 1, 0.25, 0.14, 0.14),
        Term("lower lip", 0.6, 0.2, 0.12, 0.12),
        Term("nasolabial fold", 0.4, 0.1, 0.14, 0.18),
        Term("beside the mouth", 0.6, 0.2, 0.13, 0.13),
    ),
    24: (
        Term("upper lip middle", 0, 0.6, 0.16, 0.1),
        Term("lower lip middle", 0, -0.8, 0.16, 0.1),
        Term("mouth corner", -0.5, 0, 0.11, 0.12),
        Term("mentolabial fold", 0, -0.3, 0.16, 0.1),
    ),
    25: (
        Term("lower lip middle", 0, 1, 0.18, 0.12),
        Term("upper lip middle", 0, -0.2, 0.15, 0.1),
        Term("chin", 0, 0.4, 0.19, 0.16),
        Term("mentolabial fold", 0, 0.5, 0.18, 0.12),
    ),
    26: (
        Term("lower lip middle", 0, 1, 0.19, 0.14),
        Term("chin", 0, 1, 0.24, 0.21),
        Term("jaw", 0, 0.5, 0.19, 0.25),
        Term("mouth corner", -0.1, 0.4, 0.12, 0.13),
        Term("mentolabial fold", 0, 0.6, 0.19, 0.14),
    ),
    43: (
        Term("upper lid", 0, 1, 0.16, 0.1),
        Term("lower lid", 0, -0.15, 0.15, 0.09),
    ),
}
"""Action unit -> its terms, in the order of `core.action_units.ACTION_UNITS`."""


class UnitSet(NamedTuple):
    """Action units that occur together, and how often.

    Attributes:
        weight: share of the fields of its class; the weights of a class are normalized.
        units: the action units.
        one_sided: probability, 0 to 1, that they are one-sided: those of the lower face, as far as there are any, since
            each side of it is moved by the opposite half of the brain, brows and lids by both.
    """

    weight: float
    units: tuple[int, ...]
    one_sided: float = 0.0


CLASSES = COARSE_CLASSES
"""The classes that are drawn."""

CLASS_SETS: dict[str, tuple[UnitSet, ...]] = {
    "negative": (
        UnitSet(0.2, (4,), 0.16),
        UnitSet(0.17, (4, 7), 0.1),
        UnitSet(0.05, (7,), 0.3),
        UnitSet(0.04, (4, 9)),
        UnitSet(0.04, (9,)),
        UnitSet(0.04, (10,), 0.7),
        UnitSet(0.03, (4, 10), 0.7),
        UnitSet(0.02, (4, 7, 10), 0.6),
        UnitSet(0.02, (4, 9, 10), 0.2),
        UnitSet(0.02, (4, 7, 9)),
        UnitSet(0.09, (14,), 0.7),
        UnitSet(0.04, (15,), 0.3),
        UnitSet(0.06, (17,)),
        UnitSet(0.03, (15, 17)),
        UnitSet(0.03, (14, 17)),
        UnitSet(0.03, (24,)),
        UnitSet(0.03, (20,), 0.2),
        UnitSet(0.03, (1, 4)),
        UnitSet(0.02, (4, 5)),
        UnitSet(0.03, (4, 17)),
        UnitSet(0.03, (4, 15)),
        UnitSet(0.02, (4, 6, 7)),
        UnitSet(0.02, (7, 43)),
        UnitSet(0.02, (1,), 0.2),
        UnitSet(0.02, (4, 43)),
        UnitSet(0.02, (12, 14, 17)),
    ),
    "positive": (
        UnitSet(0.42, (12,), 0.4),
        UnitSet(0.24, (6, 12), 0.2),
        UnitSet(0.08, (12, 25), 0.1),
        UnitSet(0.06, (6, 7, 12)),
        UnitSet(0.06, (7, 12), 0.1),
        UnitSet(0.05, (12, 14), 0.4),
        UnitSet(0.04, (10, 12), 0.2),
        UnitSet(0.05, (6, 12, 25)),
    ),
    "surprise": (
        UnitSet(0.46, (1, 2), 0.12),
        UnitSet(0.14, (1, 2, 5)),
        UnitSet(0.08, (1, 2, 25)),
        UnitSet(0.06, (1, 2, 26)),
        UnitSet(0.05, (1, 2, 5, 26)),
        UnitSet(0.07, (5,)),
        UnitSet(0.04, (2,), 0.6),
        UnitSet(0.05, (25, 26)),
        UnitSet(0.05, (25,)),
    ),
}
"""Class -> the sets of action units that show it, after FACS and the labels that data sets give them."""

ONE_SIDED = frozenset({1, 2, 4, 6, 7, 10, 12, 14, 15, 20})
"""Action units that a face can show on one side."""

BROWS_AND_LIDS = frozenset({1, 2, 4, 7})
"""Those of them that stay on both sides where the lower face is one-sided."""
