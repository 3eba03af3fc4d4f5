"""Options of a run: on which data, how much of it, and where its jobs run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..core.errors import UsageError
from ..core.executors import Executor, executor
from ..datasets import DATASETS


@dataclass(frozen=True)
class RunOptions:
    """How a recipe is run. Executor, workers, address and GPUs do not change what is computed.

    Attributes:
        synthetic: Run on synthetic copies of the releases instead of the licensed ones.
        quick: Make the run smaller by the recipe's table `quick`; the report states it.
        allow_subset: Run although the data differ from the published counts; the report states it.
        executor: Name of the executor: `local`, `processes`, `ray`, or any other registered one.
        workers: Number of jobs at once; None for the number of cores.
        address: Address of a Ray cluster.
        gpus: GPUs of each job on Ray; a fraction lets several jobs share one.
        seed: Seed of the run.
        roots: Data set -> folder; takes precedence over the configuration.
        labels: csv with the columns clip, label: the label of clips whose release does not give it.
        save_models: Save the model of each fold as `<run>/models/<fold>.safetensors`.
        process_per_fold: Start a new process for each fold, so that no fold can change the state of the next.
        keep_epochs: Epochs between two whose predictions are kept, where the recognizer is trained in epochs; 0 keeps
            none. Reports of such runs say what choosing the epoch on test subjects would have added.

    Raises:
        UnknownNameError: `roots` names no data set; a misspelled name would be ignored.
    """

    synthetic: bool = False
    quick: bool = False
    allow_subset: bool = False
    executor: str = "local"
    workers: int | None = None
    address: str | None = None
    gpus: float = 0.0
    seed: int = 0
    roots: Mapping[str, Path] = field(default_factory=dict)
    labels: Path | None = None
    save_models: bool = False
    process_per_fold: bool = False
    keep_epochs: int = 0

    def __post_init__(self) -> None:
        for name in self.roots:
            DATASETS.get(name)

    def build_executor(self) -> Executor:
        """Build what runs the jobs.

        Raises:
            UsageError: a setting that the executor does not have, or torchrun started this process among others.
            UnknownNameError: there is no such executor.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) > 1 and "TORCHELASTIC_RUN_ID" in os.environ:
            raise UsageError(
                "torchrun divides the work of `microexpr pretrain` only, and would do this one several times over; "
                "start it without torchrun, with --executor processes or --executor ray"
            )
        return executor(self.executor, self.workers, self.address, self.process_per_fold, self.gpus)
