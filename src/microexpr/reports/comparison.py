"""Comparison of two runs on the clips that both have tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..core.errors import RunError, UsageError
from ..experiments.recognition_run import Prediction, RecognitionRun
from ..experiments.run_folder import Run
from ..metrics import METRICS, UNIT_METRICS, Metric, UnitMetric
from ..metrics.comparison import PairedDifference, PairedScore, paired_difference
from ..metrics.recognition import count_by_group
from ..protocols import Protocol
from ._run_group import RunGroup
from ._unit_summary import judged_units, paired_unit_score
from .base import Table
from .settings import tell_apart, with_difference

if TYPE_CHECKING:
    import pandas as pd


SAMPLES, UNIT_SAMPLES = 10_000, 2_000
"""Bootstrap samples of a comparison of classes, and of action units."""


def n_samples(protocol: Protocol) -> int:
    """Bootstrap samples of a comparison; scores of action units take longer."""
    return UNIT_SAMPLES if protocol.multilabel else SAMPLES


@dataclass(frozen=True)
class RunDifference(PairedDifference):
    """How two runs differ by one metric.

    Attributes:
        metric: name of the metric.
        label: what tables call it.
        better: seeds with which the first run is better; None where nothing depends on the seed.
    """

    metric: str
    label: str
    better: int | None

    def as_dict(self) -> dict[str, Any]:
        """The numbers as `report --json` prints them; one that is not defined is null."""
        numbers = {**vars(self), "difference": self.difference}
        del numbers["metric"], numbers["label"]
        return {name: None if value is None or np.isnan(value) else value for name, value in numbers.items()}


Predictions = Mapping[str, tuple[str, Prediction]]
"""Clip id -> its fold and what was predicted of it."""


@dataclass(frozen=True)
class Comparison:
    """Two runs (or two recipes with several seeds each) on the same clips.

    Attributes:
        first: name of the first recipe; of two of one name, with what tells it from the other.
        second: name of the second.
        clips: number of clips that both tested.
        subjects: number of their people.
        left_out: number of clips that only one of them tested.
        seeds: number of seeds that are averaged; 1 where nothing depends on the seed.
        differences: a record for each metric.
    """

    first: str
    second: str
    clips: int
    subjects: int
    left_out: int
    seeds: int
    differences: tuple[RunDifference, ...]

    def as_dict(self) -> dict[str, Any]:
        """The comparison as `report --json` prints it."""
        return {**vars(self), "differences": {record.metric: record.as_dict() for record in self.differences}}

    def to_dataframe(self) -> pd.DataFrame:
        """Return a row for each metric."""
        import pandas as pd

        names = {"first_run": self.first, "second_run": self.second}
        return pd.DataFrame([{**names, "metric": record.metric, **record.as_dict()} for record in self.differences])

    def _repr_html_(self) -> str:
        """The table, for notebooks."""
        return str(self.to_dataframe().to_html())


def compare_runs(
    first: Run | Sequence[Run],
    second: Run | Sequence[Run],
    *,
    metrics: Sequence[str] | None = None,
    n: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Compare two runs on the clips that both have tested.

    The difference of each score has a 95 % interval and a p-value by a paired bootstrap over people, and another
    p-value by a paired permutation test; see `metrics.comparison.paired_difference`. Runs with several seeds are
    averaged over them, if anything depends on the seed.

    Args:
        first: a run, or the runs of one recipe with several seeds.
        second: another run, or the runs of another recipe.
        metrics: names of metrics; those that the protocol names first if left out.
        n: number of bootstrap samples, and of permutations at most.
        seed: the same seed draws the same people.

    Raises:
        UsageError: runs of a kind that cannot be compared, protocols with other classes, or a clip with two labels.
        RunError: no clip was tested by both, or a file of a run is damaged.
        UnknownNameError: there is no such metric.
    """
    firsts, seconds = _recognition_runs(first), _recognition_runs(second)
    _check_protocols([*firsts, *seconds])
    protocol = firsts[0].protocol
    by_seed = [_predictions_by_seed(firsts), _predictions_by_seed(seconds)]
    n_seeds = max(map(len, by_seed))
    differences, pairs = compare_predictions(protocol, *by_seed, metrics=metrics, n=n, seed=seed)
    tested = {clip for own in by_seed for predictions in own for clip in predictions}
    pair = (firsts[0], seconds[0])
    names = [str(run.metadata.recipe["name"]) for run in pair]
    first_name, second_name = map(with_difference, names, tell_apart(pair))
    return Comparison(
        first=first_name,
        second=second_name,
        clips=len(pairs.rows),
        subjects=len(pairs.people),
        left_out=len(tested) - len(pairs.rows),
        seeds=n_seeds,
        differences=differences,
    )


