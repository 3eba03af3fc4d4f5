"""The run folder: what was to be done, and what came out, clip by clip.

    <run>/run.json              recipe, protocol, data, folds with their people, seed; written first
    <run>/folds/<fold>.csv      id, dataset, subject, truth, guess, p_<class> ..., note; written when the fold ends
    <run>/folds/<fold>.error    why a fold gave nothing; goes away when it succeeds
    <run>/curves/<fold>.csv     training curves
    <run>/train_confusion/<fold>.csv     confusion counts of the fold's own training clips, rows truth, columns guess;
    no score <run>/network.json          layers, shapes and weights of the first fold's network <run>/pictures/,
    examples/  a few clips for the report <run>/stages.json           what each stage before the judged one began from,
    learned from, and how it did <run>/models/<fold>.safetensors   what the fold learned, where that was asked for
    <run>/training/<fold>/      TensorBoard's files, and a checkpoint while the fold is under way

Scores are computed from the rows whenever they are asked for, and never stored instead of them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from ..core.errors import MissingDataError, RunError
from ..core.files import CHECKPOINT, is_empty, slug, write_atomically
from ..protocols import Fold, Protocol, load_protocol

FORMAT = 1


@dataclass(frozen=True)
class Prediction:
    """The answer for one test clip.

    Attributes:
        id, dataset, subject: of the clip.
        label: the task's word.
        predicted: the task's word, or "" for a clip that got no answer (no face found); counts as wrong.
        probabilities: one a class, in the protocol's order; they sum to 1.
        note: what the steps noted about the clip.
    """

    id: str
    dataset: str
    subject: str
    label: str
    predicted: str
    probabilities: tuple[float, ...]
    note: str = ""


@dataclass(frozen=True)
class RecognitionMetadata:
    """What a run is: enough to check, audit and repeat it. Two runs with equal headers give equal rows.

    Attributes:
        recipe: the whole recipe; `key` changes with any of its settings.
        protocol: the whole protocol.
        data: data set -> {fingerprint, synthetic}.
        folds: name, training people and test clips of each.
        seed: of the run; a fold's is derived from it and the fold's name.
        subset: each difference to the published counts; a run with any is a subset and says so.
        left_out: clips without pictures, and why.
        absent: people of the data sets who have no clip of the task.
        quick: made smaller by `--quick`.
    """

    recipe: dict[str, Any]
    key: str
    protocol: dict[str, Any]
    data: dict[str, dict[str, Any]]
    folds: list[dict[str, Any]]
    seed: int = 0
    subset: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    quick: bool = False
    format: int = FORMAT
    version: str = ""

    @property
    def identity(self) -> dict[str, Any]:
        """What must be equal for a run to be continued."""
        return {
            "recipe": self.key,
            "protocol": self.protocol,
            "data": self.data,
            "folds": self.folds,
            "seed": self.seed,
            "left out": self.left_out,
        }


def fold_seed(seed: int, fold: str) -> int:
    """A fold's own seed: neither the order of the folds nor the machine matters."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{fold}".encode()).digest()[:4], "big") >> 1


def fold_record(fold: Fold) -> dict[str, Any]:
    """A fold as the header keeps it."""
    return {
        "name": fold.name,
        "train_subjects": sorted(fold.subjects("train")),
        "train_clips": len(fold.train),
        "test": [example.clip.id for example in fold.test],
    }


