"""Draw the curves of a synthetic face with the movements that the default spotter finds.

python docs/images/spotting_curves.py        # writes docs/images/spotting-curves.png; needs matplotlib
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import matplotlib as mpl
import numpy as np

from microexpr.faces.tracking import Tracking, track_faces
from microexpr.spotting import SPOTTERS
from microexpr.spotting.base import time_grid
from microexpr.spotting.default.curves import GROUPS, MOUTH, NAMES, measure
from microexpr.spotting.default.peaks import prepare
from microexpr.synthetic.long_video import SyntheticVideo, random_video
from microexpr.synthetic.script import Distractors, Movement

mpl.use("Agg")
import matplotlib.pyplot as plt

SHOWN = ("inner brows up", "mouth corners up", "mouth width", "mouth opening")
TARGET = Path(__file__).with_name("spotting-curves.png")


def staged() -> SyntheticVideo:
    """Ten seconds with a flash of the brows, a smile with a blink within, and raised brows that stay."""
    calm = Distractors(blinks=0, speech=0, gaze=0, turns=2, drift=4, flicker=0.01)
    movements = (
        Movement("micro", 1.0, 1.15, 1.15, 1.3, 4.0, ((1, ""), (2, ""))),
        Movement("macro", 2.8, 3.4, 4.4, 5.2, 9.0, ((12, ""),)),
        Movement("blink", 3.8, 3.9, 3.95, 4.1, 1.0),
        Movement("macro", 7.0, 7.4, 11.0, 12.0, 10.0, ((1, ""), (2, ""), (5, ""))),
    )
    video = random_video(12, seconds=10, fps=30, micro=0, macro=0, distractors=calm)
    return dataclasses.replace(video, movements=movements)


class RenderedFrames:
    """Frames of a synthetic video, rendered when they are read."""

    def __init__(self, video: SyntheticVideo) -> None:
        self.video, self.numbers, self.folder = video, range(len(video)), None

    def read(self, number: int) -> np.ndarray:
        """(480, 640, 3) uint8."""
        return self.video.frame(number)


def main() -> None:
    """Make the picture."""
    (track,) = track_faces(RenderedFrames(staged()), Tracking(fps=30))
    grid, spotter = time_grid(track, 200.0), SPOTTERS.build({"name": "default"})
    curves = prepare(measure(track, grid).curves, grid.rate, np.asarray(track.blink[grid.frames]))
    found = spotter.spot(track)
    figure, axes = plt.subplots(len(SHOWN), 1, figsize=(9, 5), sharex=True)
    for axis, name in zip(axes, SHOWN, strict=True):
        k = NAMES.index(name)
        axis.plot(grid.times, curves.values[:, k], color="C0" if GROUPS[k] != MOUTH else "C1", linewidth=1)
        axis.plot(grid.times, curves.rest[:, k], color="gray", linewidth=1, linestyle="--")
        for interval in found:
            axis.axvspan(track.times[interval.onset], track.times[interval.offset], color="C2", alpha=0.2)
        axis.set_ylabel(name, rotation=0, horizontalalignment="right", verticalalignment="center")
    axes[-1].set_xlabel("seconds")
    figure.tight_layout()
    figure.savefig(TARGET, dpi=90)
    print(f"{TARGET}: {[(i.onset, i.offset, round(i.score or 0, 2)) for i in found]}")


if __name__ == "__main__":
    main()
