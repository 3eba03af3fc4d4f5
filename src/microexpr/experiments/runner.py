"""Running the jobs of a run: each result is written as it arrives, and failures are reported when all have ended."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..core.errors import RunError
from ..core.executors import Done, Executor, Outcome, SharedFunction
from ..core.progress import ProgressCallback
from ..core.registry import load_plugin, loaded_plugins
from .run_folder import Run


@dataclass(frozen=True, kw_only=True)
class Job:
    """Work for a worker. A task adds the fields that it needs.

    Attributes:
        units: Names of the run's units that the job computes.
    """

    units: tuple[str, ...]


J = TypeVar("J", bound=Job)


def run_jobs(
    run: Run,
    jobs: Sequence[J],
    function: Callable[[J, Any], Any],
    shared: Any,
    save: Callable[[J, Any], None],
    executor: Executor,
    progress: ProgressCallback,
    what: str,
) -> None:
    """Run jobs and write each result, or the reason of its failure, as it arrives.

    Args:
        run: Where failures are written.
        jobs: The jobs that are not done yet.
        function: Called with a job and `shared`, in a worker; must be importable.
        shared: Data that all jobs need.
        save: Called with a job and what `function` returned, in this process.
        executor: Where jobs run.
        progress: Called with `what`, the number of units that have ended, and the number of all.
        what: What is being done, e.g. `folds`.

    Raises:
        RunError: a unit failed; the results of the others are written.
    """
    total = len(run.unit_names)
    for job, outcome in run_all(jobs, function, shared, executor, progress, what, total):
        if isinstance(outcome, Done):
            save(job, outcome.value)
            continue
        for unit in job.units:
            run.write_failure(unit, outcome.reason, outcome.details)
    if failed := run.failed():
        name, reason = next(iter(failed.items()))
        others = ", the others are saved" if len(failed) < total else ""
        raise RunError(
            f"recipe '{run.metadata.recipe['name']}': {len(failed)} of {total} {run.unit}s failed{others}; "
            f"{run.unit} '{name}': {reason} "
            f"(details: {run.folder / run.unit}s/*.error); the same command again repeats them"
        )


def run_all(
    jobs: Sequence[J],
    function: Callable[[J, Any], Any],
    shared: Any,
    executor: Executor,
    progress: ProgressCallback,
    what: str,
    total: int,
) -> Iterator[tuple[J, Outcome]]:
    """Yield each job with its outcome as it ends, and report the progress.

    Args:
        jobs: The jobs that are not done yet.
        function: Called with a job and `shared`, in a worker.
        shared: Data that all jobs need.
        executor: Where jobs run.
        progress: Called with `what`, the number of units that have ended, and `total`.
        what: What is being done, e.g. `folds`.
        total: Number of all units, including those that were done before.
    """
    ended = total - sum(len(job.units) for job in jobs)
    progress(what, ended, total)
    call = SharedFunction(_call, _call_many) if isinstance(function, SharedFunction) else _call
    for index, outcome in executor.run(call, jobs, _Work(function, shared)):
        yield jobs[index], outcome
        ended += len(jobs[index].units)
        progress(what, ended, total)


class _Work:
    """A function and the data that all of its jobs need. A process loads the plug-ins before it unpickles them."""

    def __init__(self, function: Callable[[Any, Any], Any], shared: Any) -> None:
        self.function = function
        self.shared = shared

    def __reduce__(self) -> tuple[Any, ...]:
        return _load_work, (tuple(loaded_plugins), pickle.dumps((self.function, self.shared)))


def _load_work(plugins: tuple[Path, ...], content: bytes) -> _Work:
    for plugin in plugins:
        load_plugin(plugin)
    return _Work(*pickle.loads(content))


def _call(job: Job, work: _Work) -> Any:
    return work.function(job, work.shared)


def _call_many(jobs: Sequence[Job], work: _Work) -> Iterator[Outcome]:
    assert isinstance(work.function, SharedFunction)
    return work.function.many(jobs, work.shared)
