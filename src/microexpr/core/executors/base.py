"""The base class of executors: they run independent jobs and yield an outcome for each.

`run(function, jobs, shared)` yields `(index, outcome)` as jobs end, in any order. An exception in a job becomes a
`Failed` outcome and never stops the others; a job whose worker process died is tried again.
"""

from __future__ import annotations

import pickle
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from ... import __version__
from ..errors import ExecutorError, MicroexprError, UsageError, disk_message
from ..registry import Registry, load_plugin, loaded_plugins

MAX_ATTEMPTS = 2
"""A job whose worker dies is started this many times beside others; `ray` then starts it once more alone."""

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


@dataclass(frozen=True)
class Work:
    """A function and the data that all of its jobs need, for another process, which loads the plug-ins before both.

    Arrays are not copied where the pickler takes them apart from the rest, as Ray's does: the workers of a machine then
    read the same memory.

    Attributes:
        function: called with (job, shared).
        shared: the data.
    """

    function: Function
    shared: Any

    def attempt(self, job: Any) -> Outcome:
        """Run one job; an exception becomes a `Failed` outcome."""
        return attempt(self.function, job, self.shared)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        arrays: list[pickle.PickleBuffer] | None = [] if protocol >= 5 else None
        add = None if arrays is None else arrays.append
        content = pickle.dumps((self.function, self.shared), protocol=protocol, buffer_callback=add)
        return _load_work, (__version__, tuple(loaded_plugins), content, arrays)


def _load_work(version: str, plugins: Sequence[Path], content: bytes, arrays: Sequence[Any] | None) -> Work:
    if version != __version__:
        raise ExecutorError(f"a worker has microexpr {__version__}, the command {version}: install the same on both")
    for plugin in plugins:
        load_plugin(plugin)
    return Work(*pickle.loads(content, buffers=arrays))


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
    name: str,
    workers: int | None = None,
    address: str | None = None,
    process_per_fold: bool = False,
    gpus: float = 0.0,
) -> Executor:
    """Build an executor by name.

    Args:
        name: e.g. `local`, `batched`, `processes`, `ray`.
        workers: number of jobs that run at once; None for one per core (`ray`: as many as the cluster has cores and
            GPUs for; `batched`: all).
        address: address of a running Ray cluster; None starts Ray on this machine.
        process_per_fold: start a new process for each job.
        gpus: GPUs of each job; a fraction lets several jobs share one.

    Raises:
        UsageError: a setting that this executor does not have, fewer than one worker, or a number of GPUs that cannot
            be given to a job.
        UnknownNameError: there is no such executor.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"workers = {workers}: must be 1 or more")
    if not (0 <= gpus <= 1 or gpus % 1 == 0 < gpus):
        raise UsageError(f"gpus = {gpus}: must be a part of one GPU (0 to 1), or a whole number of them")
    chosen = EXECUTORS.get(name)
    known = {field.name for field in fields(chosen)}  # type: ignore[arg-type]  # executors are dataclasses
    settings: dict[str, Any] = {"address": address, "process_per_fold": process_per_fold, "gpus": gpus}
    settings = {key: value for key, value in settings.items() if value}
    if (workers or 1) > 1:
        settings["workers"] = workers
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
    except Exception as error:
        return Failed(_reason(error), traceback.format_exc())


def _reason(error: Exception) -> str:
    """What went wrong, for the user."""
    if isinstance(error, MicroexprError):
        return str(error)
    if isinstance(error, OSError) and error.errno is not None:
        return disk_message(error)
    if isinstance(error, MemoryError):
        return f"MemoryError: {str(error) or 'no memory is left'}; with fewer --workers each has more"
    return f"{type(error).__name__}: {error}"
