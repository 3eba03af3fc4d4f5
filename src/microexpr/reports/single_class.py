"""Saying it when a method has learned nothing but a class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..experiments.recognition import Prediction, RecognitionRun

MAX_PROBABILITY = 0.95
"""A class that gets more than this share of the guesses, and has no such share of the truth, is named."""

MARK = "‡"
NOTE = f"{MARK} collapsed: one class gets more than {100 * MAX_PROBABILITY:.0f} % of the guesses"


def single_class_message(counts: np.ndarray, classes: Sequence[str]) -> str:
    """What there is to say of (C, C) confusion counts, rows truth: "" where the guesses are of several classes."""
    guessed, true, n = counts.sum(axis=0), counts.sum(axis=1), int(counts.sum())
    if not n or (true > MAX_PROBABILITY * n).any():
        return ""
    word, most = classes[int(guessed.argmax())], int(guessed.max())
    if most == n:
        return f'every guess is "{word}"'
    return f'{most} of {n} guesses are "{word}"' if most > MAX_PROBABILITY * n else ""


def is_majority_baseline(run: RecognitionRun) -> bool:
    """Whether the method guesses the majority because that is what it is for."""
    return run.metadata.recipe["stages"][-1]["recognizer"]["name"] == "majority"


def single_class_warnings(
    runs: Sequence[RecognitionRun],
    counts: Sequence[np.ndarray],
    rows: Sequence[Prediction],
    majority: str,
    war: tuple[float, float],
) -> list[str]:
    """Lines of warning on the test and training clips of each run.

    Args:
        runs: one a seed.
        counts: test confusion of each.
        rows: of the first.
        majority: the most frequent class of the first's clips.
        war: our accuracy, and that of guessing `majority`.
    """
    lines: list[str] = []
    if is_majority_baseline(runs[0]):
        return lines
    for run, test in zip(runs, counts, strict=True):
        taught = run.train_confusion()
        told = [single_class_message(test, run.protocol.classes)]
        told.append("" if taught is None else single_class_message(taught, run.protocol.classes))
        named = [f"{what} {where}" for what, where in zip(told, ("in the test", "in training"), strict=True) if what]
        if named:
            seed = f" (seed {run.metadata.seed})" if len(runs) > 1 else ""
            lines.append(f"COLLAPSED{seed}: {'; '.join(named)}.")
    if rows and abs(war[0] - war[1]) < 1e-12:
        score = f"{war[0]:.3f}".removeprefix("0")
        lines.append(f'WAR {score} is exactly what guessing the majority ("{majority}") scores.')
    return lines
