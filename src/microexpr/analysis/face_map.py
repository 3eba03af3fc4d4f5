"""A drawing of a face with the motion of its regions as arrows, colored by action unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup, escape

from ..core.events import Event, describe_action_units
from ..core.facial_regions import MEASURABLE, SIDED, Motion, unit_regions

WIDTH, HEIGHT, MIDDLE = 200, 232, 100

MAX_SCALE, MAX_ARROW = 12.0, 38.0
"""Units of the drawing for one pixel of motion, and for the longest arrow, which scales down all arrows of an event."""

COLORS = 6
"""Colors of action units, classes `au-0` to `au-5` of the style sheet."""

HEAD_LENGTH = 5.0

OUTLINE = (
    "M30 100C30 44 62 14 100 14S170 44 170 100C170 164 136 218 100 218S30 164 30 100Z",  # head
    "M96 100Q93 122 86 132Q84 142 100 143Q116 142 114 132Q107 122 104 100",  # nose
    "M70 172Q88 160 100 165Q112 160 130 172Q100 192 70 172ZM70 172Q100 176 130 172",  # mouth
)
RIGHT_OUTLINE = ("M42 82Q60 66 86 77", "M50 100Q66 86 82 101Q66 109 50 100Z")
"""Brow and eye of the person's right side; the left side mirrors them."""

# Region -> middle x, y, and half width and height of the area; the person's right side, which the left side mirrors.
_AREAS: dict[str, tuple[float, float, float, float]] = {
    "outer brow": (51, 74, 14, 8),
    "inner brow": (78, 73, 13, 8),
    "upper lid": (66, 91, 14, 5),
    "lower lid": (66, 107, 14, 5),
    "cheek": (52, 136, 15, 13),
    "nostril": (86, 135, 8, 8),
    "corner": (70, 172, 9, 9),
    "upper lip": (100, 163, 17, 6),
    "lower lip": (100, 183, 17, 6),
    "chin": (100, 204, 18, 8),
}


@dataclass(frozen=True)
class Area:
    """Where a region lies in the drawing: its middle, half its width, half its height."""

    x: float
    y: float
    width: float
    height: float


def area(region: str) -> Area:
    """Return where a region lies, e.g. `left inner brow`."""
    side, _, name = region.partition(" ")
    if name not in SIDED:
        return Area(*_AREAS[region])
    x, *rest = _AREAS[name]
    return Area(2 * MIDDLE - x if side == "left" else x, *rest)


def unit_color(index: int) -> str:
    """Return the class of the color of the action unit with this index in its event."""
    return f"au-{index % COLORS}"


def face_map(event: Event) -> Markup:
    """Return an SVG of a face: areas of the action units that moved, an arrow for each region that moved measurably.

    Args:
        event: with action units or the motion of regions; without both the result is empty.
    """
    if not event.action_units and not event.regions:
        return Markup("")
    colors: dict[str, str] = {}
    for index, unit in enumerate(event.action_units):
        for region in unit_regions(unit.number, unit.side):
            colors.setdefault(region, unit_color(index))
    label = f"Face map: {describe_action_units(event)}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="face-map" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(label)}">',
        *(_ellipse(area(region), color) for region, color in colors.items()),
        *(f'<path class="outline" d="{path}"/>' for path in (*OUTLINE, *RIGHT_OUTLINE)),
        f'<g transform="translate({WIDTH} 0) scale(-1 1)">',
        *(f'<path class="outline" d="{path}"/>' for path in RIGHT_OUTLINE),
        "</g>",
        '<text x="2" y="11">right</text>',
        f'<text x="{WIDTH - 2}" y="11" text-anchor="end">left</text>',
        *_arrows(event.regions, colors),
        "</svg>",
    ]
    return Markup("".join(parts))


def _ellipse(place: Area, color: str) -> str:
    shape = f'cx="{place.x:g}" cy="{place.y:g}" rx="{place.width:g}" ry="{place.height:g}"'
    return f'<ellipse class="moved {color}" {shape}/>'


def _arrows(motion: Motion, colors: dict[str, str]) -> list[str]:
    """The arrows, and a line that is as long as an arrow of 1 px."""
    moved = {region: xy for region, xy in motion.items() if math.hypot(*xy) >= MEASURABLE}
    if not moved:
        return []
    scale = min(MAX_SCALE, MAX_ARROW / max(math.hypot(*xy) for xy in moved.values()))
    bottom = HEIGHT - 5
    return [
        *(_arrow(area(region), x * scale, y * scale, colors.get(region, "other")) for region, (x, y) in moved.items()),
        f'<path class="arrow other" d="M3 {bottom}h{scale:.1f}"/>',
        f'<text x="{3 + scale + 4:.1f}" y="{bottom + 4}">1 px</text>',
    ]


def _arrow(place: Area, x: float, y: float, color: str) -> str:
    tip, turn, head = (place.x + x, place.y + y), math.atan2(y, x), min(HEAD_LENGTH, math.hypot(x, y))
    ends = [(tip[0] - head * math.cos(turn + a), tip[1] - head * math.sin(turn + a)) for a in (0.5, -0.5)]
    points = [f"{px:.1f} {py:.1f}" for px, py in ((place.x, place.y), tip, ends[0], tip, ends[1])]
    return f'<path class="arrow {color}" d="M{points[0]}L{points[1]}M{points[2]}L{points[3]}L{points[4]}"/>'
