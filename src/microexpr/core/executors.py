"""Running independent jobs: one after the other, in processes, or on a Ray cluster.

`run(function, jobs, shared)` yields `(index, outcome)` as jobs end, in any order. What a job raises becomes a `Failed`
outcome and never stops the others; a job whose worker died is tried again.
"""

from __future__ import annotations

import os
import socket
import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, ClassVar

from .errors import ExecutorError, MicroexprError, UnknownNameError, UsageError

MAX_ATTEMPTS = 2
"""How often a job is started whose worker dies: once more than usual."""

SINGLE_THREAD_ENV = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Two threads beside a busy core are slower than one, and one gives the same sums everywhere."""

Function = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Done:
    """What a job returned."""

    value: Any


@dataclass(frozen=True)
class Failed:
    """Why a job gave nothing: a line for people, and the traceback."""

    reason: str
    details: str = ""


Outcome = Done | Failed


class Executor(ABC):
    """Where jobs run.

    Attributes:
        remote: whether a job may run on another machine, which does not see this one's files.
    """

    remote: ClassVar[bool] = False

    def check(self) -> None:  # noqa: B027  (most can give what is asked for)
        """Raise `ExecutorError` at once if what was asked for cannot be given."""

    @abstractmethod
    def run(self, function: Function, jobs: Sequence[Any], shared: Any) -> Iterator[tuple[int, Outcome]]:
        """Yield the outcome of `function(job, shared)` for each job as it ends."""


def executor(
    name: str, workers: int | None = None, address: str | None = None, process_per_fold: bool = False
) -> Executor:
    """The executor of that name.

    Args:
        name: `local`, `processes` or `ray`.
        workers: how many jobs at once; None for as many as there are cores (ray: as the cluster has).
        address: of a running Ray cluster; None starts Ray on this machine.
        fresh: a process of its own for each job; only with `processes`.

    Raises:
        UsageError: what does not go together.
        UnknownNameError: no such executor.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"workers = {workers}: must be 1 or more")
    if address is not None and name != "ray":
        raise UsageError(f"an address goes with --executor ray, not with --on {name}")
    if process_per_fold and name != "processes":
        raise UsageError(
            f"a fresh process for each fold (--process-per-fold) goes with --executor processes, not with --on {name}"
        )
    if name == "local":
        return Local()
    if name == "processes":
        return Processes(workers or os.cpu_count() or 1, 1 if process_per_fold else None)
    if name == "ray":
        return Ray(address, workers)
    raise UnknownNameError("executor", name, ("local", "processes", "ray"))


class Local(Executor):
    """One after the other, in this process."""

    def run(self, function: Function, jobs: Sequence[Any], shared: Any) -> Iterator[tuple[int, Outcome]]:
        """Yield in order."""
        for index, job in enumerate(jobs):
            yield index, _attempt(function, job, shared)


class Processes(Executor):
    """Fresh Python processes (spawned, one thread each), `workers` at a time.

    Args:
        workers: how many.
        jobs_per_process: after so many a process ends and another begins; None keeps it.
    """

    def __init__(self, workers: int, jobs_per_process: int | None = None) -> None:
        self.workers = workers
        self.jobs_per_process = jobs_per_process

    def run(self, function: Function, jobs: Sequence[Any], shared: Any) -> Iterator[tuple[int, Outcome]]:
        """Yield as they end.

        A dead worker takes its pool along, and nobody can tell which of the running jobs killed it: each of them is
        tried again alone, so that only its own deaths count against it.
        """
        tries = dict.fromkeys(range(len(jobs)), 0)
        while tries:
            suspect = next((index for index, count in tries.items() if count), None)
            for index, outcome in self._pool(function, jobs, shared, list(tries) if suspect is None else [suspect]):
                if outcome is None:
                    tries[index] += 1
                else:
                    del tries[index]
                    yield index, outcome
            if suspect is not None and tries.get(suspect, 0) >= MAX_ATTEMPTS:
                del tries[suspect]
                yield suspect, Failed(f"its process died {MAX_ATTEMPTS} times (out of memory?)")

    def _pool(
        self, function: Function, jobs: Sequence[Any], shared: Any, order: Sequence[int]
    ) -> Iterator[tuple[int, Outcome | None]]:
        """Outcomes of one pool; None for a job that was running when a worker died. The rest is left undone."""
        before = {name: os.environ.get(name) for name in SINGLE_THREAD_ENV}
        os.environ.update(SINGLE_THREAD_ENV)  # inherited by the children, before they import anything
        pool = ProcessPoolExecutor(
            min(self.workers, len(order)),
            mp_context=get_context("spawn"),
            initializer=_init_worker,
            initargs=(function, shared),
            max_tasks_per_child=self.jobs_per_process,
        )
        waiting, running = list(order), dict[Future[Outcome], int]()
        try:
            while waiting or running:
                while waiting and len(running) < self.workers:
                    running[pool.submit(_attempt_remembered, jobs[waiting[0]])] = waiting[0]
                    waiting.pop(0)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    outcome = future.result()  # raises while the job still counts as running
                    yield running.pop(future), outcome
        except BrokenProcessPool:
            yield from ((index, None) for index in list(running.values()) or waiting[:1])
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