class Identified(typing.Protocol):
    """A header, a dataclass; `identity` is what makes two runs the same."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def identity(self) -> dict[str, Any]: ...  # noqa: D102


H = TypeVar("H", bound=Identified)


def begin_folder(folder: Path, header: H, read: Callable[[Path], H]) -> H:
    """The header of the run that is already there, if it is the same; else the new one, written.

    Args:
        folder: of the run.
        header: of the run that is wanted.
        read: the header in a folder that holds a run.

    Raises:
        RunError: the folder holds another run, or something that is none.
    """
    if (folder / "run.json").is_file():
        old = read(folder)
        before, now = (json.loads(json.dumps(h.identity)) for h in (old, header))
        for what in now:
            if before[what] != now[what]:
                raise RunError(f"'{folder}' holds another run (its {what} differs); choose another --out or delete")
        return old
    if folder.exists() and not is_empty(folder):
        raise RunError(f"'{folder}' holds something that is not a run; choose another --out")
    write_atomically(folder / "run.json", (json.dumps(asdict(header), indent=1) + "\n").encode())
    return header


class RecognitionRun:
    """A run on disk."""

    kind = "recognition"

    def __init__(self, folder: Path, header: RecognitionMetadata) -> None:
        self.folder = folder
        self.metadata = header

    @classmethod
    def begin(cls, folder: Path, header: RecognitionMetadata) -> RecognitionRun:
        """A new run, or the one that is already there if it is the same.

        Raises:
            RunError: the folder holds another run, or something that is none.
        """
        return cls(folder, begin_folder(folder, header, lambda there: cls.open(there).metadata))

    @classmethod
    def open(cls, folder: Path) -> RecognitionRun:
        """A run that is there.

        Raises:
            MissingDataError: there is none.
            RunError: its header is damaged or from a later version.
        """
        path = folder / "run.json"
        if not path.is_file():
            raise MissingDataError(f"'{folder}' is not a run: it has no run.json")
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            if table["format"] > FORMAT:
                raise RunError(f"'{path}' has format {table['format']}, this version reads {FORMAT}: update microexpr")
            return cls(folder, RecognitionMetadata(**table))
        except (ValueError, KeyError, TypeError) as fault:
            raise RunError(f"'{path}' is damaged ({type(fault).__name__}: {fault}); delete the run") from None

    @cached_property
    def protocol(self) -> Protocol:
        """The protocol as it was when the run began."""
        return load_protocol(self.metadata.protocol)

    @property
    def synthetic(self) -> bool:
        """Whether any of its faces are synthetic."""
        return any(data["synthetic"] for data in self.metadata.data.values())

    @property
    def unit_names(self) -> list[str]:
        """All folds, whether or not they are done."""
        return [fold["name"] for fold in self.metadata.folds]

    def done(self) -> list[str]:
        """The folds that are done."""
        return [name for name in self.unit_names if self._path(name, "csv").is_file()]

    def failed(self) -> dict[str, str]:
        """Fold -> first line of why it gave nothing."""
        errors = {name: self._path(name, "error") for name in self.unit_names}
        return {n: (p.read_text(encoding="utf-8").splitlines() or ["?"])[0] for n, p in errors.items() if p.is_file()}

    @property
    def complete(self) -> bool:
        """Whether every fold is done."""
        return len(self.done()) == len(self.unit_names)

    def training_folder(self, fold: str) -> Path:
        """Where a fold under way keeps its checkpoint and TensorBoard's files."""
        return self.folder / "training" / slug(fold)

    def write(
        self,
        fold: str,
        rows: Sequence[Prediction],
        curves: Sequence[Mapping[str, float]] = (),
        taught: np.ndarray | None = None,
    ) -> None:
        """Keep a fold's rows, its curves, and the (C, C) confusion counts of what it was taught.

        Raises:
            RunError: the rows are not exactly the fold's test clips.
        """
        expected = next(record["test"] for record in self.metadata.folds if record["name"] == fold)
        if [row.id for row in rows] != expected:
            raise RunError(f"fold '{fold}': its rows are not its {len(expected)} test clips in order")
        classes = self.protocol.classes
        table = [
            {**{k: v for k, v in asdict(row).items() if k not in ("probabilities", "note")}}
            | {f"p_{word}": f"{p:.6f}" for word, p in zip(classes, row.probabilities, strict=True)}
            | {"note": row.note}
            for row in rows
        ]
        if curves:
            write_atomically(self.folder / "curves" / f"{slug(fold)}.csv", _csv(curves))
        if taught is not None:
            counts = [
                {"label": word, **dict(zip(classes, row, strict=True))}
                for word, row in zip(classes, taught.tolist(), strict=True)
            ]
            write_atomically(self.folder / "train_confusion" / f"{slug(fold)}.csv", _csv(counts))
        write_atomically(self._path(fold, "csv"), _csv(table))
        self._path(fold, "error").unlink(missing_ok=True)
        (self.training_folder(fold) / CHECKPOINT).unlink(missing_ok=True)

    def write_stages(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Keep what there is to say of the stages."""
        write_atomically(self.folder / "stages.json", (json.dumps(records, indent=1) + "\n").encode())

    def stages(self) -> list[dict[str, Any]]:
        """What `write_stages` kept; the judged stage is the last."""
        path = self.folder / "stages.json"
        try:
            return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        except ValueError as fault:
            raise RunError(f"'{path}' is damaged ({fault}); delete it and run again") from None

    def write_failure(self, fold: str, reason: str, details: str) -> None:
        """Keep why a fold gave nothing."""
        write_atomically(self._path(fold, "error"), f"{reason}\n\n{details}".encode())

    def predictions(self) -> list[Prediction]:
        """All rows of the folds that are done, in the order of the folds.

        Raises:
            RunError: a fold's file is damaged.
        """
        return [row for name in self.done() for row in self.fold_predictions(name)]

    def fold_predictions(self, fold: str) -> list[Prediction]:
        """The rows of one fold."""
        path = self._path(fold, "csv")
        try:
            with path.open(newline="", encoding="utf-8") as file:
                return [self._row(record) for record in csv.DictReader(file)]
        except (KeyError, ValueError, TypeError) as fault:
            raise RunError(f"'{path}' is damaged ({type(fault).__name__}: {fault}); delete it and run again") from None

    def curves(self) -> dict[str, list[dict[str, float]]]:
        """Fold -> training curves, for folds that have any."""
        found = {}
        for name in self.done():
            path = self.folder / "curves" / f"{slug(name)}.csv"
            if path.is_file():
                with path.open(newline="", encoding="utf-8") as file:
                    found[name] = [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]
        return found

    def train_confusion(self) -> np.ndarray | None:
        """Confusion counts of the training clips, summed over the folds that kept them; None where none did.

        Raises:
            RunError: a fold's file is damaged.
        """
        total, classes = None, self.protocol.classes
        for name in self.done():
            path = self.folder / "train_confusion" / f"{slug(name)}.csv"
            if not path.is_file():
                continue
            try:
                with path.open(newline="", encoding="utf-8") as file:
                    rows = {row["label"]: [int(row[word]) for word in classes] for row in csv.DictReader(file)}
                counts = np.array([rows[word] for word in classes])
            except (KeyError, ValueError, TypeError) as fault:
                raise RunError(f"'{path}' is damaged ({type(fault).__name__}: {fault}); delete it") from None
            total = counts if total is None else total + counts
        return total

    def write_network(self, network: Mapping[str, Any]) -> None:
        """Keep what a fold's network is made of."""
        write_atomically(self.folder / "network.json", (json.dumps(network, indent=1) + "\n").encode())

    def network(self) -> dict[str, Any] | None:
        """What `write_network` kept; None for runs without a network, and for old ones."""
        path = self.folder / "network.json"
        try:
            return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        except ValueError as fault:
            raise RunError(f"'{path}' is damaged ({fault}); delete it") from None

    def _row(self, record: dict[str, str]) -> Prediction:
        probabilities = tuple(float(record[f"p_{word}"]) for word in self.protocol.classes)
        known = {name: record[name] for name in ("id", "dataset", "subject", "label", "predicted", "note")}
        return Prediction(probabilities=probabilities, **known)

    def _path(self, fold: str, kind: str) -> Path:
        return self.folder / "folds" / f"{slug(fold)}.{kind}"


def find_runs(folder: Path) -> list[RecognitionRun]:
    """The run in a folder, or the runs (one a seed) just below it.

    Raises:
        MissingDataError: there is none.
    """
    if (folder / "run.json").is_file():
        return [RecognitionRun.open(folder)]
    below = sorted(path.parent for path in folder.glob("*/run.json")) if folder.is_dir() else []
    if not below:
        raise MissingDataError(f"'{folder}' holds no run (no run.json in it or just below it)")
    return [RecognitionRun.open(path) for path in below]


def _csv(table: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    names = list(dict.fromkeys(name for row in table for name in row))  # validation may come every few epochs
    writer = csv.DictWriter(text, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue().encode()
