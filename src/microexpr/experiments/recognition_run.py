"""The run folder of recognition.

<run>/run.json                       recipe, protocol, data, folds with their subjects, seed; the first file written
<run>/folds/<fold>.csv               id, dataset, subject, label, predicted, p_<class> ..., note
<run>/folds/<fold>.error             error message of a failed fold; removed when the fold succeeds
<run>/curves/<fold>.csv              training curves
<run>/train_confusion/<fold>.csv     confusion counts of the fold's own training clips; no score
<run>/network.json                   layers, shapes and weights of the first fold's network
<run>/timing.csv                     how long the folds took, a row for each time the run was worked on; no result
<run>/stages.json                    for each stage: what it started from, what it was trained on, its curves
<run>/examples/                      a few clips for the report
<run>/models/<fold>.safetensors      the fold's model, with --save-models
<run>/training/<fold>/               TensorBoard's files, and a checkpoint while the fold is under way
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import RunError
from ..core.files import CHECKPOINT, unique_file_name, write_atomically
from ..core.registry import names_of
from ..protocols import Fold, Protocol, load_protocol
from .run_folder import Run, RunMetadata, read_json, write_json

if TYPE_CHECKING:
    import pandas as pd


TIMING = "timing.csv"

KEPT_EPOCHS = "kept epochs"
"""What a run whose epochs were kept has among its inputs; see `epoch_predictions`."""

NO_FACE = {"face": "not found"}
"""The note of a prediction for a clip in which no face was found."""


@dataclass(frozen=True)
class Prediction:
    """The prediction for one test clip.

    Attributes:
        id: Id of the clip.
        dataset: Its data set.
        subject: Its subject.
        label: Class of the clip.
        predicted: The class that the recognizer says, which need not be the most probable one; "" for a clip without a
            prediction (no face found), which counts as wrong.
        probabilities: Probability of each output of the run, 0 to 1; those of classes sum to 1.
        note: What the steps noted about the clip.
    """

    id: str
    dataset: str
    subject: str
    label: str
    predicted: str
    probabilities: tuple[float, ...]
    note: str = ""

    @property
    def face_found(self) -> bool:
        """Whether a face was found in the clip."""
        return not any(f"{key}: {value}" in self.note.split("; ") for key, value in NO_FACE.items())


@dataclass(frozen=True, kw_only=True)
class RecognitionMetadata(RunMetadata):
    """Metadata of a run of recognition.

    Attributes:
        protocol: The whole protocol of the last stage.
        folds: Of each fold: `name`, `train_subjects`, `train_clips` (their number) and `test` (ids of its test clips).
        seen: Test subjects whom a saved model was trained on, or may have been.
        stills: Whether every clip is one image: there is no onset, apex or offset to reveal.
        labels: Name of the csv of labels; "" for the labels of the releases.
        absent: Clips without a readable label, and subjects without a clip of the task: a line for each data set.
        warnings: What a reader must know of the steps before quoting a number.
    """

    kind: str = "recognition"
    protocol: dict[str, Any]
    folds: list[dict[str, Any]]
    seen: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    stills: bool = False
    labels: str = ""

    @property
    def identity(self) -> dict[str, Any]:
        """What must be equal for a run to be continued; a protocol of an earlier version has newer fields' defaults."""
        return {**super().identity, "protocol": asdict(load_protocol(self.protocol)), "folds": self.folds}


