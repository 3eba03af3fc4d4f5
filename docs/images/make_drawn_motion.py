"""Make the picture of drawn motion: `python docs/images/make_drawn_motion.py` writes docs/images/drawn-motion.png."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from microexpr.core.action_units import ACTION_UNITS, format_action_units
from microexpr.imaging.flow_colors import flow_image
from microexpr.synthetic.motion import CLASSES, DrawnMotion, FaceFrame, MotionGenerator

TARGET = Path(__file__).with_name("drawn-motion.png")
COLUMNS = 6
LINES = (range(17), range(17, 22), range(22, 27), range(27, 31), range(36, 42), range(42, 48), range(48, 60))
"""Landmarks that are joined by lines."""


def title(drawn: DrawnMotion, number: int) -> str:
    """The class, and the action units of half the strength or more."""
    strengths = drawn.strengths[number]
    units = [
        (unit, "" if sides.min() > 0.3 * sides.max() else "RL"[int(sides.argmax())])
        for unit, sides in zip(ACTION_UNITS, strengths, strict=True)
        if sides.max() >= 0.3
    ]
    return f"{CLASSES[int(drawn.labels[number])]}: {format_action_units(units)}"


def main() -> None:
    """Draw a row of fields for each class in the frame of MEGC 2019's release, and one in the aligned frame."""
    figure, axes = plt.subplots(3, COLUMNS, figsize=(8.4, 4.9), layout="constrained")
    frames = (FaceFrame.megc2019(84), FaceFrame.megc2019(84), FaceFrame.aligned(84))
    for row, (frame, label) in enumerate(zip(frames, range(len(CLASSES)), strict=True)):
        drawn = MotionGenerator(oversampling=1).draw(60, frame, 4)
        for axis, number in zip(axes[row], np.flatnonzero(drawn.labels == label), strict=False):
            flow = drawn.flow[number] - np.median(drawn.flow[number], axis=(0, 1))
            axis.imshow(flow_image(flow, float(np.percentile(np.linalg.norm(flow, axis=-1), 99.5))))
            for line in LINES:
                axis.plot(*frame.landmarks[list(line)].T, color="black", linewidth=0.5, alpha=0.6)
            axis.set(xlim=(0, 83), ylim=(83, 0), xticks=[], yticks=[])
            axis.set_title(title(drawn, int(number)), fontsize=7)
    figure.savefig(TARGET, dpi=90)
    Image.open(TARGET).convert("RGB").quantize(256).save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
