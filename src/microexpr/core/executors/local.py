"""Jobs one after the other, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .base import EXECUTORS, Executor, Function, Outcome, attempt


@EXECUTORS.register("local")
@dataclass(frozen=True)
class Local(Executor):
    """Run jobs one after the other, in this process."""

    def run(self, function: Function, jobs: Sequence[Any], shared: Any) -> Iterator[tuple[int, Outcome]]:
        """Yield outcomes in the order of the jobs."""
        for index, job in enumerate(jobs):
            yield index, attempt(function, job, shared)
