"""The run folder of every task: the settings of the run in `run.json`, and a file of results for each unit.

A unit is a part of a run that is computed and written at once: a fold of recognition, a video of spotting.

    <run>/run.json               the task (`kind`), recipe, data, units and seed; the first file written
    <run>/<unit>s/<name>.<ext>   the results of a unit; written when it is done
    <run>/<unit>s/<name>.error   error message of a failed unit; removed when the unit succeeds

Scores are not stored: they are computed from the results whenever they are needed.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ..core.errors import MissingDataError, RunError
from ..core.files import is_empty, locked, unique_file_name, write_atomically

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
"""Version of the run folder's format."""

SEED_NAMES = {
    "fixed-subjects": "fixed",
    "subject-holdout-10": "tenth-of-people",
    "random-images-leaky": "tenth-of-pictures",
}
"""Fold -> the name from which its seed is computed, where that is not the fold's own name. All published numbers
of this project come from these seeds."""


@dataclass(frozen=True, kw_only=True)
class RunMetadata:
    """Metadata of a run: enough to check and repeat it. Two runs with equal metadata give equal results.

    Attributes:
        kind: Name of the task, which opens the folder.
        recipe: The whole recipe.
        key: Fingerprint of the recipe's settings.
        data: Data set -> {`fingerprint`, `synthetic`}.
        seed: Seed of the run; the seed of a unit is computed from it and the unit's name.
        subset: Differences to the published counts, a line each; a run with any is reported as a subset.
        left_out: Clips without images, and why.
        quick: Whether the run was made smaller by `--quick`.
        format: Version of the folder's format.
        version: Version of microexpr.
        inputs: Fingerprints of everything else that the results depend on, by name.
    """

    kind: str
    recipe: dict[str, Any]
    key: str
    data: dict[str, dict[str, Any]]
    seed: int = 0
    subset: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    quick: bool = False
    format: int = FORMAT
    version: str = ""
    inputs: dict[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> dict[str, Any]:
        """What must be equal for a run to be continued: everything that can change a result."""
        own = {"recipe": self.key, "data": self.data, "seed": self.seed, "left out": self.left_out}
        return {**own, "version of microexpr": self.version, **self.inputs}


class Run(ABC):
    """A run on disk.

    Attributes:
        folder: Folder of the run.
        metadata: Content of its `run.json`.
    """

    kind: ClassVar[str]
    """Name of the task."""

    metadata_class: ClassVar[type[RunMetadata]]

    unit: ClassVar[str]
    """Name of a unit, e.g. `fold`; the folder of the results has this name with an s."""

    suffix: ClassVar[str]
    """Suffix of the files of results, without the dot."""

    def __init__(self, folder: Path, metadata: RunMetadata) -> None:
        self.folder = folder
        self.metadata = metadata

    @classmethod
    def begin(cls, folder: Path, metadata: RunMetadata) -> Self:
        """Begin a new run, or open the run in the folder if it has the same metadata.

        Raises:
            RunError: the folder holds another run, or other files; or two units would share a file.
        """
        new = cls(folder, metadata)
        new._check_files()
        if (folder / "run.json").is_file():
            run = cls.open(folder)
            before, now = (json.loads(json.dumps(m.identity)) for m in (run.metadata, metadata))
            if differing := [what for what in now if before.get(what) != now[what]]:
                verb = "differs" if len(differing) == 1 else "differ"
                raise RunError(
                    f"'{folder}' holds another run (its {' and '.join(differing)} {verb}); "
                    "choose another --out or delete the folder"
                )
            return run
        if folder.exists() and not is_empty(folder):
            raise RunError(f"'{folder}' holds something that is not a run; choose another --out")
        write_json(folder / "run.json", asdict(metadata))
        return new

    def _check_files(self) -> None:
        """Refuse two units that would write one file, on a file system that ignores the case of letters too."""
        owners: dict[str, str] = {}
        for name in self.unit_names:
            file = self.unit_path(name).name.lower()
            if file in owners:
                raise RunError(f"{self.unit}s '{owners[file]}' and '{name}' would share the file '{file}'; rename one")
            owners[file] = name

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a run.

        Raises:
            MissingDataError: the folder holds no run.
            RunError: its metadata are damaged, of another task, or from a later version.
        """
        table = read_run_json(folder)
        if table["kind"] != cls.kind:
            raise RunError(f"'{folder}' is a run of {table['kind']}, not of {cls.kind}")
        try:
            return cls(folder, cls.metadata_class(**table))
        except TypeError as error:
            raise RunError(f"'{folder / 'run.json'}' is damaged ({error}); delete the run") from None

    @property
    @abstractmethod
    def unit_names(self) -> list[str]:
        """Names of all units, whether or not they are done."""

    @abstractmethod
    def to_dataframe(self) -> pd.DataFrame:
        """Return all results that are written so far as one table."""

    def done(self) -> list[str]:
        """Names of the units that are done."""
        return [name for name in self.unit_names if self.unit_path(name).is_file()]

    def failed(self) -> dict[str, str]:
        """Failed unit -> first line of its error message."""
        errors = {name: self.unit_path(name, "error") for name in self.unit_names}
        return {n: (p.read_text(encoding="utf-8").splitlines() or ["?"])[0] for n, p in errors.items() if p.is_file()}

    @property
    def complete(self) -> bool:
        """Whether every unit is done."""
        return len(self.done()) == len(self.unit_names)

    @property
    def synthetic(self) -> bool:
        """Whether any of its faces are synthetic."""
        return any(data["synthetic"] for data in self.metadata.data.values())

    def unit_path(self, name: str, suffix: str = "") -> Path:
        """The file of a unit's results; with the suffix `error`, the file of its error message."""
        return self.folder / f"{self.unit}s" / f"{unique_file_name(name)}.{suffix or self.suffix}"

    def write_unit(self, name: str, content: bytes) -> None:
        """Write the results of a unit, and remove the error message of an earlier attempt."""
        write_atomically(self.unit_path(name), content)
        self.unit_path(name, "error").unlink(missing_ok=True)

    def write_failure(self, name: str, reason: str, details: str) -> None:
        """Write the error message of a unit.

        Args:
            name: Name of the unit.
            reason: The reason in one line.
            details: The traceback.
        """
        write_atomically(self.unit_path(name, "error"), f"{reason}\n\n{details}".encode())

    def __repr__(self) -> str:
        state = f"{len(self.done())} of {len(self.unit_names)} {self.unit}s done"
        return f"<{type(self).__name__} '{self.metadata.recipe['name']}' in '{self.folder}', {state}>"

    def _repr_html_(self) -> str:
        """For notebooks: the state of the run, and its results as a table."""
        from html import escape

        return f"<p>{escape(repr(self)[1:-1])}</p>{self.to_dataframe().to_html(max_rows=10)}"


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Hold the folder of a run while it is written.

    Raises:
        RunError: another process is writing it.
    """
    try:
        with locked(folder):
            yield
    except BlockingIOError as error:
        raise RunError(
            f"'{folder}' is being written by {error.strerror}; wait for it, or choose another --out"
        ) from None


def fold_seed(seed: int, fold: str) -> int:
    """Compute the seed of a fold (or video), which depends on nothing but the run's seed and the fold's name."""
    name = SEED_NAMES.get(fold, fold)
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:4], "big") >> 1


def read_run_json(folder: Path) -> dict[str, Any]:
    """The content of a folder's `run.json`.

    Raises:
        MissingDataError: the folder holds no run.
        RunError: the file is damaged, or from a later version.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise MissingDataError(f"'{folder}' is not a run: it has no run.json")
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        if table["format"] > FORMAT:
            raise RunError(f"'{path}' has format {table['format']}, this version reads {FORMAT}: update microexpr")
        if not isinstance(table["kind"], str):
            raise TypeError("kind is not a string")
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"'{path}' is damaged ({type(error).__name__}: {error}); delete the run") from None
    return table


def read_json(path: Path, default: Any = None) -> Any:
    """The content of a JSON file of a run; `default` where there is none.

    Raises:
        RunError: the file is damaged.
    """
    if not path.is_file():
        return default
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"'{path}' is damaged ({error}); delete it and run again") from None


def write_json(path: Path, content: Mapping[str, Any] | list[Any]) -> None:
    """Write a JSON file of a run."""
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())
