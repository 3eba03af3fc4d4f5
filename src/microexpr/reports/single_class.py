"""Warnings about a method that predicts one class only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..experiments.recognition_run import Prediction, RecognitionRun

MAX_FRACTION = 0.95
"""A method has collapsed if one class gets more than this fraction of the predictions, and fewer of the labels."""

MARK = "‡"
NOTE = f"{MARK} collapsed: one class gets more than {100 * MAX_FRACTION:.0f} % of the predictions"


def single_class_message(counts: np.ndarray, classes: Sequence[str]) -> str:
    """Name the class that gets nearly all predictions; "" where several classes are predicted.

    Args:
        counts: (C, C) confusion counts, rows true.
        classes: classes of rows and columns.
    """
    predicted, true, n = counts.sum(axis=0), counts.sum(axis=1), int(counts.sum())
    if not n or (true > MAX_FRACTION * n).any():
        return ""
    label, largest = classes[int(predicted.argmax())], int(predicted.max())
    if largest == n:
        return f'every prediction is "{label}"'
    return f'{largest} of {n} predictions are "{label}"' if largest > MAX_FRACTION * n else ""


def join_seeds(messages: Sequence[str]) -> str:
    """What `single_class_message` says of each seed in one line, with the number of seeds; "" where none collapsed."""
    counts = Counter(message for message in messages if message)
    if len(messages) == 1:
        return messages[0]
    return "; ".join(f"{message} with {n} of {len(messages)} seeds" for message, n in counts.items())


def is_majority_baseline(run: RecognitionRun) -> bool:
    """Whether the recognizer is the majority baseline, which always predicts one class."""
    return run.metadata.recipe["stages"][-1]["recognizer"]["name"] == "majority"


def single_class_warnings(
    runs: Sequence[RecognitionRun],
    confusions: Sequence[np.ndarray],
    predictions: Sequence[Prediction],
    majority: str,
    accuracies: tuple[float, float],
) -> list[str]:
    """Warnings of runs that predict one class only, on test or training clips.

    Args:
        runs: a run for each seed.
        confusions: (C, C) test confusion counts of each run.
        predictions: predictions of the first run.
        majority: the most frequent class of the first run's clips.
        accuracies: accuracy of the runs, and of always predicting `majority`.
    """
    lines: list[str] = []
    if is_majority_baseline(runs[0]):
        return lines
    seeds_of: dict[str, list[int]] = {}
    for run, test in zip(runs, confusions, strict=True):
        classes, train = run.protocol.classes, run.train_confusion()
        messages = []
        if message := single_class_message(test, classes):
            messages.append(f"{message} in the test")
        if train is not None and (message := single_class_message(train, classes)):
            messages.append(f"{message} in training")
        if messages:
            seeds_of.setdefault("; ".join(messages), []).append(run.metadata.seed)
    for message, seeds in seeds_of.items():
        which = f" (seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))})" if len(runs) > 1 else ""
        lines.append(f"COLLAPSED{which}: {message}.")
    own, baseline = accuracies
    if predictions and abs(own - baseline) < 1e-12:
        score = f"{own:.3f}".removeprefix("0")
        lines.append(f'WAR {score} is exactly that of always predicting the majority class ("{majority}").')
    return lines
