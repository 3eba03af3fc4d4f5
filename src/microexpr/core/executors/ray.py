"""Jobs on a Ray cluster, or on this machine through Ray."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..errors import ExecutorError
from .base import EXECUTORS, MAX_ATTEMPTS, SINGLE_THREAD_ENV, Executor, Failed, Function, Outcome, attempt


@EXECUTORS.register("ray")
@dataclass(frozen=True)
class Ray(Executor):
    """Run jobs as tasks of a Ray cluster, one core each; Ray starts a task again whose worker died.

    Args:
        workers: number of cores to use; None for all of the cluster.
        address: address of a running cluster; None starts Ray on this machine.
    """

    remote: ClassVar[bool] = True

    workers: int | None = None
    address: str | None = None

    def check(self) -> None:
        """Connect, and compare the cores that were asked for with those of the cluster."""
        self._connect()

    def run(self, function: Function, jobs: Sequence[Any], shared: Any) -> Iterator[tuple[int, Outcome]]:
        """Yield outcomes as jobs end."""
        ray = self._connect()
        try:
            remote = ray.remote(num_cpus=1, max_retries=MAX_ATTEMPTS - 1)(attempt)
            shared_reference = ray.put(shared)
            running = {remote.remote(function, job, shared_reference): index for index, job in enumerate(jobs)}
            while running:
                for reference in ray.wait(list(running), num_returns=1)[0]:
                    yield running.pop(reference), self._outcome(ray, reference)
        finally:
            ray.shutdown()

    def _outcome(self, ray: Any, reference: Any) -> Outcome:
        try:
            return ray.get(reference)
        except ray.exceptions.RayError as error:
            return Failed(f"its Ray worker died {MAX_ATTEMPTS} times", str(error))

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
            options |= {"num_cpus": self.workers or cores, "include_dashboard": False}
        else:
            _reach(self.address)
        try:
            ray.init(address=self.address, logging_level="ERROR", **options)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ExecutorError(f"no Ray cluster at '{self.address}': {str(error).splitlines()[0]}") from None
        have = int(ray.cluster_resources().get("CPU", 0))
        if have < (self.workers or 1):
            ray.shutdown()
            raise ExecutorError(f"--workers {self.workers or 1}: the Ray cluster has {have} cores; ask for no more")
        return ray


def _reach(address: str) -> None:
    """Raise an error at once if nothing answers at the address; Ray would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return  # `auto` and other addresses that only Ray understands
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise ExecutorError(f"no answer from '{address}' ({error}); is the cluster running?") from None
