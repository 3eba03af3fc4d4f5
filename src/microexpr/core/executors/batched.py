"""Many jobs at once, in this process, for functions that can share work between jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .base import EXECUTORS, Executor, Failed, Function, Outcome, SharedFunction, attempt


@EXECUTORS.register("batched")
@dataclass(frozen=True)
class Batched(Executor):
    """Run many jobs as one, in this process; jobs whose function cannot share work run one after the other.

    When the memory is not enough for a chunk of jobs, the rest of it is tried again in chunks of half the size.

    Args:
        workers: largest number of jobs at once; None for all.
    """

    workers: int | None = None

    def run(self, function: Function, jobs: Sequence[Any], shared: Any) -> Iterator[tuple[int, Outcome]]:
        """Yield outcomes in the order of the jobs."""
        first, size = 0, self.workers or len(jobs)
        while first < len(jobs):
            if not isinstance(function, SharedFunction):
                yield first, attempt(function, jobs[first], shared)
                first += 1
                continue
            try:
                for outcome in function.many(jobs[first : first + size], shared):
                    yield first, outcome
                    first += 1
            except MemoryError as error:
                if size == 1:
                    yield first, Failed(f"the memory is not enough for this job alone ({error})")
                    first += 1
                size = max(1, min(size, len(jobs) - first) // 2)
