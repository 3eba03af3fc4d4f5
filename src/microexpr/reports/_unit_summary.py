"""Everything that a report of action units shows, computed from the predictions of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..core.action_units import ActionUnit
from ..core.errors import RunError
from ..experiments.recognition_run import Prediction, RecognitionRun
from ..metrics import (
    UnitMetric,
    bootstrap_weights,
    count_sides,
    ordered_unit_metrics,
    percentile_interval,
    side_accuracy,
)
from ..metrics.comparison import PairedScore
from ..protocols import Protocol
from ._run_group import RunGroup, check_runs
from ._unit_predictions import UnitPredictions, unit_index
from .warnings import face_warnings, leak_warnings, run_warnings, seen_warnings

Interval = tuple[float, float]
DATASETS_PART = "data sets"
"""The part whose scores are the means of the data sets' scores."""

Scores = dict[str, float | None]
"""Metric -> score, 0 to 1; None where it is not defined."""


@dataclass(frozen=True)
class UnitScore:
    """Scores of one action unit, of the first seed.

    Attributes:
        number: of FACS.
        positives: number of clips that have it.
        judged: whether it has enough of them for the means.
        metrics: name -> score.
        intervals: name -> 95 % bootstrap interval over subjects.
        trivial: name -> score of predicting it for every clip.
    """

    number: int
    positives: int
    judged: bool
    metrics: Scores
    intervals: Mapping[str, Interval]
    trivial: Scores

    @property
    def name(self) -> str:
        """Name of the action unit."""
        return ActionUnit(self.number).name


@dataclass(frozen=True)
class SideScore:
    """On which side of the face coded action units were found, of the first seed.

    Attributes:
        counts: (3, 4), rows coded on the right, left, both sides; columns found there, or on neither.
        accuracy: of the units coded on one side, the fraction whose coded side is more probable; None without any.
        interval: 95 % bootstrap interval of `accuracy` over subjects.
    """

    counts: tuple[tuple[int, ...], ...]
    accuracy: float | None
    interval: Interval | None

    @property
    def one_sided(self) -> int:
        """Number of units that are coded on one side."""
        return sum(map(sum, self.counts[:2]))


@dataclass(frozen=True)
class MeanScores:
    """Means of every metric over the judged units.

    Attributes:
        metrics: name -> mean, of all seeds.
        intervals: name -> 95 % bootstrap interval over subjects, of the first seed.
        spread: name -> standard deviation over the seeds; empty for one seed.
        trivial: name -> mean score of predicting every unit for every clip.
    """

    metrics: Mapping[str, float | None]
    intervals: Mapping[str, Interval]
    spread: Mapping[str, float]
    trivial: Scores

    def as_dict(self) -> dict[str, Any]:
        """The means as `report --json` prints them."""
        return {
            "metrics": self.metrics,
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
            "spread": dict(self.spread),
            "always_present": self.trivial,
        }


@dataclass(frozen=True)
class UnitSummary(RunGroup):
    """Scores of the runs of one recipe of action units, a run for each seed.

    Attributes:
        n_clips: number of test clips of the first seed.
        n_subjects: number of their subjects.
        units: each action unit of the protocol that a clip has.
        trivial: name -> mean score of predicting every unit for every clip.
        dataset_means: mean over the data sets of the means of each; None where there is one, or folds are averaged.
        parts: data set (or fold, where the protocol averages folds) -> {metric: mean, n, subjects}.
        part_intervals: part -> {metric: 95 % bootstrap interval over its subjects}.
        part_trivial: part -> {metric: mean score of predicting every unit for every clip}.
        part_units: part -> action unit -> {metric: score}.
        sides: on which side units were found.
    """

    n_clips: int
    n_subjects: int
    units: tuple[UnitScore, ...]
    trivial: Scores
    dataset_means: MeanScores | None
    parts: Mapping[str, Scores]
    part_intervals: Mapping[str, Mapping[str, Interval]]
    part_trivial: Mapping[str, Scores]
    part_units: Mapping[str, Mapping[int, Scores]]
    sides: SideScore

    @property
    def judged(self) -> list[UnitScore]:
        """The units with enough clips for the means."""
        return [unit for unit in self.units if unit.judged]

    def all_means(self) -> list[tuple[str, MeanScores]]:
        """The means of all predictions under "", and those of the data sets under `DATASETS_PART`."""
        means = [("", MeanScores(self.metrics, self.intervals, self.spread, self.trivial))]
        return means if self.dataset_means is None else [*means, (DATASETS_PART, self.dataset_means)]

    def as_dict(self) -> dict[str, Any]:
        """The summary as `report --json` prints it."""
        return {
            **self.facts(),
            "n": self.n_clips,
            "subjects": self.n_subjects,
            "threshold": self.protocol.threshold,
            "min_positives": self.protocol.min_positives,
            "warnings": list(self.warnings),
            **dict(self.all_means())[""].as_dict(),
            "mean_of_datasets": None if self.dataset_means is None else self.dataset_means.as_dict(),
            "per_dataset": {
                name: {
                    **scores,
                    "intervals": {metric: list(pair) for metric, pair in self.part_intervals[name].items()},
                    "always_present": self.part_trivial[name],
                    "action_units": {str(number): own for number, own in self.part_units[name].items()},
                }
                for name, scores in self.parts.items()
            },
            "action_units": {str(unit.number): {**asdict(unit), "name": unit.name} for unit in self.units},
            "sides": asdict(self.sides),
        }


