"""Jobs on a Ray cluster, or on this machine through Ray."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..errors import ExecutorError
from .base import EXECUTORS, MAX_ATTEMPTS, SINGLE_THREAD_ENV, Executor, Failed, Function, Outcome, Work


@EXECUTORS.register("ray")
@dataclass(frozen=True)
class Ray(Executor):
    """Run jobs as tasks of a Ray cluster, one core each; Ray starts a task again whose worker or machine died.

    Args:
        workers: number of jobs at once; None for as many as the cluster has room for.
        address: address of a running cluster; None starts Ray on this machine.
        gpus: GPUs of each job; a fraction lets several jobs share one, and 0 lets them see none.
    """

    remote: ClassVar[bool] = True

    workers: int | None = None
    address: str | None = None
    gpus: float = 0.0

    def check(self) -> None:
        """Connect, and compare the cores and GPUs that were asked for with those of the cluster."""
        self._connect()

    def run(self, function: Function, jobs: Sequence[Any], shared: Any) -> Iterator[tuple[int, Outcome]]:
        """Yield outcomes as jobs end. The data that all jobs need are put into the object store once.

        A job that still fails when Ray has started it again, because its worker died or the memory of its machine was
        full, is tried once more when all others have ended: alone it has all of the memory.
        """
        ray = self._connect()
        try:
            remote = ray.remote(num_cpus=1, num_gpus=self.gpus, max_retries=MAX_ATTEMPTS - 1)(_attempt)
            work = ray.put(Work(function, shared))
            # Without a limit all jobs are handed over, so that a cluster that grows with its work sees all of it.
            limit = self.workers or len(jobs)
            waiting, running, crowded = list(range(len(jobs))), dict[Any, int](), list[int]()
            while waiting or running:
                while waiting and len(running) < limit:
                    index = waiting.pop(0)
                    running[remote.remote(jobs[index], work)] = index
                for reference in ray.wait(list(running), num_returns=1)[0]:
                    index, outcome = running.pop(reference), _outcome(ray, reference)
                    if isinstance(outcome, _Died):
                        crowded.append(index)
                    else:
                        yield index, outcome
            for index in crowded:
                yield index, _outcome(ray, remote.options(max_retries=0).remote(jobs[index], work))
        finally:
            ray.shutdown()

    def _connect(self) -> Any:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray sends no usage statistics
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
            os.environ.setdefault("RAY_task_oom_retries", str(MAX_ATTEMPTS - 1))  # Ray would try forever
            options |= {"num_cpus": self.workers or cores, "include_dashboard": False}
        else:
            _reach(self.address)
        try:
            # "local": otherwise Ray would join a cluster that somebody else runs on this machine
            ray.init(address=self.address or "local", logging_level="ERROR", **options)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ExecutorError(f"no Ray cluster at '{self.address}': {str(error).splitlines()[0]}") from None
        if lacking := self._lacking([node["Resources"] for node in ray.nodes() if node["Alive"]]):
            ray.shutdown()
            raise ExecutorError(lacking)
        return ray

    def _lacking(self, nodes: Sequence[dict[str, float]]) -> str:
        """What the machines of a cluster lack; a job that asked for it would wait forever. "" for nothing."""
        cores = int(sum(node.get("CPU", 0) for node in nodes))
        if cores < (self.workers or 1):
            return f"--workers {self.workers or 1}: the Ray cluster has {cores} cores; ask for no more"
        if not self.gpus:
            return ""
        pairs = [(node["CPU"], node.get("GPU", 0.0)) for node in nodes if node.get("CPU", 0) >= 1]
        most = max((gpus for _, gpus in pairs), default=0.0)
        if self.gpus > most:
            return f"--gpus {self.gpus:g}: no machine of the Ray cluster has more than {most:g} GPUs; ask for no more"
        at_once = sum(int(min(cpus, gpus / self.gpus + 1e-6)) for cpus, gpus in pairs)
        if at_once < (self.workers or 1):
            return (
                f"--workers {self.workers}: the Ray cluster runs {at_once} jobs of --gpus {self.gpus:g} at once; ask "
                "for no more"
            )
        return ""


def _attempt(job: Any, work: Work) -> Outcome:
    return work.attempt(job)


class _Died(Failed):
    """The worker of a job died, or was killed because the memory of its machine was full."""


def _outcome(ray: Any, reference: Any) -> Outcome:
    try:
        return ray.get(reference)
    except ray.exceptions.OutOfMemoryError as error:
        return _Died("its Ray worker ran out of memory, at last alone; it needs a machine that has more", str(error))
    except ray.exceptions.RayTaskError as error:  # before the job began
        return Failed(f"its Ray worker cannot begin: {str(error.cause).splitlines()[0]}", str(error))
    except ray.exceptions.RayError as error:
        return _Died(f"its Ray worker died {MAX_ATTEMPTS + 1} times, at last alone (out of memory?)", str(error))


def _reach(address: str) -> None:
    """Raise an error at once if nothing answers at the address; Ray would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return  # `auto` and other addresses that only Ray understands
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise ExecutorError(f"no answer from '{address}' ({error}); is the cluster running?") from None