class Ray(Executor):
    """Tasks of a Ray cluster, one core each; Ray starts a task anew whose worker died.

    Args:
        address: of a running cluster; None starts one on this machine.
        workers: cores to use; None for all that there are.
    """

    remote = True

    def __init__(self, address: str | None, workers: int | None) -> None:
        self.address = address
        self.workers = workers

    def check(self) -> None:
        """Connect, and compare what was asked for with what there is."""
        self._connect()

    def run(self, function: Function, jobs: Sequence[Any], shared: Any) -> Iterator[tuple[int, Outcome]]:
        """Yield as they end."""
        ray = self._connect()
        try:
            remote = ray.remote(num_cpus=1, max_retries=MAX_ATTEMPTS - 1)(_attempt)
            thing = ray.put(shared)
            running = {remote.remote(function, job, thing): index for index, job in enumerate(jobs)}
            while running:
                for reference in ray.wait(list(running), num_returns=1)[0]:
                    yield running.pop(reference), self._outcome(ray, reference)
        finally:
            ray.shutdown()

    def _outcome(self, ray: Any, reference: Any) -> Outcome:
        try:
            return ray.get(reference)
        except ray.exceptions.RayError as fault:
            return Failed(f"its Ray worker died {MAX_ATTEMPTS} times", str(fault))

    def _connect(self) -> Any:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
        if self.address and (Path("~/.ray/auth_token").expanduser().is_file() or "RAY_AUTH_TOKEN" in os.environ):
            os.environ.setdefault("RAY_AUTH_MODE", "token")  # Ray's newer clusters ask for the token they wrote there
        try:
            import ray as package
        except ModuleNotFoundError:
            raise ExecutorError("--executor ray needs the package ray: pip install 'microexpr[ray]'") from None
        ray: Any = package
        if ray.is_initialized():
            return ray
        options: dict[str, Any] = {"log_to_driver": False, "runtime_env": {"env_vars": SINGLE_THREAD_ENV}}
        if self.address is None:
            cores = os.cpu_count() or 1
            if self.workers and self.workers > cores:
                raise ExecutorError(f"--workers {self.workers}: this machine has {cores} cores; ask for no more")
            options |= {"num_cpus": self.workers or cores, "include_dashboard": False}
        else:
            _reach(self.address)
        try:
            ray.init(address=self.address, logging_level="ERROR", **options)
        except (ConnectionError, ValueError, RuntimeError) as fault:
            raise ExecutorError(f"no Ray cluster at '{self.address}': {str(fault).splitlines()[0]}") from None
        have = int(ray.cluster_resources().get("CPU", 0))
        if have < (self.workers or 1):
            ray.shutdown()
            raise ExecutorError(f"--workers {self.workers or 1}: the Ray cluster has {have} cores; ask for no more")
        return ray


def _reach(address: str) -> None:
    """Say at once that nobody answers, where Ray would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return  # `auto` and other words of Ray's own
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as fault:
        raise ExecutorError(f"nobody answers at '{address}' ({fault}); is the cluster up?") from None


_remembered: tuple[Function, Any] | None = None


def _init_worker(function: Function, shared: Any) -> None:
    global _remembered
    _remembered = (function, shared)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed cannot end its workers: they would wait for work, and keep their memory, for ever."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _attempt_remembered(job: Any) -> Outcome:
    if _remembered is None:
        raise RuntimeError("a worker was started without its function")
    return _attempt(_remembered[0], job, _remembered[1])


def _attempt(function: Function, job: Any, shared: Any) -> Outcome:
    try:
        return Done(function(job, shared))
    except MicroexprError as fault:
        return Failed(str(fault), traceback.format_exc())
    except Exception as fault:
        return Failed(f"{type(fault).__name__}: {fault}", traceback.format_exc())