def compare_groups(first: RunGroup, second: RunGroup, metrics: Sequence[str] | None = None) -> Comparison:
    """Compare the runs of two recipes, as `compare_runs`, under the names that they have in their report."""
    found = compare_runs(first.runs, second.runs, metrics=metrics, n=n_samples(first.protocol))
    return replace(found, first=first.name, second=second.name)


def compare_predictions(
    protocol: Protocol,
    first: Sequence[Predictions],
    second: Sequence[Predictions],
    *,
    metrics: Sequence[str] | None = None,
    n: int = 10_000,
    seed: int = 0,
) -> tuple[tuple[RunDifference, ...], Pairs]:
    """Compare what two methods predicted of the same clips, one set of predictions a seed.

    Args:
        protocol: of both.
        first: predictions of the first method, for each seed; a single one stands for all seeds.
        second: those of the second.
        metrics: names of metrics; those that the protocol names first if left out.
        n: number of bootstrap samples, and of permutations at most.
        seed: the same seed draws the same people.

    Returns:
        A record for each metric, and the clips that were compared.

    Raises:
        UsageError, RunError: as `compare_runs`.
    """
    n_seeds = max(len(first), len(second))
    seeds = [_pair(protocol, first[i % len(first)], second[i % len(second)]) for i in range(n_seeds)]
    pairs = seeds[0]
    differences = []
    for name in protocol.primary_metrics if metrics is None else metrics:
        metric = UNIT_METRICS.get(name) if protocol.multilabel else METRICS.get(name)
        scores = [_score(metric, own, protocol) for own in seeds]
        found = paired_difference(_mean(scores), pairs.strata, n=n, seed=seed)
        label = metric_label(name, protocol)
        better = sum(_is_better(score, metric, pairs) for score in scores) if n_seeds > 1 else None
        differences.append(RunDifference(**vars(found), metric=name, label=label, better=better))
    return tuple(differences), pairs


def metric_label(name: str, protocol: Protocol) -> str:
    """What tables of a protocol call a metric."""
    return f"mean {UNIT_METRICS.get(name).label}" if protocol.multilabel else METRICS.get(name).label


def comparison_table(
    comparisons: Sequence[Comparison], first: str, others: Sequence[str], notes: Sequence[str] = ()
) -> Table:
    """A table of the differences between one run and each of some others.

    Args:
        comparisons: all with the same first run.
        first: what the table calls this run.
        others: what it calls the other run of each comparison.
        notes: lines beneath the table.
    """
    rows, notes = [], list(notes)
    with_seeds = any(comparison.seeds > 1 for comparison in comparisons)
    for comparison, name in zip(comparisons, others, strict=True):
        for record in comparison.differences:
            interval = f"{record.low:+.3f} to {record.high:+.3f}"
            cells = [name, record.label, f"{record.difference:+.3f}", interval]
            cells += [_format_p(record.p_bootstrap), _format_p(record.p_permutation)]
            if with_seeds:
                cells.append("" if record.better is None else f"{record.better} of {comparison.seeds}")
            rows.append(tuple(cells))
        notes.append(f"{name}: {comparison.clips} clips of {comparison.subjects} people that both tested")
        if comparison.left_out:
            notes[-1] += f"; {comparison.left_out} clips that only one of them tested are left out"
    notes.append("bootstrap and permutation of people, paired by clip; positive: the first run is higher")
    columns = ["minus", "score", "difference", "95 % over subjects", "p, bootstrap", "p, permutation"]
    if with_seeds:
        columns.append("better with")
        notes.append("better with: the number of seeds with which the first run is better")
    return Table(f"differences: {first} minus each other run", tuple(columns), tuple(rows), "\n".join(notes))


def _format_p(p: float) -> str:
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


@dataclass(frozen=True)
class Pairs:
    """What two runs of one seed predicted of the clips that both tested.

    Attributes:
        rows: (first, second) prediction of each clip.
        groups: the rows that are scored together: all, or those of each fold where the protocol averages folds.
        people: names of the people, sorted.
        strata: number of each person's group; people are drawn within it.
    """

    rows: Sequence[tuple[Prediction, Prediction]]
    groups: Sequence[Sequence[tuple[Prediction, Prediction]]]
    people: Sequence[str]
    strata: Sequence[int]


def _recognition_runs(given: Run | Sequence[Run]) -> list[RecognitionRun]:
    runs = list(given) if isinstance(given, Sequence) else [given]
    if not runs or not all(isinstance(run, RecognitionRun) for run in runs):
        kinds = ", ".join(sorted({run.kind for run in runs})) or "nothing"
        raise UsageError(f"{kinds} cannot be compared clip by clip; give runs of recognition or of action units")
    return cast("list[RecognitionRun]", runs)


