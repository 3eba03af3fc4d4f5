"""What reports of all tasks that are evaluated in folds say of the runs of one recipe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.errors import RunError
from ..experiments.recognition_run import RecognitionRun
from ..protocols import Protocol
from ..recipes.recognition import CHANGED
from .settings import with_difference


@dataclass(frozen=True)
class RunGroup(ABC):
    """Runs of one recipe, a run for each seed.

    Attributes:
        runs: the runs, with one or several seeds.
        warnings: what a reader must know before quoting a number.
        metrics: name -> score, 0 to 1, the mean over the seeds.
        intervals: name -> 95 % bootstrap interval over subjects.
        spread: name -> standard deviation over the seeds; empty for one seed.
        differs: what tells the runs from others of the same recipe in one report; "" where there are none.
    """

    runs: tuple[RecognitionRun, ...]
    warnings: tuple[str, ...]

    metrics: Mapping[str, Any]
    intervals: Mapping[str, tuple[float, float]]
    spread: Mapping[str, float]
    differs: str = field(default="", kw_only=True)

    @abstractmethod
    def as_dict(self) -> dict[str, Any]:
        """The scores as `report --json` prints them."""

    @property
    def run(self) -> RecognitionRun:
        """The first of the runs."""
        return self.runs[0]

    @property
    def protocol(self) -> Protocol:
        """The protocol of the runs."""
        return self.run.protocol

    @property
    def recipe(self) -> str:
        """Name of the recipe."""
        return str(self.run.metadata.recipe["name"])

    @property
    def name(self) -> str:
        """Name of the recipe, and what tells it from others of this name."""
        return with_difference(self.recipe, self.differs)

    @property
    def own_recipe(self) -> str:
        """Name of the shipped recipe; that of a suite's member ends in the protocol that the suite gave it."""
        return self.recipe.removesuffix(f"-{self.protocol.name.removesuffix(CHANGED)}")

    @property
    def method(self) -> str:
        """As `name`, for a table that says the protocol beside it."""
        return with_difference(self.own_recipe, self.differs)

    @property
    def title(self) -> str:
        """Title of the recipe, and what tells it from others of this name."""
        return with_difference(str(self.run.metadata.recipe["title"]), self.differs)

    @property
    def subtitle(self) -> str:
        """The protocol, and what it reveals, in one line."""
        folds = f" {len(self.run.unit_names)} folds of whole subjects." if self.protocol.split == "k-fold" else ""
        revealed = f"Revealed of a test clip: {', '.join(self.protocol.reveal) or 'nothing'}"
        if self.run.metadata.stills:
            revealed = "Every clip is one image: there is no onset, apex or offset to reveal"
        return f"{self.protocol.title}.{folds} {revealed}."

    @property
    def label(self) -> str:
        """Name of this run's row in tables, with its caveats."""
        return f"this run ({', '.join(self.caveats)})" if self.caveats else "this run"

    @property
    def caveats(self) -> list[str]:
        """Caveats that must be stated with every score of this run."""
        caveats = {
            "synthetic faces": self.run.synthetic,
            "subset": bool(self.run.metadata.subset),
            "trained on test subjects": bool(self.run.metadata.seen),
            "partial": not all(run.complete for run in self.runs),
        }
        return [caveat for caveat, holds in caveats.items() if holds]

    @property
    def seconds_per_fold(self) -> float | None:
        """Wall-clock seconds of training and predicting a fold, the mean over the seeds; None where none was timed."""
        known = [seconds for run in self.runs if (seconds := run.seconds_per_fold()) is not None]
        return sum(known) / len(known) if known else None

    def facts(self) -> dict[str, Any]:
        """What `report --json` prints of the runs besides their scores."""
        metadata = self.run.metadata
        return {
            "recipe": self.recipe,
            "name": self.name,
            "title": self.title,
            "protocol": self.protocol.name,
            "seeds": [run.metadata.seed for run in self.runs],
            "revealed": [] if metadata.stills else list(self.protocol.reveal),
            "complete": all(run.complete for run in self.runs),
            "folds": {"done": sum(len(r.done()) for r in self.runs), "all": sum(len(r.unit_names) for r in self.runs)},
            "synthetic": self.run.synthetic,
            "quick": metadata.quick,
            "subset": metadata.subset,
            "left_out": metadata.left_out,
            "absent": metadata.absent,
            "seen": metadata.seen,
            "without_face": sum(not row.face_found for row in self.run.predictions()),
            "data": dict(metadata.data),
            "version": metadata.version,
            "settings": metadata.recipe,
            "weights": None if (network := self.run.network()) is None else network["parameters"],
            "seconds_per_fold": self.seconds_per_fold,
            "stages": [{k: v for k, v in stage.items() if k != "curves"} for stage in self.run.stages()],
        }


def check_runs(runs: Sequence[RecognitionRun]) -> None:
    """Check that runs are of one recipe, and that each has a finished fold.

    Raises:
        RunError: no fold is done yet, or the runs are of different recipes.
    """
    first = runs[0]
    for run in runs:
        if run.metadata.key != first.metadata.key:
            raise RunError(f"'{run.folder}' and '{first.folder}' are runs of different recipes; report them one by one")
        if not run.done():
            raise RunError(f"'{run.folder}' has no finished fold yet; run the recipe again to continue")