def summarize_units(runs: Sequence[RecognitionRun]) -> UnitSummary:
    """Compute all scores of the runs of one recipe, a run for each seed.

    Raises:
        RunError: no fold is done yet, or the runs are of different recipes.
    """
    check_runs(runs)
    first = runs[0]
    protocol = first.protocol
    by_seed = [_parts(protocol, {fold: run.fold_predictions(fold) for fold in run.done()}) for run in runs]
    rows = first.predictions()
    every, parts = UnitPredictions.of(rows), {name: UnitPredictions.of(own) for name, own in by_seed[0].items()}
    units = tuple(_unit_score(protocol, unit, every) for unit in protocol.classes if every.positives(unit))
    judged = [str(unit.number) for unit in units if unit.judged]
    several = protocol.average == "pooled" and len(parts) > 1
    return UnitSummary(
        runs=tuple(runs),
        n_clips=len(rows),
        n_subjects=len(set(every.subjects)),
        units=units,
        **vars(_mean_scores(protocol, [_groups(protocol, seed) for seed in by_seed], judged)),
        dataset_means=_mean_scores(protocol, [list(seed.values()) for seed in by_seed], judged) if several else None,
        parts={
            name: _means(protocol, [part], judged) | {"n": len(part.subjects), "subjects": len(set(part.subjects))}
            for name, part in parts.items()
        },
        part_intervals={name: _mean_intervals(protocol, [part], judged) for name, part in parts.items()},
        part_trivial={name: _means(protocol, [part.always()], judged) for name, part in parts.items()},
        part_units={
            name: {unit.number: _scores(part, str(unit.number), protocol.threshold) for unit in units}
            for name, part in parts.items()
        },
        sides=_side_score(protocol, every),
        warnings=tuple(_warnings(runs, rows, judged)),
    )


def judged_units(rows: Sequence[Prediction], protocol: Protocol) -> list[str]:
    """The action units of a protocol that enough clips have for the means."""
    every = UnitPredictions.of(rows)
    return [unit for unit in protocol.classes if every.positives(unit) >= protocol.min_positives]


def paired_unit_score(
    metric: UnitMetric,
    units: Sequence[str],
    rows: Sequence[tuple[Prediction, Prediction]],
    people: Sequence[str],
    protocol: Protocol,
) -> PairedScore:
    """The mean of a metric over action units, from weights of people and of two runs.

    Args:
        metric: the metric.
        units: the action units.
        rows: what both runs predicted of each clip.
        people: names of the people, in the order of the weights.
        protocol: of both runs.

    Raises:
        RunError: there is no action unit to take the mean of.
    """
    if not units:
        raise RunError(f"no action unit has {protocol.min_positives} clips or more that both runs tested")
    both = UnitPredictions.of([pair[side] for side in (0, 1) for pair in rows])
    position = {person: i for i, person in enumerate(people)}
    column = [position[pair[0].subject] + side * len(people) for side in (0, 1) for pair in rows]
    return lambda weights: both.mean(metric, units, protocol, weights.reshape(len(weights), -1)[:, column])


def _parts(protocol: Protocol, folds: Mapping[str, list[Prediction]]) -> dict[str, list[Prediction]]:
    """The predictions of each fold where the protocol averages folds, otherwise of each data set."""
    if protocol.average == "folds":
        return dict(folds)
    rows = [row for own in folds.values() for row in own]
    parts = {name: [row for row in rows if row.dataset == name] for name in protocol.datasets}
    return {name: own for name, own in parts.items() if own}


def _groups(protocol: Protocol, parts: Mapping[str, list[Prediction]]) -> list[list[Prediction]]:
    """What scores are computed of before they are averaged: each fold, or all predictions."""
    if protocol.average == "folds":
        return list(parts.values())
    return [[row for own in parts.values() for row in own]]


