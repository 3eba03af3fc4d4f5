"""What each way to choose the epoch scores, from runs that kept what every epoch predicts."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..experiments.epoch_predictions import FoldEpochs
from ..experiments.recognition_run import Prediction, RecognitionRun
from ..metrics import METRICS, Metric
from .comparison import Predictions, RunDifference, compare_predictions
from .tables import LEAKY

LAST, INNER, ONE_EPOCH, EACH_FOLD = (
    "last",
    "by inner folds",
    f"best for all {LEAKY}",
    f"best of each fold {LEAKY}",
)

MEANINGS = (
    "last: fixed beforehand; by inner folds: chosen for each test fold on its training people, held out in turn",
    f"{LEAKY} chosen on the test people, one for all or one for each test fold: such a number is not comparable",
)


@dataclass(frozen=True)
class EpochChoice:
    """One way to choose the epoch, and what it scores.

    Attributes:
        name: what tables call it.
        clean: whether no test person took part in the choice.
        scores: metric -> score, 0 to 1, the mean over the seeds.
        lift: metric -> difference to the last epoch, with its interval over people; empty for the last epoch itself.
        epochs: range of the epochs that were chosen, over folds and seeds.
    """

    name: str
    clean: bool
    scores: Mapping[str, float]
    lift: Mapping[str, RunDifference]
    epochs: tuple[int, int]


def epoch_choices(runs: Sequence[RecognitionRun]) -> list[EpochChoice]:
    """Score each way to choose the epoch.

    Args:
        runs: of one recipe, a run for each seed, with the predictions of every epoch.

    Raises:
        RunError: the epochs of a run were not kept.
    """
    protocol = runs[0].protocol
    first = METRICS.get(protocol.primary_metrics[0])
    chosen: dict[str, list[tuple[Predictions, list[int]]]] = defaultdict(list)
    for kept in map(KeptEpochs, runs):
        for name, choose in kept.ways(first).items():
            chosen[name].append(kept.predicted(choose))
    last = [predictions for predictions, _ in chosen[LAST]]
    found = []
    for name, own in chosen.items():
        differences, _ = compare_predictions(protocol, [predictions for predictions, _ in own], last)
        epochs = [epoch for _, every in own for epoch in every]
        found.append(
            EpochChoice(
                name,
                clean=name in (LAST, INNER),
                scores={record.metric: record.first for record in differences},
                lift={} if name == LAST else {record.metric: record for record in differences},
                epochs=(min(epochs), max(epochs)),
            )
        )
    return found


class KeptEpochs:
    """A run and what every epoch of its folds predicts.

    Args:
        run: the run, complete.
    """

    def __init__(self, run: RecognitionRun) -> None:
        self.run = run
        self.classes = run.protocol.classes
        self.folds = {fold: FoldEpochs.read(run, fold) for fold in run.unit_names}

    @cached_property
    def labels(self) -> dict[str, str]:
        """Clip id -> its class."""
        return {row.id: row.label for fold in self.folds for row in self.run.fold_predictions(fold)}

    @property
    def epochs(self) -> np.ndarray:
        """(E,) the epochs that were kept, from 1."""
        return next(iter(self.folds.values())).epochs

    @property
    def with_inner(self) -> bool:
        """Whether training people were held out in every fold."""
        return all(fold.held_out_ids for fold in self.folds.values())

    def test_scores(self, metric: Metric) -> np.ndarray:
        """(E,) score of each epoch on the test people, pooled over the folds."""
        truth = [self.labels[clip] for fold in self.folds.values() for clip in fold.test_ids]
        guesses = np.concatenate([fold.test_predicted for fold in self.folds.values()], axis=1)
        return np.array([metric.function(truth, [self.classes[c] for c in row], self.classes) for row in guesses])

    def inner_scores(self, metric: Metric, fold: str) -> np.ndarray:
        """(E,) score of each epoch on the training people of a fold, held out in turn."""
        own = self.folds[fold]
        truth = [self.classes[c] for c in own.held_out_labels]
        rows = own.held_out_predicted
        return np.array([metric.function(truth, [self.classes[c] for c in row], self.classes) for row in rows])

    def ways(self, metric: Metric) -> dict[str, Callable[[str], int]]:
        """Way to choose -> a function from the name of a fold to the position of its epoch; of equal ones the first."""
        last, one = len(self.epochs) - 1, int(np.argmax(self.test_scores(metric)))
        ways: dict[str, Callable[[str], int]] = {LAST: lambda fold: last}
        if self.with_inner:
            ways[INNER] = lambda fold: int(np.argmax(self.inner_scores(metric, fold)))
        return {**ways, ONE_EPOCH: lambda fold: one, EACH_FOLD: self._best_on_test_fold}

    def predicted(self, choose: Callable[[str], int]) -> tuple[Predictions, list[int]]:
        """Clip id -> fold and prediction of the chosen epochs, and the epochs."""
        predictions: dict[str, tuple[str, Prediction]] = {}
        epochs = []
        for name, fold in self.folds.items():
            position = choose(name)
            epochs.append(int(fold.epochs[position]))
            classes = dict(zip(fold.test_ids, fold.test_predicted[position], strict=True))
            for row in self.run.fold_predictions(name):
                label = self.classes[classes[row.id]] if row.face_found else ""
                predictions[row.id] = (name, dataclasses.replace(row, predicted=label))
        return predictions, epochs

    def _best_on_test_fold(self, name: str) -> int:
        """The position of the epoch with the most correct test clips of a fold."""
        fold = self.folds[name]
        truth = np.array([self.classes.index(self.labels[clip]) for clip in fold.test_ids])
        return int(np.argmax((fold.test_predicted == truth).sum(axis=1)))
