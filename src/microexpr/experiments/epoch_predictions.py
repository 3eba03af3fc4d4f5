"""A run that also keeps what every epoch predicts, of the test subject and of training subjects held out in turn.

An audit compares what an epoch that was fixed beforehand, or chosen on training subjects, scores with what choosing it
on the test subject would have printed. No choice is made here: the run itself is that of the last epoch.

<run>/epochs/<fold>.npz    epochs (E,); test_ids (n,), test_predicted (E, n) positions in the classes; and, of the
                           training clips, each held out once, held_out_ids (m,), held_out_actual (m,) labels and
                           held_out_predicted (E, m)

A task that predicts something else than a class keeps that, see `EpochJob.outputs`: one or more numbers a clip.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..core.clip import Sample
from ..core.errors import RunError, UsageError
from ..core.files import unique_file_name, write_atomically
from ..core.group_folds import assign_folds
from ..protocols import Protocol
from ..recipes import RecognitionRecipe
from ..recognizers import RECOGNIZERS, Recognizer
from ..recognizers.base import Fit
from ..recognizers.epochs import TrainedInEpochs
from .fold_jobs import FoldJob, FoldResult, trained
from .recognition_folds import FoldEvaluation
from .recognition_run import KEPT_EPOCHS, RecognitionRun
from .run_folder import fold_seed

INNER_FOLDS = 3
"""Parts of the training subjects that are held out in turn, to choose an epoch without the test subject."""


@dataclass(frozen=True)
class FoldEpochs:
    """What every kept epoch of a fold predicts.

    Attributes:
        epochs: (E,) epochs, from 1; the last one is the run's own.
        test_ids: n ids of test clips.
        test_predicted: (E, n, ...) what each predicts of the test clips, e.g. positions in the classes.
        held_out_ids: m ids of training clips, each held out in one of the inner trainings; 0 where none could be.
        held_out_actual: labels of them.
        held_out_predicted: (E, m, ...) what each predicts of them.
    """

    epochs: np.ndarray
    test_ids: tuple[str, ...]
    test_predicted: np.ndarray
    held_out_ids: tuple[str, ...]
    held_out_actual: tuple[str, ...]
    held_out_predicted: np.ndarray

    def to_bytes(self) -> bytes:
        """Return the content of the file of a fold."""
        content = io.BytesIO()
        arrays = {name: np.asarray(value) for name, value in vars(self).items()}
        np.savez_compressed(content, **arrays)  # type: ignore[arg-type]  # one of its own arguments is a bool
        return content.getvalue()

    @classmethod
    def read(cls, run: RecognitionRun, fold: str) -> FoldEpochs:
        """Read the file of a fold.

        Raises:
            RunError: it is not there, or damaged.
        """
        path = _path(run, fold)
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays: dict[str, Any] = {name: stored[name] for name in cls.__dataclass_fields__}
        except FileNotFoundError:
            raise RunError(f"'{run.folder}' is a run whose epochs were not kept; choose another --out") from None
        except (OSError, ValueError, KeyError) as error:
            raise RunError(f"'{path}' is damaged ({type(error).__name__}: {error}); delete the run") from None
        for name in ("test_ids", "held_out_ids", "held_out_actual"):
            arrays[name] = tuple(map(str, arrays[name]))
        return cls(**arrays)


@dataclass(frozen=True)
class EpochResult(FoldResult):
    """What a worker returns, and what every epoch predicts."""

    epochs: FoldEpochs | None = None


@dataclass(frozen=True, kw_only=True)
class EpochJob(FoldJob):
    """A fold that is trained as ever, and once more for each part of its training subjects that is held out.

    Attributes:
        keep_every: epochs between two that are kept.
        inner_folds: parts of the training subjects that are held out in turn; below 2 there are none.
    """

    keep_every: int = 1
    inner_folds: int = INNER_FOLDS

    def saved_model(self) -> None:
        """None: a model that was trained before tells nothing of its epochs."""

    def fits(self, train: Sequence[Sample], labels: Sequence[str], samples: Mapping[str, Sample]) -> list[Fit]:
        """The recognizer of the fold, and one for each inner fold; each predicts after every kept epoch."""
        folds = self._inner(train)
        every = super().fits(train, labels, samples)
        self._keep(every[0].recognizer, [samples[name] for name in self.test])
        for part in np.unique(folds):
            kept, held = np.flatnonzero(folds != part).tolist(), np.flatnonzero(folds == part).tolist()
            arguments = {**self.arguments, "seed": fold_seed(self.arguments["seed"], f"inner-{part}"), "folder": None}
            recognizer = RECOGNIZERS.build(self.recognizer, **arguments)
            self._keep(recognizer, [train[i] for i in held])
            own = [train[i] for i in kept], [labels[i] for i in kept]
            every.append(Fit(recognizer, *own, init=self.initial_weights))
        return every

    def result(
        self,
        fitted: Iterator[Recognizer | Exception],
        train: Sequence[Sample],
        labels: Sequence[str],
        samples: Mapping[str, Sample],
    ) -> EpochResult:
        """Collect what every epoch predicted: the first recognizer the test clips, each inner one those held out."""
        recognizer = trained(next(fitted))
        own = super().result(iter((recognizer,)), train, labels, samples)
        tested = _kept(recognizer)
        folds, inner, ids = self._inner(train), [], []
        for part in np.unique(folds):
            inner.append(_kept(trained(next(fitted))))
            ids += np.flatnonzero(folds == part).tolist()
        predicted = np.stack(list(tested.values()))
        epochs = FoldEpochs(
            np.array(list(tested)),
            self.test,
            predicted,
            tuple(train[i].id for i in ids),
            tuple(labels[i] for i in ids),
            np.concatenate([np.stack(list(part.values())) for part in inner], axis=1) if inner else predicted[:, :0],
        )
        return EpochResult(**vars(own), epochs=epochs)

    def _inner(self, train: Sequence[Sample]) -> np.ndarray:
        """(n,) the inner fold of each training clip; empty where there are none."""
        people = [sample.clip.subject for sample in train]
        if self.inner_folds < 2 or len(set(people)) < self.inner_folds:
            return np.zeros(0, np.int64)
        return assign_folds(people, self.inner_folds)

    def outputs(self, recognizer: Recognizer, samples: Sequence[Sample]) -> np.ndarray:
        """(n, ...) what is kept of the clips: the positions of the predicted classes."""
        classes = list(self.arguments["classes"])
        return np.array([classes.index(label) for label in recognizer.predict(samples)], np.int16)

    def _keep(self, recognizer: Recognizer, samples: Sequence[Sample]) -> None:
        """Let a recognizer keep its outputs for some clips after every kept epoch."""
        assert isinstance(recognizer, TrainedInEpochs)  # `EpochEvaluation` checks it
        recognizer.keep_every = self.keep_every
        recognizer.after_epoch = partial(self.outputs, samples=samples)


def _kept(recognizer: Recognizer) -> dict[int, np.ndarray]:
    """Epoch -> (n, ...) outputs."""
    assert isinstance(recognizer, TrainedInEpochs)
    return recognizer.outputs_by_epoch_


class EpochEvaluation(FoldEvaluation):
    """Recognition whose epochs are kept.

    Args:
        keep_every: epochs between two that are kept; the last is always kept.
        inner_folds: parts of the training subjects that are held out in turn; below 2 there are none.
    """

    job_class: ClassVar[type[EpochJob]] = EpochJob

    def __init__(self, keep_every: int = 1, inner_folds: int = INNER_FOLDS) -> None:
        self.keep_every, self.inner_folds = keep_every, inner_folds

    def check(self, recognizer: Recognizer, protocol: Protocol) -> None:
        """Check that the last stage's recognizer is trained in epochs.

        Raises:
            UsageError: it is not.
        """
        super().check(recognizer, protocol)
        if not keeps_epochs(recognizer):
            raise UsageError(f"recognizer '{recognizer.name}' is not trained in epochs: there is no epoch to choose")

    def inputs(self) -> dict[str, str]:
        """Which epochs are kept, and the number of inner folds."""
        return {KEPT_EPOCHS: f"every {self.keep_every}", "inner folds": str(self.inner_folds)}

    def job(self, **fields: Any) -> EpochJob:
        """Build the job of a fold."""
        return self.job_class(keep_every=self.keep_every, inner_folds=self.inner_folds, **fields)

    def save(self, run: RecognitionRun, job: FoldJob, result: FoldResult) -> None:
        """Write what every epoch predicts."""
        assert isinstance(result, EpochResult) and result.epochs is not None
        write_atomically(_path(run, job.fold), result.epochs.to_bytes())


def keeps_epochs(recognizer: Recognizer) -> bool:
    """Whether a recognizer is trained in epochs that can be kept."""
    return isinstance(recognizer, TrainedInEpochs)


def recipe_keeps_epochs(recipe: RecognitionRecipe) -> bool:
    """Whether a recipe's last stage has a recognizer whose epochs can be kept."""
    return keeps_epochs(RECOGNIZERS.build(recipe.final_stage.recognizer, classes=recipe.protocol.classes))


def _path(run: RecognitionRun, fold: str) -> Path:
    return run.folder / "epochs" / f"{unique_file_name(fold)}.npz"
