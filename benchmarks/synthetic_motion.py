"""What matters in drawn motion: `python benchmarks/synthetic_motion.py ablation` and `... rendered`.

Networks are trained on drawn or rendered motion only and asked about the real clips of the data set `megc2019`, without
training on any. `ablation` changes one setting of the drawing at a time. `rendered` warps faces by the same action
units and trains on the flow that estimators find between the two images, beside drawn fields of the same number. Both
print a Markdown table: mean and range over the seeds.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from sklearn.metrics import roc_auc_score
from torch import Tensor

from microexpr.core.action_units import ACTION_UNITS, parse_action_units
from microexpr.core.clip import Sample
from microexpr.datasets import open_dataset
from microexpr.imaging.images import read_image
from microexpr.imaging.optical_flow import optical_flow, strain
from microexpr.metrics.recognition import macro_f1, unweighted_average_recall
from microexpr.protocols import load_protocol
from microexpr.recognizers._motion_training import soft_targets
from microexpr.recognizers.synthetic_motion import SyntheticMotion
from microexpr.synthetic.motion import CLASSES, DrawnMotion, FaceFrame, action_unit_displacement
from microexpr.synthetic.motion.encoding import encode, stretch
from microexpr.synthetic.motion.expressions import Expressions
from microexpr.synthetic.motion.fields import NUMBERS
from microexpr.synthetic.person import Person

CHANGES: dict[str, dict[str, Any]] = {
    "as it is drawn": {},
    "no unequal finding of motion (texture, threshold, power)": {
        "motion": {"faults": {"texture": 0.0, "threshold": 0.0, "power": 0.0}}
    },
    "no noise": {"motion": {"faults": {"noise": 0.0}}},
    "noise 1.7 times as strong": {"motion": {"faults": {"noise": 0.15}}},
    "no rim, no spots, nothing moves outside": {"motion": {"faults": {"rim": 0.0, "spots": 0.0, "outside": 0.0}}},
    "no motion of the head": {"motion": {"faults": {"head": 0.0}}},
    "no companions, blinks, gaze, speech": {
        "motion": {"expressions": {"companions": 0.0, "blinks": 0.0, "speech": 0.0}, "gaze": 0.0}
    },
    "all faces alike": {"motion": {"people": {"shape": 0.0, "place": 0.0, "scale": 0.0, "stretch": 0.0, "turn": 0.0}}},
    "all action units alike": {"motion": {"people": {"term_gain": 0.0, "term_size": 0.0, "term_turn": 0.0}}},
    "both sides alike": {"motion": {"expressions": {"sides": 0.0, "one_sided": 0.0}}},
    "sets of a class by their weights alone": {"motion": {"expressions": {"even_sets": 0.0}}},
    "sets of a class equally often": {"motion": {"expressions": {"even_sets": 1.0}}},
    "no freely drawn action units": {"motion": {"expressions": {"free": 0.0}}},
    "without the anchors of the face mesh": {"motion": {"anchors": "landmarks"}},
    "no changes of style in training": {"style": 0.0},
    "no action units to learn": {"unit_weight": 0.0},
    "no mixing of pairs": {"mixup": 0.0},
    "another frame of the face (eyes in row 8.2, less wide)": {"frame": "aligned"},
}
"""Name of a change -> settings of the recognizer."""

LEAST = 5
"""Smallest number of clips that show an action unit for its area under the curve to count in the mean."""


@dataclass
class RenderedMotion(SyntheticMotion):
    """Trained on given fields instead of drawn ones.

    Args:
        images: (n, 28, 28, 3) uint8.
        targets: (n, outputs) as of `soft_targets`.
    """

    images: Any = None
    targets: Any = None

    def training_fields(self, member: int) -> tuple[np.ndarray, Tensor]:
        """Return the given fields."""
        return self.images, self.targets


@dataclass(frozen=True)
class RealClips:
    """Real clips with their truth.

    Attributes:
        samples: their flow images.
        labels: class of each.
        units: numbers of the action units of each; None where they are not known.
    """

    samples: Sequence[Sample]
    labels: Sequence[str]
    units: Sequence[frozenset[int] | None]

    @classmethod
    def read(cls, codes: Path | None) -> RealClips:
        """The clips that are there; `codes` is a csv with `clip` and `action_units`."""
        known: Mapping[str, frozenset[int]] = {}
        if codes is not None:
            with codes.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            known = {r["clip"]: frozenset(n for n, _ in parse_action_units(r["action_units"])) for r in rows}
        clips = open_dataset("megc2019").clips(allow_missing=True)
        examples = load_protocol("megc2019-zero-shot").select(clips)
        samples = [Sample(e.clip.blind(()), {"image": read_image(Path(e.clip.source))}) for e in examples]
        return cls(samples, [e.label for e in examples], [known.get(e.clip.id) for e in examples])

    def scores(self, recognizer: SyntheticMotion) -> dict[str, float]:
        """UF1 and UAR of the classes, and the mean area under the curve of the action units."""
        predicted = [CLASSES[i] for i in recognizer.predict_proba(self.samples).argmax(axis=1)]
        result = {
            "UF1": macro_f1(self.labels, predicted, CLASSES),
            "UAR": unweighted_average_recall(self.labels, predicted, CLASSES),
        }
        coded = [i for i, units in enumerate(self.units) if units is not None]
        if coded:
            probabilities = recognizer.predict_action_units([self.samples[i] for i in coded]).max(axis=-1)
            shown = np.array([[n in (self.units[i] or ()) for n in NUMBERS] for i in coded])
            often = [j for j in range(len(NUMBERS)) if LEAST <= shown[:, j].sum() <= len(coded) - LEAST]
            curves = [roc_auc_score(shown[:, j], probabilities[:, j]) for j in often]
            result["AUC"] = float(np.mean(curves))
        return result


def render(count: int, side: int = 112) -> tuple[dict[str, np.ndarray], DrawnMotion]:
    """Faces warped by drawn action units, and the flow that each estimator finds, (n, 28, 28, 3) uint8."""
    frame = FaceFrame.megc2019(side)
    labels, strengths = Expressions().draw(count, np.random.default_rng(5))
    grid = np.stack(np.meshgrid(np.arange(float(side)), np.arange(float(side))), -1).reshape(-1, 2)
    rng = np.random.default_rng(6)
    images: dict[str, list[np.ndarray]] = {"tvl1": [], "dis": [], "farneback": []}
    people = [Person.draw(1000 + i) for i in range(60)]
    for i in range(count):
        person = people[i % len(people)]
        matrix = frame.map_from(person.points[:68])
        face = cv2.warpAffine(person.image, matrix, frame.size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
        landmarks = person.points[:68] @ matrix[:, :2].T + matrix[:, 2]
        size = 1.2 * np.exp(rng.normal(0, 0.6))
        units = [
            (number, code, float(strengths[i, j, k]) * size)
            for j, number in enumerate(ACTION_UNITS)
            for k, code in enumerate("RL")
            if strengths[i, j, k] > 0
        ]
        move = action_unit_displacement(landmarks, units, grid) + rng.normal(0, 0.1, 2)
        source = (grid - move).astype(np.float32).reshape(side, side, 2)
        apex = cv2.remap(face, source[..., 0], source[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        pair = [np.uint8(np.clip(picture + rng.normal(0, 1.5, picture.shape), 0, 255)) for picture in (face, apex)]
        for estimator, own in images.items():
            flow = optical_flow(pair[0], pair[1], estimator)
            both = np.dstack([flow, strain(flow).astype(np.float32)])
            own.append(cv2.resize(both, (28, 28), interpolation=cv2.INTER_AREA))
    empty = np.zeros((count, 0, 0, 0), np.float32)
    truth = DrawnMotion(empty, empty, labels, strengths.astype(np.float32), strengths.astype(np.float32))
    return {name: stretch(np.stack(own)) for name, own in images.items()}, truth


def row(name: str, scores: Sequence[Mapping[str, float]]) -> str:
    """A line of the table: mean and range over the seeds."""
    cells = []
    for metric in scores[0]:
        values = [score[metric] for score in scores]
        cells.append(f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})")
    return f"| {name} | {' | '.join(cells)} |"


def ablation(clips: RealClips, options: argparse.Namespace) -> None:
    """Print a row for each change."""
    for name, change in CHANGES.items():
        if options.only and options.only not in name:
            continue
        scores = []
        for seed in range(options.seeds):
            settings = {"fields": options.fields, "epochs": options.epochs, "members": 1, "shifts": 0, **change}
            scores.append(clips.scores(SyntheticMotion(seed=seed, **settings).fit([], [])))
        print(row(name, scores), flush=True)


def rendered(clips: RealClips, options: argparse.Namespace) -> None:
    """Print a row for each estimator, and one for drawn fields of the same number."""
    fields, truth = render(options.fields)
    generator = SyntheticMotion().generator()
    drawn = generator.draw(options.fields, FaceFrame.megc2019(), 9)
    sources = {f"rendered faces, {name}": (images, truth) for name, images in fields.items()}
    for name, (images, own) in {**sources, "drawn fields": (encode(drawn, "stretched"), drawn)}.items():
        scores = []
        for seed in range(options.seeds):
            recognizer = RenderedMotion(
                seed=seed, epochs=options.epochs, members=1, images=images, targets=soft_targets(own, 0.1)
            )
            scores.append(clips.scores(recognizer.fit([], [])))
        print(row(name, scores), flush=True)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["ablation", "rendered"])
    parser.add_argument("--codes", type=Path, help="csv with the action units of clips: clip,action_units")
    parser.add_argument("--fields", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="part of the name of a change")
    options = parser.parse_args()
    clips = RealClips.read(options.codes)
    print(f"{len(clips.samples)} real clips; {options.fields} fields, {options.epochs} epochs, {options.seeds} seeds\n")
    metrics = ("UF1", "UAR", "mean AUC") if options.codes else ("UF1", "UAR")
    print(f"| trained on | {' | '.join(metrics)} |\n|---|{'---|' * len(metrics)}", flush=True)
    {"ablation": ablation, "rendered": rendered}[options.what](clips, options)


if __name__ == "__main__":
    main()
