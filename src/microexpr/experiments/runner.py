"""Running the jobs of a run: each result is written as it arrives, and failures are reported when all have ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from ..core.errors import RunError
from ..core.executors import Done, Executor, Outcome, SharedFunction
from ..core.progress import ProgressCallback
from .run_folder import Run


@dataclass(frozen=True, kw_only=True)
class Job:
    """Work for a worker. A task adds the fields that it needs.

    Attributes:
        units: Names of the run's units that the job computes.
    """

    units: tuple[str, ...]


J = TypeVar("J", bound=Job)


R = TypeVar("R", bound=Run)


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
    """Run jobs of one run; as `run_jobs_of_runs`, but `save` is called without the run."""
    run_jobs_of_runs({run: jobs}, function, shared, lambda _, job, value: save(job, value), executor, progress, what)


def run_jobs_of_runs(
    work: Mapping[R, Sequence[J]],
    function: Callable[[J, Any], Any],
    shared: Any,
    save: Callable[[R, J, Any], None],
    executor: Executor,
    progress: ProgressCallback,
    what: str,
) -> None:
    """Run jobs and write each result, or the reason of its failure, as it arrives.

    Args:
        work: Run -> its jobs that are not done yet; the jobs of all runs are handed to the executor together.
        function: Called with a job and `shared`, in a worker; must be importable.
        shared: Data that all jobs need.
        save: Called with a run, a job of it and what `function` returned, in this process.
        executor: Where jobs run.
        progress: Called with `what`, the number of units that have ended, and the number of all.
        what: What is being done, e.g. `folds`.

    Raises:
        RunError: a unit failed; the results of the others are written.
    """
    jobs = [job for own in work.values() for job in own]
    runs = {id(job): run for run, own in work.items() for job in own}
    total = sum(len(run.unit_names) for run in work)
    for job, outcome in run_all(jobs, function, shared, executor, progress, what, total):
        run = runs[id(job)]
        if isinstance(outcome, Done):
            save(run, job, outcome.value)
            continue
        for unit in job.units:
            run.write_failure(unit, outcome.reason, outcome.details)
    _raise_failures(list(work))


def _raise_failures(runs: Sequence[Run]) -> None:
    """Raise an error if a unit of runs of one recipe failed."""
    failed = {run: reasons for run in runs if (reasons := run.failed())}
    if not failed:
        return
    first, reasons = next(iter(failed.items()))
    name, reason = next(iter(reasons.items()))
    number, total = sum(map(len, failed.values())), sum(len(run.unit_names) for run in runs)
    said = f"{number} of {total} {first.unit}s failed"
    if len(runs) > 1:
        said += f" ({', '.join(f'{len(own)} with seed {run.metadata.seed}' for run, own in failed.items())})"
    if number < total:
        said += ", the others are saved"
    details = ", ".join(f"{run.folder / run.unit}s/*.error" for run in failed)
    raise RunError(
        f"recipe '{first.metadata.recipe['name']}': {said}; {first.unit} '{name}': {reason} "
        f"(details: {details}); the same command again repeats them"
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
    small, taken = _take_repeated(jobs)
    call = SharedFunction(_call, _call_many) if isinstance(function, SharedFunction) else _call
    for index, outcome in executor.run(call, small, (function, taken, shared)):
        yield jobs[index], outcome
        ended += len(jobs[index].units)
        progress(what, ended, total)


@dataclass(frozen=True)
class _Taken:
    """Stands in a job for a value that was taken out of it.

    Attributes:
        key: of the value among all that were taken.
    """

    key: int


def _take_repeated(jobs: Sequence[J]) -> tuple[list[J], dict[int, Any]]:
    """Take the mappings that several jobs hold out of them, e.g. the initial weights of a seed, to send each once.

    Returns:
        The jobs without them, and the mappings by the keys that the jobs have instead.
    """
    held = [{name: value for name, value in _values(job) if isinstance(value, Mapping)} for job in jobs]
    count = Counter(id(value) for own in held for value in own.values())
    taken = {id(value): value for own in held for value in own.values() if count[id(value)] > 1}
    small = []
    for job, own in zip(jobs, held, strict=True):
        gaps: dict[str, Any] = {name: _Taken(id(value)) for name, value in own.items() if id(value) in taken}
        small.append(replace(job, **gaps))
    return small, taken


def _values(job: Job) -> list[tuple[str, Any]]:
    return [(own.name, getattr(job, own.name)) for own in fields(job)]


def _put_back(job: J, taken: Mapping[int, Any]) -> J:
    """The job as it was before `_take_repeated`."""
    values: dict[str, Any] = {n: taken[value.key] for n, value in _values(job) if isinstance(value, _Taken)}
    return replace(job, **values)


_Shared = tuple[Callable[[Any, Any], Any], Mapping[int, Any], Any]
"""The function of the jobs, what was taken out of them, and the data that all need."""


def _call(job: Job, work: _Shared) -> Any:
    function, taken, shared = work
    return function(_put_back(job, taken), shared)


def _call_many(jobs: Sequence[Job], work: _Shared) -> Iterator[Outcome]:
    function, taken, shared = work
    assert isinstance(function, SharedFunction)
    return function.many([_put_back(job, taken) for job in jobs], shared)
