"""What each way to choose the epoch scores, from runs that kept what every epoch predicts."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..experiments.epoch_predictions import FoldEpochs
from ..experiments.recognition_run import Prediction, RecognitionRun
from ..metrics import METRICS, UNIT_METRICS
from ._unit_predictions import UnitPredictions
from .comparison import Predictions, RunDifference, compare_predictions, n_samples
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
    chosen: dict[str, list[tuple[Predictions, list[int]]]] = defaultdict(list)
    for kept in map(KeptEpochs.of, runs):
        for name, choose in kept.ways().items():
            chosen[name].append(kept.predicted(choose))
    last = [predictions for predictions, _ in chosen[LAST]]
    found = []
    for name, own in chosen.items():
        tested = [predictions for predictions, _ in own]
        differences, _ = compare_predictions(protocol, tested, last, n=n_samples(protocol))
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
    """A run and what every epoch of its folds predicts; epochs are compared by the protocol's first metric.

    Args:
        run: the run, complete.
    """

    def __init__(self, run: RecognitionRun) -> None:
        self.run = run
        self.classes = run.protocol.classes
        self.folds = {fold: FoldEpochs.read(run, fold) for fold in run.unit_names}

    @staticmethod
    def of(run: RecognitionRun) -> KeptEpochs:
        """The kept epochs of a run of classes or of action units."""
        return KeptUnitEpochs(run) if run.protocol.multilabel else KeptEpochs(run)

    @cached_property
    def labels(self) -> dict[str, str]:
        """Clip id -> its label."""
        return {row.id: row.label for fold in self.folds for row in self.run.fold_predictions(fold)}

    @property
    def epochs(self) -> np.ndarray:
        """(E,) the epochs that were kept, from 1."""
        return next(iter(self.folds.values())).epochs

    @property
    def with_inner(self) -> bool:
        """Whether training people were held out in every fold."""
        return all(fold.held_out_ids for fold in self.folds.values())

    def test_scores(self) -> np.ndarray:
        """(E,) score of each epoch on the test people, pooled over the folds."""
        actual = [self.labels[clip] for fold in self.folds.values() for clip in fold.test_ids]
        return self._scores(actual, np.concatenate([fold.test_predicted for fold in self.folds.values()], axis=1))

    def inner_scores(self, fold: str) -> np.ndarray:
        """(E,) score of each epoch on the training people of a fold, held out in turn."""
        return self._scores(self.folds[fold].held_out_actual, self.folds[fold].held_out_predicted)

    def _scores(self, actual: Sequence[str], predicted: np.ndarray) -> np.ndarray:
        """(E,) scores of what each epoch predicts of clips with these labels."""
        metric = METRICS.get(self.run.protocol.primary_metrics[0])
        return np.array([metric.function(actual, [self.classes[c] for c in row], self.classes) for row in predicted])

    def ways(self) -> dict[str, Callable[[str], int]]:
        """Way to choose -> a function from the name of a fold to the position of its epoch; of equal ones the first."""
        last, one = len(self.epochs) - 1, int(np.argmax(self.test_scores()))
        ways: dict[str, Callable[[str], int]] = {LAST: lambda fold: last}
        if self.with_inner:
            ways[INNER] = lambda fold: int(np.argmax(self.inner_scores(fold)))
        return {**ways, ONE_EPOCH: lambda fold: one, EACH_FOLD: self._best_on_test_fold}

    def predicted(self, choose: Callable[[str], int]) -> tuple[Predictions, list[int]]:
        """Clip id -> fold and prediction of the chosen epochs, and the epochs."""
        predictions: dict[str, tuple[str, Prediction]] = {}
        epochs = []
        for name, fold in self.folds.items():
            position = choose(name)
            epochs.append(int(fold.epochs[position]))
            outputs = dict(zip(fold.test_ids, fold.test_predicted[position], strict=True))
            for row in self.run.fold_predictions(name):
                predictions[row.id] = (name, self._replaced(row, outputs[row.id]))
        return predictions, epochs

    def _replaced(self, row: Prediction, output: Any) -> Prediction:
        """A prediction with what another epoch predicts."""
        return dataclasses.replace(row, predicted=self.classes[output] if row.face_found else "")

    def _best_on_test_fold(self, name: str) -> int:
        """The position of the epoch with the most correct test clips of a fold."""
        fold = self.folds[name]
        truth = np.array([self.classes.index(self.labels[clip]) for clip in fold.test_ids])
        return int(np.argmax((fold.test_predicted == truth).sum(axis=1)))


class KeptUnitEpochs(KeptEpochs):
    """A run of action units and the probabilities of every epoch; the score is the mean over the judged units."""

    def _scores(self, actual: Sequence[str], predicted: np.ndarray) -> np.ndarray:
        protocol = self.run.protocol
        metric = UNIT_METRICS.get(protocol.primary_metrics[0])
        epochs = [UnitPredictions.of_labels(actual, row) for row in predicted]
        units = [unit for unit in protocol.classes if epochs[0].positives(unit) >= protocol.min_positives]
        if not units:
            return np.zeros(len(epochs))
        return np.nan_to_num([epoch.mean(metric, units, protocol) for epoch in epochs])

    def _replaced(self, row: Prediction, output: Any) -> Prediction:
        return dataclasses.replace(row, probabilities=tuple(map(float, output)))

    def _best_on_test_fold(self, name: str) -> int:
        """The position of the epoch with the highest score on a test fold."""
        fold = self.folds[name]
        return int(np.argmax(self._scores([self.labels[clip] for clip in fold.test_ids], fold.test_predicted)))