def _unit_score(protocol: Protocol, unit: str, every: UnitPredictions) -> UnitScore:
    positives, threshold = every.positives(unit), protocol.threshold
    weights = bootstrap_weights(every.subjects)
    metrics = ordered_unit_metrics()
    drawn = {metric.name: _interval(every.score(metric, unit, threshold, weights)) for metric in metrics}
    return UnitScore(
        number=int(unit),
        positives=positives,
        judged=positives >= protocol.min_positives,
        metrics=_scores(every, unit, threshold),
        intervals={name: interval for name, interval in drawn.items() if interval is not None},
        trivial=_scores(every.always(), unit, threshold),
    )


def _scores(clips: UnitPredictions, unit: str, threshold: float) -> Scores:
    """Every metric of one unit."""
    return {metric.name: _defined(clips.score(metric, unit, threshold)) for metric in ordered_unit_metrics()}


def _mean_scores(
    protocol: Protocol, by_seed: Sequence[Sequence[Sequence[Prediction]]], judged: Sequence[str]
) -> MeanScores:
    """The means of groups of predictions, of each seed; the means of several groups are averaged."""
    groups = [[UnitPredictions.of(own) for own in seed] for seed in by_seed]
    seeds = [_means(protocol, own, judged) for own in groups]
    return MeanScores(
        metrics={name: _defined(float(np.mean([_number(scores[name]) for scores in seeds]))) for name in seeds[0]},
        intervals=_mean_intervals(protocol, groups[0], judged),
        spread=_spread(seeds),
        trivial=_means(protocol, [group.always() for group in groups[0]], judged),
    )


def _means(protocol: Protocol, groups: Sequence[UnitPredictions], judged: Sequence[str]) -> Scores:
    """Every metric as the mean over the judged units, and over the groups."""
    if not judged:
        return {metric.name: None for metric in ordered_unit_metrics()}
    return {
        metric.name: _defined(float(np.mean([group.mean(metric, judged, protocol) for group in groups])))
        for metric in ordered_unit_metrics()
    }


def _mean_intervals(
    protocol: Protocol, groups: Sequence[UnitPredictions], judged: Sequence[str]
) -> dict[str, Interval]:
    """Bootstrap intervals of the means over subjects; each group is drawn on its own."""
    weights = [bootstrap_weights(group.subjects, seed=seed) for seed, group in enumerate(groups)]
    intervals = {}
    for metric in ordered_unit_metrics() if judged else []:
        drawn = [group.mean(metric, judged, protocol, w) for group, w in zip(groups, weights, strict=True)]
        if (interval := _interval(np.mean(drawn, axis=0))) is not None:
            intervals[metric.name] = interval
    return intervals


def _side_score(protocol: Protocol, every: UnitPredictions) -> SideScore:
    columns = [unit_index(unit) for unit in protocol.classes]
    coded, probabilities = every.coded[:, columns], every.probabilities[:, columns]
    drawn = side_accuracy(coded, probabilities, bootstrap_weights(every.subjects))
    return SideScore(
        counts=tuple(map(tuple, count_sides(coded, probabilities, protocol.threshold).tolist())),
        accuracy=_defined(side_accuracy(coded, probabilities, np.ones(len(coded)))),
        interval=_interval(drawn),
    )


def _spread(seeds: Sequence[Scores]) -> dict[str, float]:
    """Standard deviation of each score over the seeds; empty for one seed, or where the seed changes nothing."""
    if all(scores == seeds[0] for scores in seeds):
        return {}
    values = {name: [_number(scores[name]) for scores in seeds] for name in seeds[0]}
    return {name: float(np.std(own, ddof=1)) for name, own in values.items() if not np.isnan(own).any()}


def _warnings(runs: Sequence[RecognitionRun], rows: Sequence[Prediction], judged: Sequence[str]) -> list[str]:
    first = runs[0]
    lines = run_warnings(runs, "folds", "clips", "protocol")
    lines += leak_warnings(first.protocol)
    lines += seen_warnings(first.metadata, len({row.subject for row in rows}))
    lines += [*first.metadata.warnings, *first.metadata.absent]
    lines += face_warnings(rows, "no action unit is predicted for them")
    if not judged:
        lines.append(f"No action unit has {first.protocol.min_positives} clips or more: there is no mean.")
    return lines


def _interval(drawn: np.ndarray) -> Interval | None:
    """The 95 % interval of bootstrap scores, of the samples in which the score is defined."""
    known = drawn[~np.isnan(drawn)]
    return percentile_interval(known) if len(known) else None


def _defined(score: np.ndarray | float) -> float | None:
    return None if np.isnan(score) else float(score)


def _number(score: float | None) -> float:
    return np.nan if score is None else score
