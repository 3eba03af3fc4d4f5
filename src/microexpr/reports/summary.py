"""Everything that a report of recognition shows, computed from the predictions of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..experiments.recognition_run import Prediction, RecognitionRun
from ..metrics import (
    ClassScore,
    Metric,
    bootstrap_scores,
    confusion_matrix,
    ordered_metrics,
    per_class,
    percentile_interval,
    predict_majority,
)
from ..protocols import Protocol
from ._run_group import RunGroup, check_runs
from .published import PublishedRow, published
from .single_class import is_majority_baseline, join_seeds, single_class_message, single_class_warnings
from .warnings import face_warnings, leak_warnings, run_warnings, seen_warnings


@dataclass(frozen=True)
class Summary(RunGroup):
    """Scores of the runs of one recipe, a run for each seed.

    Attributes:
        n_clips: number of test clips of the first seed.
        n_subjects: number of their subjects.
        metrics: name -> score, 0 to 1, the mean over the seeds.
        intervals: name -> 95 % bootstrap interval over subjects, of the first seed.
        spread: name -> standard deviation over the seeds; empty for one seed, or where all seeds predict the same.
        parts: data set (or fold, where the protocol averages folds) -> {metric: score, n, subjects}, of the first seed.
        part_intervals: part -> {metric: 95 % bootstrap interval over its subjects}.
        part_baseline: part -> {metric: score of always predicting the most frequent class of the part}.
        confusion: (C, C) counts of the first seed, rows true.
        part_confusion: part -> (C, C) counts of its clips.
        train_confusion: (C, C) counts of the first seed's models on their own training clips; None if not saved.
        single_class: which class gets nearly all predictions; "" where there are several.
        collapsed: number of seeds with which one class does.
        seed_metrics: name -> score of each seed, in the order of `runs`.
        per_class: class -> precision, recall, F1 and number of clips.
        baseline: name -> score of always predicting the most frequent class.
        subjects_correct: subject -> (correct clips, clips) of the first seed.
        published: published rows with the same protocol.
    """

    n_clips: int
    n_subjects: int
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    spread: Mapping[str, float]
    parts: Mapping[str, Mapping[str, float]]
    part_intervals: Mapping[str, Mapping[str, tuple[float, float]]]
    part_baseline: Mapping[str, Mapping[str, float]]
    confusion: np.ndarray
    part_confusion: Mapping[str, np.ndarray]
    train_confusion: np.ndarray | None
    single_class: str
    collapsed: int
    seed_metrics: tuple[Mapping[str, float], ...]
    per_class: Mapping[str, ClassScore]
    baseline: Mapping[str, float]
    subjects_correct: Mapping[str, tuple[int, int]]
    published: tuple[PublishedRow, ...]

    @property
    def train_confusion_note(self) -> str:
        """What a reader must know of `train_confusion`."""
        if self.train_confusion is None:
            return ""
        predicted = int(self.train_confusion.sum())
        total = sum(fold["train_clips"] for fold in self.run.metadata.folds)
        note = "Predictions of each fold's model for its own training clips"
        if len(self.run.unit_names) > 1:
            note += f", summed over {len(self.run.done())} folds"
        if predicted != total:
            note += (
                f" ({predicted} predictions for {total} training clips: clips without a face are left out, "
                "and of each fold at most 2000 evenly spaced clips are predicted)"
            )
        if self.run.metadata.recipe["stages"][-1]["recognizer"].get("validation_fraction"):
            note += "; the clips of inner validation are among them"
        return f"{note}. This is not a score."

    def as_dict(self) -> dict[str, Any]:
        """The summary as `report --json` prints it."""
        return {
            **self.facts(),
            "n": self.n_clips,
            "subjects": self.n_subjects,
            "warnings": list(self.warnings),
            "metrics": dict(self.metrics),
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
            "spread": dict(self.spread),
            "per_dataset": {
                name: {
                    **part,
                    "intervals": {metric: list(pair) for metric, pair in self.part_intervals[name].items()},
                    "majority": dict(self.part_baseline[name]),
                }
                for name, part in self.parts.items()
            },
            "classes": list(self.protocol.classes),
            "confusion": self.confusion.tolist(),
            "confusion_of_training": None if self.train_confusion is None else self.train_confusion.tolist(),
            "single_class": self.single_class,
            "majority": dict(self.baseline),
            "published": {
                f"{row.method} [{row.source}{f', {row.part}' if row.part else ''}]": _published_record(row)
                for row in self.published
            },
        }


def summarize(runs: Sequence[RecognitionRun]) -> Summary:
    """Compute all scores of the runs of one recipe, a run for each seed.

    Raises:
        RunError: no fold is done yet, or the runs are of different recipes.
    """
    first = runs[0]
    check_runs(runs)
    protocol = first.protocol
    by_seed = [{fold: run.fold_predictions(fold) for fold in run.done()} for run in runs]
    folds = by_seed[0]
    parts = _parts(protocol, folds)
    predictions = _pool(folds)
    y_true, y_pred = _labels(predictions)
    majority = predict_majority(y_true, protocol.classes)[0]
    baseline = _scores(
        protocol, {fold: [replace(row, predicted=majority) for row in rows] for fold, rows in folds.items()}
    )
    seed_metrics = [_scores(protocol, seed_folds) for seed_folds in by_seed]
    metrics = {name: float(np.mean([scores[name] for scores in seed_metrics])) for name in seed_metrics[0]}
    spread = {}
    if any(seed_folds != folds for seed_folds in by_seed):
        spread = {name: float(np.std([scores[name] for scores in seed_metrics], ddof=1)) for name in metrics}
    confusions = [_confusion(protocol, _pool(seed_folds)) for seed_folds in by_seed]
    messages = [""]
    if not is_majority_baseline(first):
        messages = [single_class_message(confusion, protocol.classes) for confusion in confusions]
    accuracies = (metrics["weighted_average_recall"], baseline["weighted_average_recall"])
    warnings = _warnings(runs, predictions)
    warnings += single_class_warnings(runs, confusions, predictions, majority, accuracies)
    return Summary(
        runs=tuple(runs),
        n_clips=len(predictions),
        n_subjects=len({row.subject for row in predictions}),
        metrics=metrics,
        intervals=_intervals(protocol, _groups(protocol, folds)),
        spread=spread,
        parts=_part_scores(protocol, parts),
        part_intervals={name: _intervals(protocol, [rows]) for name, rows in parts.items()},
        part_baseline={
            name: _pooled_scores(protocol, _always_majority(protocol, rows)) for name, rows in parts.items()
        },
        confusion=confusions[0],
        part_confusion={part: _confusion(protocol, rows) for part, rows in parts.items()},
        train_confusion=first.train_confusion(),
        single_class=join_seeds(messages),
        collapsed=sum(map(bool, messages)),
        seed_metrics=tuple(seed_metrics),
        per_class=per_class(y_true, y_pred, protocol.classes),
        baseline=baseline,
        subjects_correct=_subjects_correct(predictions),
        published=published(protocol.name),
        warnings=tuple(warnings),
    )


def _pool(folds: Mapping[str, Sequence[Prediction]]) -> list[Prediction]:
    return [row for rows in folds.values() for row in rows]


def _labels(rows: Sequence[Prediction]) -> tuple[list[str], list[str]]:
    """(y_true, y_pred)."""
    return [row.label for row in rows], [row.predicted for row in rows]


def _confusion(protocol: Protocol, rows: Sequence[Prediction]) -> np.ndarray:
    return confusion_matrix(*_labels(rows), protocol.classes)


def _scores(protocol: Protocol, folds: Mapping[str, Sequence[Prediction]]) -> dict[str, float]:
    """Every metric, from pooled predictions or as the mean of the folds, as the protocol fixes it."""
    if protocol.average == "folds":
        by_fold = [_pooled_scores(protocol, rows) for rows in folds.values()]
        return {name: float(np.mean([scores[name] for scores in by_fold])) for name in by_fold[0]}
    scores = _pooled_scores(protocol, _pool(folds))
    for metric in ordered_metrics():
        if metric.average == "folds":
            values = [metric.function(*_labels(rows), protocol.classes) for rows in folds.values() if rows]
            scores[metric.name] = float(np.mean(values))
    return scores


def _pooled_scores(protocol: Protocol, rows: Sequence[Prediction]) -> dict[str, float]:
    return {metric.name: metric.function(*_labels(rows), protocol.classes) for metric in _pooled_metrics()}


def _pooled_metrics() -> list[Metric]:
    return [metric for metric in ordered_metrics() if metric.average == "pooled"]


def _always_majority(protocol: Protocol, rows: Sequence[Prediction]) -> list[Prediction]:
    """The same clips, each predicted as their most frequent class."""
    majority = predict_majority([row.label for row in rows], protocol.classes)[0]
    return [replace(row, predicted=majority) for row in rows]


def _groups(protocol: Protocol, folds: Mapping[str, Sequence[Prediction]]) -> list[Sequence[Prediction]]:
    """What scores are computed of before they are averaged: each fold, or all predictions."""
    return list(folds.values()) if protocol.average == "folds" else [_pool(folds)]


def _intervals(protocol: Protocol, groups: Sequence[Sequence[Prediction]]) -> dict[str, tuple[float, float]]:
    """Bootstrap intervals of the mean over groups; the subjects of each group are drawn on their own."""
    intervals = {}
    for metric in _pooled_metrics():
        drawn = [
            bootstrap_scores(
                metric.function, *_labels(rows), protocol.classes, [row.subject for row in rows], seed=seed
            )
            for seed, rows in enumerate(groups)
        ]
        intervals[metric.name] = percentile_interval(np.mean(drawn, axis=0))
    return intervals


def _parts(protocol: Protocol, folds: Mapping[str, Sequence[Prediction]]) -> dict[str, list[Prediction]]:
    """The predictions of each fold where the protocol averages folds, otherwise of each data set."""
    if protocol.average == "folds":
        return {name: list(rows) for name, rows in folds.items()}
    rows = _pool(folds)
    return {name: [row for row in rows if row.dataset == name] for name in sorted({row.dataset for row in rows})}


def _part_scores(protocol: Protocol, parts: Mapping[str, Sequence[Prediction]]) -> dict[str, dict[str, float]]:
    return {
        name: _pooled_scores(protocol, rows) | {"n": len(rows), "subjects": len({row.subject for row in rows})}
        for name, rows in parts.items()
    }


def _subjects_correct(rows: Sequence[Prediction]) -> dict[str, tuple[int, int]]:
    """Subject -> (correct clips, clips)."""
    counts = {}
    for subject in sorted({row.subject for row in rows}):
        own = [row for row in rows if row.subject == subject]
        counts[subject] = (sum(row.label == row.predicted for row in own), len(own))
    return counts


def _warnings(runs: Sequence[RecognitionRun], rows: Sequence[Prediction]) -> list[str]:
    first = runs[0]
    lines = run_warnings(runs, "folds", "clips", "protocol")
    lines += leak_warnings(first.protocol)
    if first.protocol.zero_shot:
        lines.append("ZERO-SHOT: no clip of anybody was trained on, and all clips are tested.")
    lines += seen_warnings(first.metadata, len({row.subject for row in rows}))
    lines += [*first.metadata.warnings, *first.metadata.absent]
    return lines + face_warnings(rows, "they got no prediction and count as wrong")


def _published_record(row: PublishedRow) -> dict[str, Any]:
    return {**row.metrics, "source": row.source, "part": row.part, "leaky": row.leaky, "note": row.note}
