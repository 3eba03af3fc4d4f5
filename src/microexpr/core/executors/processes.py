"""Jobs in processes of this machine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from .base import EXECUTORS, MAX_ATTEMPTS, SINGLE_THREAD_ENV, Executor, Failed, Function, Outcome, Work


@EXECUTORS.register("processes")
@dataclass(frozen=True)
class Processes(Executor):
    """Run jobs in new Python processes (spawned, one thread each).

    Args:
        workers: number of processes at once; None for one per core.
        process_per_fold: end each process after one job, so that no job sees what another one left in memory.
    """

    workers: int | None = None
    process_per_fold: bool = False

    def run(self, function: Function, jobs: Sequence[Any], shared: Any) -> Iterator[tuple[int, Outcome]]:
        """Yield outcomes as jobs end.

        When a worker dies, its whole pool breaks, and it is unknown which of the running jobs was the cause: each of
        them is tried again alone, so that only its own failures count against it.
        """
        attempts = dict.fromkeys(range(len(jobs)), 0)
        while attempts:
            suspect = next((index for index, count in attempts.items() if count), None)
            for index, outcome in self._pool(function, jobs, shared, list(attempts) if suspect is None else [suspect]):
                if outcome is None:
                    attempts[index] += 1
                else:
                    del attempts[index]
                    yield index, outcome
            if suspect is not None and attempts.get(suspect, 0) >= MAX_ATTEMPTS:
                del attempts[suspect]
                yield suspect, Failed(f"its process died {MAX_ATTEMPTS} times (out of memory?)")

    def _pool(
        self, function: Function, jobs: Sequence[Any], shared: Any, order: Sequence[int]
    ) -> Iterator[tuple[int, Outcome | None]]:
        """Outcomes of one pool; None for a job that was running when a worker died. Later jobs are not started."""
        workers = self.workers or os.cpu_count() or 1
        before = {name: os.environ.get(name) for name in SINGLE_THREAD_ENV}
        os.environ.update(SINGLE_THREAD_ENV)  # inherited by the children, before they import anything
        context = get_context("spawn")
        listening, alive = context.Pipe(duplex=False)
        pool = ProcessPoolExecutor(
            min(workers, len(order)),
            mp_context=context,
            initializer=_init_worker,
            initargs=(listening, Work(function, shared)),
            max_tasks_per_child=1 if self.process_per_fold else None,
        )
        waiting, running = list(order), dict[Future[Outcome], int]()
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    with _ctrl_c_blocked():
                        running[pool.submit(_attempt_in_worker, jobs[waiting[0]])] = waiting[0]
                    waiting.pop(0)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    outcome = future.result()  # raises while the job still counts as running
                    yield running.pop(future), outcome
        except BrokenProcessPool:
            yield from ((index, None) for index in list(running.values()) or waiting[:1])
        finally:
            if running:  # after an interrupt or an error, nobody waits for them
                alive.close()
            pool.shutdown(wait=True, cancel_futures=True)
            alive.close()
            listening.close()
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    """Let processes that start in the block leave Ctrl-C to this process.

    A terminal sends it to the workers, too; each would print a traceback, and none could say how to go on.
    """
    resource_tracker.ensure_running()  # it would take the block off
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


_work: Work | None = None


def _init_worker(parent: Connection, work: Work) -> None:
    global _work
    _work = work
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Connection) -> None:
    """End this worker when its parent is killed or gives up; it would work on, and hold its memory."""
    try:
        parent.recv()  # nothing is ever sent
    except (EOFError, OSError):
        os._exit(1)


def _attempt_in_worker(job: Any) -> Outcome:
    if _work is None:
        raise RuntimeError("a worker was started without its function")
    return _work.attempt(job)