class RecognitionRun(Run):
    """A run of recognition on disk; its units are folds."""

    kind = "recognition"
    metadata_class = RecognitionMetadata
    unit = "fold"
    suffix = "csv"

    metadata: RecognitionMetadata

    @cached_property
    def protocol(self) -> Protocol:
        """The protocol as it was when the run began."""
        with names_of(f"run '{self.folder}'"):
            return load_protocol(self.metadata.protocol)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the probabilities of a prediction, in order: the classes."""
        return self.protocol.classes

    @property
    def unit_names(self) -> list[str]:
        """Names of all folds, whether or not they are done."""
        return [fold["name"] for fold in self.metadata.folds]

    @property
    def keeps_epochs(self) -> bool:
        """Whether the predictions of its epochs are kept."""
        return KEPT_EPOCHS in self.metadata.inputs

    def training_folder(self, fold: str) -> Path:
        """Folder of the checkpoint and TensorBoard's files of a fold."""
        return self.folder / "training" / unique_file_name(fold)

    def write(
        self,
        fold: str,
        predictions: Sequence[Prediction],
        curves: Sequence[Mapping[str, float]] = (),
        train_confusion: np.ndarray | None = None,
    ) -> None:
        """Write the results of a fold.

        Args:
            fold: Name of the fold.
            predictions: A prediction for each test clip, in the fold's order.
            curves: Training curves, a row for each epoch.
            train_confusion: (classes, classes) confusion counts of its training clips.

        Raises:
            RunError: the predictions are not exactly those of the fold's test clips.
        """
        expected = next(record["test"] for record in self.metadata.folds if record["name"] == fold)
        if [prediction.id for prediction in predictions] != expected:
            raise RunError(f"fold '{fold}': its predictions are not those of its {len(expected)} test clips in order")
        if curves:
            write_atomically(self.folder / "curves" / f"{unique_file_name(fold)}.csv", _csv(curves))
        if train_confusion is not None:
            classes = self.protocol.classes
            counts = [
                {"label": label, **dict(zip(classes, row, strict=True))}
                for label, row in zip(classes, train_confusion.tolist(), strict=True)
            ]
            write_atomically(self.folder / "train_confusion" / f"{unique_file_name(fold)}.csv", _csv(counts))
        self.write_unit(fold, _csv([_record(prediction, self.outputs, ".6f") for prediction in predictions]))
        (self.training_folder(fold) / CHECKPOINT).unlink(missing_ok=True)

    def predictions(self) -> list[Prediction]:
        """All predictions of the folds that are done, in the order of the folds.

        Raises:
            RunError: a fold's file is damaged.
        """
        return [prediction for name in self.done() for prediction in self.fold_predictions(name)]

    def fold_predictions(self, fold: str) -> list[Prediction]:
        """The predictions of one fold.

        Raises:
            RunError: the fold's file is damaged.
        """
        path = self.unit_path(fold)
        try:
            return [self._prediction(record) for record in _read_csv(path)]
        except (KeyError, ValueError, TypeError) as error:
            raise RunError(f"'{path}' is damaged ({type(error).__name__}: {error}); delete it and run again") from None

    def to_dataframe(self) -> pd.DataFrame:
        """Every prediction: fold, id, dataset, subject, label, predicted, `p_<output>` (0 to 1) for each, note."""
        import pandas as pd

        outputs = self.outputs
        rows = [
            {"fold": fold, **_record(prediction, outputs)}
            for fold in self.done()
            for prediction in self.fold_predictions(fold)
        ]
        columns = ["fold", "id", "dataset", "subject", "label", "predicted", *(f"p_{name}" for name in outputs), "note"]
        return pd.DataFrame(rows, columns=columns)

    def curves(self) -> dict[str, list[dict[str, float]]]:
        """Fold -> training curves, for folds that have any."""
        found = {}
        for name in self.done():
            path = self.folder / "curves" / f"{unique_file_name(name)}.csv"
            if path.is_file():
                found[name] = [{key: float(value) for key, value in row.items() if value} for row in _read_csv(path)]
        return found

    def train_confusion(self) -> np.ndarray | None:
        """(classes, classes) confusion counts of training clips, summed over the folds; None where none wrote any.

        Raises:
            RunError: a fold's file is damaged.
        """
        total, classes = None, self.protocol.classes
        for name in self.done():
            path = self.folder / "train_confusion" / f"{unique_file_name(name)}.csv"
            if not path.is_file():
                continue
            try:
                rows = {row["label"]: [int(row[label]) for label in classes] for row in _read_csv(path)}
                counts = np.array([rows[label] for label in classes])
            except (KeyError, ValueError, TypeError) as error:
                raise RunError(f"'{path}' is damaged ({type(error).__name__}: {error}); delete it") from None
            total = counts if total is None else total + counts
        return total

    def add_timing(self, folds: int, seconds: float, executor: str) -> None:
        """Note how long training and predicting some folds took.

        Args:
            folds: Number of folds.
            seconds: Wall-clock time of all of them together.
            executor: Where they ran.
        """
        row = {"folds": folds, "seconds": f"{seconds:.3f}", "executor": executor, "cores": os.cpu_count() or 1}
        path = self.folder / TIMING
        write_atomically(path, _csv([*(_read_csv(path) if path.is_file() else []), row]))

    def seconds_per_fold(self) -> float | None:
        """Wall-clock seconds of training and predicting a fold, over all that were timed; None where none was.

        Raises:
            RunError: the file is damaged.
        """
        path = self.folder / TIMING
        try:
            rows = _read_csv(path) if path.is_file() else []
            folds = sum(int(row["folds"]) for row in rows)
            return sum(float(row["seconds"]) for row in rows) / folds if folds else None
        except (KeyError, ValueError, TypeError) as error:
            raise RunError(f"'{path}' is damaged ({type(error).__name__}: {error}); delete it") from None

    def write_stages(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write a record of each stage."""
        write_json(self.folder / "stages.json", [dict(record) for record in records])

    def stages(self) -> list[dict[str, Any]]:
        """A record of each stage, the evaluated one last.

        Raises:
            RunError: the file is damaged.
        """
        return read_json(self.folder / "stages.json", [])

    def write_network(self, network: Mapping[str, Any]) -> None:
        """Write the layers of a fold's network."""
        write_json(self.folder / "network.json", network)

    def network(self) -> dict[str, Any] | None:
        """The layers of a fold's network; None for runs without one.

        Raises:
            RunError: the file is damaged.
        """
        return read_json(self.folder / "network.json")

    def _prediction(self, record: Mapping[str, str]) -> Prediction:
        probabilities = tuple(float(record[f"p_{name}"]) for name in self.outputs)
        known = {name: record[name] for name in ("id", "dataset", "subject", "label", "predicted", "note")}
        return Prediction(probabilities=probabilities, **known)


def fold_record(fold: Fold) -> dict[str, Any]:
    """A fold as `run.json` lists it."""
    return {
        "name": fold.name,
        "train_subjects": sorted(fold.subjects("train")),
        "train_clips": len(fold.train),
        "test": [example.clip.id for example in fold.test],
    }


def _record(prediction: Prediction, outputs: Sequence[str], number_format: str = "") -> dict[str, Any]:
    """A prediction as a row of a table; the numbers as text where a format is given."""
    row = {key: value for key, value in asdict(prediction).items() if key not in ("probabilities", "note")}
    for name, probability in zip(outputs, prediction.probabilities, strict=True):
        row[f"p_{name}"] = format(probability, number_format) if number_format else probability
    return {**row, "note": prediction.note}


def _csv(table: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    names = list(dict.fromkeys(name for row in table for name in row))  # validation may come every few epochs
    writer = csv.DictWriter(text, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue().encode()


def _read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
