"""The recognizer that ships on real clips, the precomputed release of MEGC 2019.

`python benchmarks/default_model_release.py FOLDER`: the release or a part of it, as `microexpr` reads it. Printed are
scores of each data set with intervals over people, the reliability of the probabilities, and, with `--units FILE`
(columns `clip` and `action_units`), the area under the ROC curve of each action unit, by its likelier side.
"""

from __future__ import annotations

import argparse
import csv
import itertools
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from microexpr.core.action_units import ACTION_UNITS, parse_action_units
from microexpr.core.clip import Clip, Sample
from microexpr.datasets import DATASETS
from microexpr.metrics.bootstrap import bootstrap_interval
from microexpr.metrics.recognition import macro_f1, unweighted_average_recall
from microexpr.preprocessing import Chain
from microexpr.recognizers.default import Default
from microexpr.synthetic.motion import CLASSES

BINS = (0.33, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0001)


def print_scores(clips: list[Clip], probabilities: np.ndarray) -> None:
    """Print the scores of all clips and of each data set."""
    print("| clips | n | UF1 | 95 % | UAR | 95 % |\n|---|--:|--:|---|--:|---|")
    for name in ("", *sorted({clip.dataset for clip in clips})):
        chosen = [i for i, clip in enumerate(clips) if name in ("", clip.dataset)]
        y_true, subjects = [clips[i].labels["emotion"] for i in chosen], [clips[i].subject for i in chosen]
        y_pred = [CLASSES[i] for i in probabilities[chosen].argmax(axis=1)]
        cells = []
        for metric in (macro_f1, unweighted_average_recall):
            low, high = bootstrap_interval(metric, y_true, y_pred, CLASSES, subjects)
            cells += [f"{metric(y_true, y_pred, CLASSES):.3f}", f"{low:.3f} to {high:.3f}"]
        print(f"| {name or 'all'} | {len(chosen)} | {' | '.join(cells)} |")


def print_reliability(clips: list[Clip], probabilities: np.ndarray) -> None:
    """Print how often the class is right, by its probability, and the expected calibration error."""
    right = np.array([CLASSES[i] for i in probabilities.argmax(axis=1)]) == [clip.labels["emotion"] for clip in clips]
    confidence, error = probabilities.max(axis=1), 0.0
    print("\n| probability of the class | clips | mean probability | right |\n|---|--:|--:|--:|")
    for low, high in itertools.pairwise(BINS):
        within = (confidence >= low) & (confidence < high)
        if within.any():
            mean, share = confidence[within].mean(), right[within].mean()
            error += abs(mean - share) * within.mean()
            print(f"| {low:.2f} to {high:.2f} | {within.sum()} | {mean:.2f} | {share:.2f} |")
    print(
        f"\nexpected calibration error {error:.3f}; mean probability {confidence.mean():.3f}, right {right.mean():.3f}"
    )


def print_units(path: Path, clips: list[Clip], units: np.ndarray) -> None:
    """Print the area under the ROC curve of each action unit with 5 clips or more."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        coded = {row["clip"]: {n for n, _ in parse_action_units(row["action_units"])} for row in csv.DictReader(file)}
    chosen = [i for i, clip in enumerate(clips) if clip.id in coded]
    areas = []
    print(f"\n{len(chosen)} clips with action units\n\n| action unit | clips | AUC |\n|---|--:|--:|")
    for position, number in enumerate(ACTION_UNITS):
        shown = np.array([number in coded[clips[i].id] for i in chosen])
        if shown.sum() >= 5:
            areas.append(roc_auc_score(shown, units[chosen, position].max(axis=1)))
            print(f"| {number} {ACTION_UNITS[number]} | {shown.sum()} | {areas[-1]:.2f} |")
    print(f"\nmean AUC {np.mean(areas):.3f} of {len(areas)} action units")


def main() -> None:
    """Print all tables."""
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("folder", type=Path)
    parse.add_argument("--units", type=Path, help="sheet of action units")
    options = parse.parse_args()
    chain = Chain.build([{"name": "load-image"}])
    clips = list(DATASETS.get("megc2019")(options.folder).clips())
    samples: list[Sample] = [chain(clip.blind(())) for clip in clips]
    recognizer = Default(weights="shipped", source="release", classes=CLASSES).fit([], [])
    probabilities = recognizer.predict_proba(samples)
    print_scores(clips, probabilities)
    print_reliability(clips, probabilities)
    if options.units:
        print_units(options.units, clips, recognizer.predict_action_units(samples))


if __name__ == "__main__":
    main()
