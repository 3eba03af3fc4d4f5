"""Fitting many recognizers beside each other in threads, for those whose work does not hold Python's lock."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from threadpoolctl import threadpool_limits

from .base import Fit, Recognizer


def fit_in_threads(fits: Sequence[Fit]) -> Iterator[Recognizer | Exception]:
    """Fit recognizers beside each other, one thread for each core.

    No more are fitted ahead of the one that was asked for than keep the cores busy, so that few are in memory.

    Yields:
        Each recognizer in the order of `fits`, or the exception that ended its training.

    Raises:
        MemoryError: so many do not fit into the memory.
    """
    stopped, cores = threading.Event(), os.cpu_count() or 1
    waiting: deque[Future[Recognizer | Exception]] = deque()

    def go_on(done: int, total: int) -> None:
        if stopped.is_set():
            raise InterruptedError("stopped")

    # There is a fold for every core: more threads for each would only wait for each other.
    with threadpool_limits(1), ThreadPoolExecutor(cores) as pool:
        try:
            for fit in fits:
                waiting.append(pool.submit(fit.run_safely, go_on))
                if len(waiting) > 2 * cores:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # also where the caller was interrupted, or wants no more
            stopped.set()
            for future in waiting:
                future.cancel()
