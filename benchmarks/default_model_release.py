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

import matplotlib.pyplot as plt
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


def print_reliability(clips: list[Clip], probabilities: np.ndarray, picture: Path | None) -> None:
    """Print how often the class is right, by its probability, and the expected calibration error; draw it."""
    right = np.array([CLASSES[i] for i in probabilities.argmax(axis=1)]) == [clip.labels["emotion"] for clip in clips]
    confidence, error = probabilities.max(axis=1), 0.0
    points = []
    print("\n| probability of the class | clips | mean probability | right |\n|---|--:|--:|--:|")
    for low, high in itertools.pairwise(BINS):
        within = (confidence >= low) & (confidence < high)
        if within.any():
            mean, share = confidence[within].mean(), right[within].mean()
            error += abs(mean - share) * within.mean()
            points.append((mean, share, within.sum()))
            print(f"| {low:.2f} to {high:.2f} | {within.sum()} | {mean:.2f} | {share:.2f} |")
    print(
        f"\nexpected calibration error {error:.3f}; mean probability {confidence.mean():.3f}, right {right.mean():.3f}"
    )
    if picture is not None:
        draw_reliability(np.array(points), picture)


def draw_reliability(points: np.ndarray, picture: Path) -> None:
    """Draw (bins, 3) mean probability, share that is right and number of clips of each bin."""
    figure, axis = plt.subplots(figsize=(3.6, 3.4), layout="constrained")
    axis.plot([0.3, 1], [0.3, 1], color="0.6", linewidth=1, linestyle="--")
    axis.plot(points[:, 0], points[:, 1], color="tab:blue", linewidth=1)
    axis.scatter(points[:, 0], points[:, 1], s=points[:, 2] * 2, color="tab:blue")
    for mean, share, count in points:
        axis.annotate(f"{count:.0f}", (mean, share), textcoords="offset points", xytext=(8, -12), fontsize=8)
    axis.set(xlim=(0.3, 1), ylim=(0.1, 1), xlabel="probability of the class", ylabel="share that is right")
    figure.savefig(picture, dpi=110)


def area_interval(shown: np.ndarray, probabilities: np.ndarray, people: list[str]) -> tuple[float, float]:
    """95 % of the area under the ROC curve, over people who are drawn anew 1000 times."""
    rng, names = np.random.default_rng(0), sorted(set(people))
    of = {name: np.flatnonzero(np.array(people) == name) for name in names}
    areas = []
    while len(areas) < 1000:
        drawn = np.concatenate([of[name] for name in rng.choice(names, len(names))])
        if 0 < shown[drawn].sum() < len(drawn):
            areas.append(roc_auc_score(shown[drawn], probabilities[drawn]))
    low, high = np.quantile(areas, (0.025, 0.975))
    return float(low), float(high)


def print_units(path: Path, clips: list[Clip], units: np.ndarray) -> None:
    """Print the area under the ROC curve of each action unit with 5 clips or more."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        coded = {row["clip"]: {n for n, _ in parse_action_units(row["action_units"])} for row in csv.DictReader(file)}
    chosen = [i for i, clip in enumerate(clips) if clip.id in coded]
    areas = []
    people = [clips[i].subject for i in chosen]
    print(f"\n{len(chosen)} clips with action units\n\n| action unit | clips | AUC | 95 % |\n|---|--:|--:|---|")
    for position, number in enumerate(ACTION_UNITS):
        shown = np.array([number in coded[clips[i].id] for i in chosen])
        if shown.sum() >= 5:
            areas.append(roc_auc_score(shown, units[chosen, position].max(axis=1)))
            low, high = area_interval(shown, units[chosen, position].max(axis=1), people)
            print(f"| {number} {ACTION_UNITS[number]} | {shown.sum()} | {areas[-1]:.2f} | {low:.2f} to {high:.2f} |")
    print(f"\nmean AUC {np.mean(areas):.3f} of {len(areas)} action units")


def main() -> None:
    """Print all tables."""
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("folder", type=Path)
    parse.add_argument("--units", type=Path, help="sheet of action units")
    parse.add_argument("--picture", type=Path, help="png of the reliability")
    options = parse.parse_args()
    chain = Chain.build([{"name": "load-image"}])
    clips = list(DATASETS.get("megc2019")(options.folder).clips())
    samples: list[Sample] = [chain(clip.blind(())) for clip in clips]
    recognizer = Default(weights="shipped", source="release", classes=CLASSES).fit([], [])
    probabilities = recognizer.predict_proba(samples)
    print_scores(clips, probabilities)
    print_reliability(clips, probabilities, options.picture)
    if options.units:
        print_units(options.units, clips, recognizer.predict_action_units(samples))


if __name__ == "__main__":
    main()
