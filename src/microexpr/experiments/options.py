"""Options of a run: on which data, how much of it, and where its jobs run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class RunOptions:
    """How a recipe is run; none of it changes what a fold learns from equal data.

    Args:
        synthetic: on synthetic copies of the releases instead of the licensed ones.
        quick: made smaller as the recipe's table `small` says; the report says so.
        allow_subset: go on when the clips differ from the published counts; the report says so.
        executor: `local`, `processes` or `ray`.
        workers: how many at once; None for one a core.
        address: of a Ray cluster.
        seed: of the run.
        roots: data set -> folder, before all other places.
        labels: csv with the columns clip, label: the judged label of clips whose release does not give it.
        save_models: keep what each fold learned, as `<run>/models/<fold>.safetensors`.
        process_per_fold: a process of its own for each fold, so that nothing one leaves behind reaches the next.
    """

    synthetic: bool = False
    quick: bool = False
    allow_subset: bool = False
    executor: str = "local"
    workers: int | None = None
    address: str | None = None
    seed: int = 0
    roots: Mapping[str, Path] = field(default_factory=dict)
    labels: Path | None = None
    save_models: bool = False
    process_per_fold: bool = False
