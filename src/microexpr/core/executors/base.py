"""The base class of executors: they run independent jobs and yield an outcome for each.

`run(function, jobs, shared)` yields `(index, outcome)` as jobs end, in any order. An exception in a job becomes a
`Failed` outcome and never stops the others; a job whose worker process died is tried again.
"""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from ..errors import MicroexprError, UsageError
from ..registry import Registry

MAX_ATTEMPTS = 2
"""A job whose worker dies is started this many times before it counts as failed."""

SINGLE_THREAD_ENV = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""One thread per worker: more threads than cores are slower, and sums in one thread are equal on every machine."""

Function = Callable[[Any, Any], Any]
"""Called with (job, shared)."""


@dataclass(frozen=True)
class Done:
    """A job that ended without an error; `value` is what it returned."""

    value: Any


@dataclass(frozen=True)
class Failed:
    """A job that raised an error or whose worker died.

    Attributes:
        reason: one line for the user.
        details: the traceback; empty if there is none.
    """

    reason: str
    details: str = ""


Outcome = Done | Failed


@dataclass(frozen=True)
class SharedFunction:
    """A function of one job that can also do many jobs at once, sharing work between them.

    Attributes:
        one: called with (job, shared).
        many: called with (jobs, shared); yields an outcome for each job in their order. It raises `MemoryError` when
            the memory is not enough for so many; the jobs of which there is no outcome yet are then tried in parts.
    """

    one: Function
    many: Callable[[Sequence[Any], Any], Iterator[Outcome]]

    def __call__(self, job: Any, shared: Any) -> Any:
        """Do one job."""
        return self.one(job, shared)


class Executor(ABC):
    """Runs jobs. A new executor is a frozen dataclass of its settings in a new file.

    Attributes:
        name: its name on the command line; set by the registry.
        remote: whether a job may run on another machine, which does not see the files of this one.
    """

    name: ClassVar[str] = ""
    remote: ClassVar[bool] = False

    def check(self) -> None:  # noqa: B027  (most executors can run anywhere)
        """Check at once that the machine or cluster can run what was asked for.

        Raises:
            ExecutorError: it cannot.
        """

    @abstractmethod
    def run(self, function: Function, jobs: Sequence[Any], shared: Any) -> Iterator[tuple[int, Outcome]]:
        """Yield the index and the outcome of `function(job, shared)` for each job as it ends."""


EXECUTORS: Registry[Executor] = Registry("executor", "microexpr.core.executors")
"""All executors. One more: a subclass of `Executor` with `@EXECUTORS.register("name")`."""


def executor(
    name: str, workers: int | None = None, address: str | None = None, process_per_fold: bool = False
) -> Executor:
    """Build an executor by name.

    Args:
        name: e.g. `local`, `batched`, `processes`, `ray`.
        workers: number of jobs that run at once; None for one per core (`ray`: one per core of the cluster;
            `batched`: all).
        address: address of a running Ray cluster; None starts Ray on this machine.
        process_per_fold: start a new process for each job.

    Raises:
        UsageError: a setting that this executor does not have, or fewer than one worker.
        UnknownNameError: there is no such executor.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"workers = {workers}: must be 1 or more")
    chosen = EXECUTORS.get(name)
    known = {field.name for field in fields(chosen)}  # type: ignore[arg-type]  # executors are dataclasses
    settings: dict[str, Any] = {"address": address, "process_per_fold": process_per_fold}
    settings = {key: value for key, value in settings.items() if value}
    for key in settings.keys() - known:
        option = "--" + key.replace("_", "-")
        having = [other for other, cls in EXECUTORS if key in {field.name for field in fields(cls)}]  # type: ignore[arg-type]
        raise UsageError(f"{option} does not go with --executor {name}; it goes with --executor {' or '.join(having)}")
    if "workers" in known:
        settings["workers"] = workers
    return chosen(**settings)


def attempt(function: Function, job: Any, shared: Any) -> Outcome:
    """Run one job; an exception becomes a `Failed` outcome."""
    try:
        return Done(function(job, shared))
    except MicroexprError as error:
        return Failed(str(error), traceback.format_exc())
    except Exception as error:
        return Failed(f"{type(error).__name__}: {error}", traceback.format_exc())
