"""One fold of an evaluation: what a worker gets, what it does, and what it returns.

A job has the labels of training clips and the ids of test clips; the labels of test clips never leave the process that
evaluates. A task that predicts something else is a subclass of `FoldJob`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..core.clip import Sample
from ..core.executors import Outcome, SharedFunction, attempt
from ..core.progress import report_inner
from ..metrics.recognition import confusion_matrix
from ..recognizers import RECOGNIZERS, Recognizer
from ..recognizers.base import Fit
from ..recognizers.network_summary import network_summary
from .runner import Job
from .stages import drop_faceless, is_saved_model

MAX_TRAIN_PREDICTIONS = 2000
"""Maximum number of training clips of a fold that its model predicts for the confusion matrix of training."""

PREDICTION_BATCH = 256
"""Training clips that are predicted at a time, so that memory stays bounded."""


@dataclass(frozen=True, kw_only=True)
class FoldJob(Job):
    """What a worker needs to train and predict one fold; the labels of test clips are not part of it.

    Attributes:
        fold: Name of the fold.
        recognizer: Table of the recognizer.
        arguments: Further arguments of the recognizer: classes, seed, fold, folder.
        train: Ids of the training clips.
        labels: Class of each training clip.
        test: Ids of the test clips.
        initial_weights: Weights of the stage before; None starts from random weights.
        cache_path: File in the cache for the model, in which a recipe that starts from this stage finds it.
        model_path: File in the run for the model; None does not save it there.
        metadata: Metadata of a saved model.
        summarize_network: Whether to return the layers of the network.
    """

    fold: str
    recognizer: dict[str, Any]
    arguments: dict[str, Any]
    train: tuple[str, ...]
    labels: tuple[str, ...]
    test: tuple[str, ...]
    initial_weights: Mapping[str, np.ndarray] | None
    cache_path: Path | None = None
    model_path: Path | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    summarize_network: bool = False

    @property
    def files(self) -> list[Path]:
        """The files to which the model is written."""
        return [path for path in (self.cache_path, self.model_path) if path is not None]

    def training_clips(self, samples: Mapping[str, Sample]) -> tuple[list[Sample], list[str]]:
        """Samples and labels of the training clips in which a face was found."""
        return drop_faceless([samples[name] for name in self.train], self.labels)

    def saved_model(self) -> Recognizer | None:
        """The model of the fold that was trained before, None if there is none."""
        path = next((path for path in self.files if is_saved_model(path)), None)
        return None if path is None else Recognizer.load(path)

    def fits(self, train: Sequence[Sample], labels: Sequence[str], samples: Mapping[str, Sample]) -> list[Fit]:
        """What is trained: one recognizer, on all training clips.

        Args:
            train: Training clips in which a face was found.
            labels: Class of each of them.
            samples: Samples of all clips by id; nothing is trained on others than `train`.
        """
        return [Fit(RECOGNIZERS.build(self.recognizer, **self.arguments), train, labels, init=self.initial_weights)]

    def result(
        self,
        fitted: Iterator[Recognizer | Exception],
        train: Sequence[Sample],
        labels: Sequence[str],
        samples: Mapping[str, Sample],
    ) -> FoldResult:
        """Save the fitted recognizer and predict the test clips.

        Args:
            fitted: What `fits` asked for, in this order; or a model that was saved before.
            train: Training clips in which a face was found.
            labels: Class of each of them.
            samples: Samples of all clips by id.

        Raises:
            Exception: the one that ended its training.
        """
        recognizer = trained(next(fitted))
        for path in self.files:
            if not path.is_file():
                recognizer.save(path, self.metadata)
        test = [samples[name] for name in self.test]
        probabilities = self.predict(recognizer, test)
        return FoldResult(
            probabilities=probabilities,
            predicted=self.predicted(recognizer, test),
            notes=tuple(sample.notes for sample in test),
            face_found=tuple(sample.face_found for sample in test),
            curves=tuple(recognizer.history_),
            # Computed after the predictions, so that it cannot change them.
            train_confusion=self.train_confusion(recognizer, train, labels) if train else None,
            network=network_summary(recognizer, test[0]) if self.summarize_network else None,
        )

    def predict(self, recognizer: Recognizer, samples: Sequence[Sample]) -> np.ndarray:
        """(n, outputs) probabilities of test clips, 0 to 1; the outputs are the columns of the run."""
        return recognizer.predict_proba(samples)

    def predicted(self, recognizer: Recognizer, samples: Sequence[Sample]) -> tuple[str, ...]:
        """The class of each test clip as the recognizer says it; empty for tasks that read it from probabilities."""
        return tuple(recognizer.predict(samples))

    def train_confusion(
        self, recognizer: Recognizer, samples: Sequence[Sample], labels: Sequence[str]
    ) -> np.ndarray | None:
        """The confusion counts of training clips; None where there is none, or for tasks without them."""
        return confusion_on_training_clips(recognizer, samples, labels) if samples else None


def trained(recognizer: Recognizer | Exception) -> Recognizer:
    """A fitted recognizer, or the exception that ended its training, raised."""
    if isinstance(recognizer, Exception):
        raise recognizer
    return recognizer


@dataclass(frozen=True)
class FoldResult:
    """What a worker returns.

    Attributes:
        probabilities: (test clips, outputs), 0 to 1; the outputs of recognition are the classes.
        predicted: What the recognizer says of each test clip; empty for tasks that read it from the probabilities.
        notes: What the steps noted of each test clip.
        face_found: Whether a face was found in each test clip; True where no step searches for one.
        curves: Training curves, a row for each epoch.
        train_confusion: (classes, classes) counts of the model's predictions for its own training clips; rows are
            labels.
        network: Layers of the network; None where they were not requested, or where there is no network.
    """

    probabilities: np.ndarray
    predicted: tuple[str, ...]
    notes: tuple[Mapping[str, str], ...]
    face_found: tuple[bool, ...]
    curves: tuple[Mapping[str, float], ...]
    train_confusion: np.ndarray | None = None
    network: Mapping[str, Any] | None = None


def run_fold(job: FoldJob, samples: Mapping[str, Sample]) -> FoldResult:
    """Train on one fold and predict it; clips without a face are not trained on."""
    saved, progress = job.saved_model(), report_inner(f"training fold '{job.fold}'")
    train, labels = job.training_clips(samples)
    fitted = iter((saved,)) if saved else (fit.run(progress) for fit in job.fits(train, labels, samples))
    return job.result(fitted, train, labels, samples)


def run_folds(jobs: Sequence[FoldJob], samples: Mapping[str, Sample]) -> Iterator[Outcome]:
    """Train on many folds at once and predict each; every clip is read once.

    Yields:
        A `FoldResult` or a failure for each job, in their order, equal to what `run_fold` gives.
    """
    samples = {name: samples[name] for name in sorted({name for job in jobs for name in (*job.train, *job.test)})}
    saved = [job.saved_model() for job in jobs]
    trains = [job.training_clips(samples) for job in jobs]
    fits = [[] if model else job.fits(*train, samples) for job, model, train in zip(jobs, saved, trains, strict=True)]
    every = [fit for own in fits for fit in own]
    fitted = type(every[0].recognizer).fit_many(every) if every else iter(())
    for job, model, train, own in zip(jobs, saved, trains, fits, strict=True):
        models = iter((model,)) if model else islice(fitted, len(own))
        yield attempt(lambda job, given: job.result(*given, samples), job, (models, *train))
        for _ in models:
            pass  # those that a failed job has not asked for


RUN_FOLD = SharedFunction(run_fold, run_folds)
"""Trains and predicts folds, one or many at once."""


def confusion_on_training_clips(recognizer: Recognizer, samples: Sequence[Sample], labels: Sequence[str]) -> np.ndarray:
    """(classes, classes) counts of a model's predictions for its own training clips; rows are labels.

    At most `MAX_TRAIN_PREDICTIONS` clips are predicted, evenly chosen.
    """
    count = min(len(samples), MAX_TRAIN_PREDICTIONS)
    chosen = sorted({round(index) for index in np.linspace(0, len(samples) - 1, count)})
    predicted: list[str] = []
    for first in range(0, len(chosen), PREDICTION_BATCH):
        predicted += recognizer.predict([samples[index] for index in chosen[first : first + PREDICTION_BATCH]])
    return confusion_matrix([labels[index] for index in chosen], predicted, recognizer.classes)
