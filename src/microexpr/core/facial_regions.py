"""Seventeen regions of a face: which of them an action unit moves, and how a movement reads in words.

Left and right are those of the person; the right side of the person is the left side of the image. Directions of the
action units after Ekman, Friesen and Hager, Facial Action Coding System (2002).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .action_units import ActionUnit

SIDED = ("outer brow", "inner brow", "upper lid", "lower lid", "cheek", "nostril", "corner")
"""Regions that a face has twice."""

REGIONS = (*(f"{side} {name}" for name in SIDED for side in ("right", "left")), "upper lip", "lower lip", "chin")
"""Names of the regions."""

MEASURABLE = 0.3
"""Motion in pixels of a face 224 pixels wide below which it cannot be told from noise."""

MAX_DESCRIBED = 3
"""Regions that are named where no action unit is."""

Motion = Mapping[str, tuple[float, float]]
"""Region -> motion (x, y) in pixels of a face 224 pixels wide; x to the right of the image, y down."""


@dataclass(frozen=True)
class UnitMotion:
    """How an action unit moves a face.

    Attributes:
        regions: the regions that it moves; those of `SIDED` without a side.
        one: name of what moves on one side.
        both: name of what moves on both sides.
        verb: how it moves.
    """

    regions: tuple[str, ...]
    one: str
    both: str
    verb: str


UNIT_MOTIONS: dict[int, UnitMotion] = {
    1: UnitMotion(("inner brow",), "inner brow", "both inner brows", "raised"),
    2: UnitMotion(("outer brow",), "outer brow", "both outer brows", "raised"),
    4: UnitMotion(("inner brow",), "brow", "both brows", "lowered"),
    5: UnitMotion(("upper lid",), "upper lid", "both upper lids", "raised"),
    6: UnitMotion(("cheek",), "cheek", "both cheeks", "raised"),
    7: UnitMotion(("lower lid",), "lids", "lids of both eyes", "tightened"),
    9: UnitMotion(("nostril",), "side of the nose", "nose", "wrinkled"),
    10: UnitMotion(("upper lip",), "side of the upper lip", "upper lip", "raised"),
    12: UnitMotion(("corner",), "lip corner", "both lip corners", "pulled up"),
    14: UnitMotion(("corner",), "lip corner", "both lip corners", "dimpled"),
    15: UnitMotion(("corner",), "lip corner", "both lip corners", "lowered"),
    17: UnitMotion(("chin",), "side of the chin", "chin", "raised"),
    20: UnitMotion(("corner",), "lip corner", "both lip corners", "stretched"),
    24: UnitMotion(("upper lip", "lower lip"), "side of the lips", "lips", "pressed together"),
    25: UnitMotion(("lower lip",), "side of the lips", "lips", "parted"),
    26: UnitMotion(("chin",), "side of the jaw", "jaw", "dropped"),
    43: UnitMotion(("upper lid",), "eye", "both eyes", "closed"),
}
"""For every number of `ACTION_UNITS`."""


def unit_regions(number: int, side: str) -> tuple[str, ...]:
    """Return the regions that an action unit moves on a side ("", "L" or "R"); none for an unknown action unit."""
    motion = UNIT_MOTIONS.get(number)
    sides = {"L": ("left",), "R": ("right",)}.get(side, ("right", "left"))
    return tuple(
        region
        for name in (() if motion is None else motion.regions)
        for region in ([f"{side} {name}" for side in sides] if name in SIDED else [name])
    )


def unit_size(number: int, side: str, motion: Motion) -> float | None:
    """Return how far the regions of an action unit moved on average, in pixels; None where it was not measured."""
    lengths = [math.hypot(*motion[region]) for region in unit_regions(number, side) if region in motion]
    return sum(lengths) / len(lengths) if lengths else None


def format_pixels(pixels: float) -> str:
    """Write a size in pixels with one decimal; `< 0.3` where it is too little to measure."""
    return f"< {MEASURABLE}" if pixels < MEASURABLE else f"{pixels:.1f}"


def describe_units(units: Iterable[ActionUnit]) -> str:
    """Describe action units: `both inner brows raised 1.4 px, left lip corner pulled up 2.0 px`."""
    return ", ".join(_describe_unit(unit) for unit in units)


def _describe_unit(unit: ActionUnit) -> str:
    motion, side = UNIT_MOTIONS.get(unit.number), {"L": "left ", "R": "right "}.get(unit.side, "")
    text = f"{side}{unit.name}"
    if motion is not None:
        text = f"{side}{motion.one} {motion.verb}" if side else f"{motion.both} {motion.verb}"
    if unit.pixels is None:
        return text
    if unit.pixels < MEASURABLE:
        return f"{text} (too little to measure: below {MEASURABLE} px)"
    return f"{text} {unit.pixels:.1f} px"


def describe_motion(motion: Motion) -> str:
    """Describe the regions that moved most, without a claim about action units: `left inner brow up 1.2 px`."""
    if not motion:
        return ""
    moved = sorted(motion, key=lambda name: -math.hypot(*motion[name]))[:MAX_DESCRIBED]
    moved = [name for name in moved if math.hypot(*motion[name]) >= MEASURABLE]
    if not moved:
        return f"no region moved by {MEASURABLE} px, the least that can be measured"
    return ", ".join(_describe_region(name, *motion[name]) for name in moved)


def _describe_region(name: str, x: float, y: float) -> str:
    size = math.hypot(x, y)
    to_left, to_right = {
        "right": ("inward", "outward"),
        "left": ("outward", "inward"),
    }.get(name.partition(" ")[0], ("to the left", "to the right"))
    across = to_left if x > 0 else to_right  # the left of the person is the right of the image
    directions = [("up" if y < 0 else "down", abs(y)), (across, abs(x))]
    words = " and ".join(word for word, part in directions if part > 0.4 * size)
    noun = name.replace("corner", "lip corner")
    return f"{noun} {words} {size:.1f} px"
