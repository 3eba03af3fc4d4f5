"""The curves of the detection limit as lines of an SVG, for the page of a recording."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.detection_limit import DetectionCurve, DetectionLimit

LEFT, TOP, WIDTH, HEIGHT = 34, 10, 250, 120
"""Position and size of the area in which curves are drawn, in pixels of a 300 x 170 image."""

TICKS_PX = (0.25, 0.5, 1, 2, 4, 8)
TICKS_SHARE = ((0.0, "0"), (0.5, "half"), (0.9, "9 in 10"))


def detection_plots(detection_limit: DetectionLimit) -> list[dict[str, Any]]:
    """One plot for each kind of movement, as the template `detection_limit.html.j2` draws it."""
    kinds: dict[str, list[DetectionCurve]] = {}
    for curve in detection_limit.curves:
        kinds.setdefault(curve.movement, []).append(curve)
    return [
        {
            "movement": kind,
            "action_units": curves[0].action_units,
            "curves": curves,
            "lines": [" ".join(f"{_x(px):.1f},{_y(share):.1f}" for px, share in curve.curve) for curve in curves],
            "x": [(_x(px), f"{px:g}") for px in TICKS_PX],
            "y": [(_y(share), text) for share, text in TICKS_SHARE],
            "text": "; ".join(curve.text(detection_limit.largest) for curve in curves),
        }
        for kind, curves in kinds.items()
    ]


def _x(pixels: float) -> float:
    low, high = np.log2(TICKS_PX[0]), np.log2(TICKS_PX[-1])
    return float(LEFT + WIDTH * (np.log2(pixels) - low) / (high - low))


def _y(share: float) -> float:
    return TOP + HEIGHT * (1 - share)