def _check_protocols(runs: Sequence[RecognitionRun]) -> None:
    """Check that the scores of all runs mean the same."""
    first = runs[0]
    for run in runs:
        for what in ("multilabel", "classes", "average", "undefined_as_chance"):
            mine, other = (getattr(one.protocol, what) for one in (first, run))
            if mine != other and not (what == "classes" and sorted(mine) == sorted(other)):
                raise UsageError(
                    f"'{first.folder}' and '{run.folder}' cannot be compared: the {what} of their protocols differ, "
                    f"{mine} and {other}"
                )
        if run.synthetic != first.synthetic:
            raise UsageError(f"one of '{first.folder}' and '{run.folder}' is on synthetic faces, the other is not")


def _predictions_by_seed(runs: Sequence[RecognitionRun]) -> list[dict[str, tuple[str, Prediction]]]:
    """Clip id -> (fold, prediction), for each seed; for one only, where all seeds predict the same."""
    every = [
        {row.id: (fold, row) for fold in run.done() for row in run.fold_predictions(fold)}
        for run in sorted(runs, key=lambda run: run.metadata.seed)
    ]
    return every[:1] if all(own == every[0] for own in every) else every


def _pair(
    protocol: Protocol, first: Mapping[str, tuple[str, Prediction]], second: Mapping[str, tuple[str, Prediction]]
) -> Pairs:
    """Pair the predictions of two runs by clip.

    Raises:
        RunError: no clip was tested by both.
        UsageError: a clip has two labels.
    """
    clips = sorted(first.keys() & second.keys())
    if not clips:
        raise RunError("these runs have no tested clip in common; compare runs on the same data")
    rows = [(first[clip][1], second[clip][1]) for clip in clips]
    if wrong := next((a for a, b in rows if a.label != b.label), None):
        other = second[wrong.id][1].label
        raise UsageError(f"'{wrong.id}' is '{wrong.label}' in one run and '{other}' in the other; compare equal labels")
    folds = [first[clip][0] if protocol.average == "folds" else "" for clip in clips]
    names, people = sorted(set(folds)), sorted({a.subject for a, _ in rows})
    fold_of = {a.subject: fold for (a, _), fold in zip(rows, folds, strict=True)}
    groups = [[pair for pair, fold in zip(rows, folds, strict=True) if fold == name] for name in names]
    return Pairs(rows, groups, people, [names.index(fold_of[person]) for person in people])


def _score(metric: Metric | UnitMetric, pairs: Pairs, protocol: Protocol) -> PairedScore:
    """The score of one seed."""
    if isinstance(metric, Metric):
        return _mean([_class_score(metric, group, pairs.people, protocol.classes) for group in pairs.groups])
    judged = judged_units([row for row, _ in pairs.rows], protocol)
    return _mean([paired_unit_score(metric, judged, group, pairs.people, protocol) for group in pairs.groups])


def _class_score(
    metric: Metric, rows: Sequence[tuple[Prediction, Prediction]], people: Sequence[str], classes: Sequence[str]
) -> PairedScore:
    """The score from the counts of each person, or, of a metric that has none, from the clips themselves."""
    labels = [a.label for a, _ in rows] * 2
    predicted = [pair[side].predicted for side in (0, 1) for pair in rows]
    position = {person: i for i, person in enumerate(people)}
    column = np.array([position[a.subject] + side * len(people) for side in (0, 1) for a, _ in rows])

    def from_clips(weights: np.ndarray) -> np.ndarray:
        scores = []
        for row in weights.reshape(len(weights), -1).astype(np.int64):
            chosen = np.repeat(np.arange(len(labels)), row[column]).tolist()
            scores.append(metric.function([labels[i] for i in chosen], [predicted[i] for i in chosen], classes))
        return np.array(scores)

    if metric.from_counts is None:
        return from_clips
    from_counts, present = metric.from_counts, np.unique(column)
    counts = count_by_group(labels, predicted, classes, [f"{c:09d}" for c in column], "people")
    return lambda weights: from_counts(np.tensordot(weights.reshape(len(weights), -1)[:, present], counts, axes=1))


def _mean(scores: Sequence[PairedScore]) -> PairedScore:
    """The mean of several scores."""
    return lambda weights: np.mean([score(weights) for score in scores], axis=0)


def _is_better(score: PairedScore, metric: Metric | UnitMetric, pairs: Pairs) -> bool:
    """Whether the first run is better by one score."""
    ones, none = np.ones(len(pairs.people)), np.zeros(len(pairs.people))
    first, second = score(np.stack([[ones, none], [none, ones]]))
    return bool(first != second and (first > second) == metric.higher_is_better)
