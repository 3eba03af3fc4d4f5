"""Make the picture of the pages about injected movements, from a synthetic face.

python docs/images/make_injection.py        # writes docs/images/injection.png
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from microexpr.analysis.detection_limit import measure_detection_limit
from microexpr.spotting import SPOTTERS
from microexpr.synthetic import Person
from microexpr.synthetic.injection import displacement_at, sized_units, warp
from microexpr.synthetic.long_video import ground_truth_track, random_video
from microexpr.synthetic.script import Distractors

PIXELS = 8.0


def main() -> None:
    """Write the picture."""
    person = Person.draw(5)
    face, points = person.image.astype(np.uint8), person.points[:68]
    moved = displacement_at(points, sized_units(((1, ""), (2, "")), PIXELS), face.shape)
    assert moved is not None
    size = np.zeros(face.shape[:2])
    size[moved.region] = np.linalg.norm(moved.values, axis=-1)
    figure, axes = plt.subplots(1, 4, figsize=(13, 3.4), layout="constrained")
    shown = (face, warp(face, moved), size)
    titles = ("a frame", f"brow raise, {PIXELS:g} px", "displacement")
    for axis, image, title in zip(axes, shown, titles, strict=False):
        axis.imshow(image[20:430, 50:400], cmap="magma")
        axis.set(title=title, xticks=[], yticks=[])
    calm = Distractors(blinks=10, speech=0, gaze=5, turns=0, drift=2)
    track = ground_truth_track(random_video(5, seconds=60, fps=30, micro=2, macro=2, distractors=calm))
    spotter = SPOTTERS.build({"name": "default"})
    found = measure_detection_limit([(track, spotter.spot(track))], spotter.spot, len(track), spotter.max_fps)
    for curve in found.curves:
        if curve.trials:
            px, share = zip(*curve.curve, strict=True)
            axes[3].plot(px, share, label=f"{curve.movement}, {curve.milliseconds} ms")
    axes[3].set(xscale="log", xlabel="px", title="share that is found (synthetic film)", xticks=[0.25, 0.5, 1, 2, 4, 8])
    axes[3].set_xticklabels(["0.25", "0.5", "1", "2", "4", "8"])
    axes[3].minorticks_off()
    axes[3].legend(fontsize=7)
    figure.savefig(Path(__file__).with_name("injection.png"), dpi=80)
    print("\n".join(found.sentences()))


if __name__ == "__main__":
    main()
