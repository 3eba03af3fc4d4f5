"""Work done ahead in a thread: OpenCV and FFmpeg let go of Python's lock, so that two cores work on one recording."""

from __future__ import annotations

from collections.abc import Generator
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")


class _End:
    """Stands after the last item; `fault` is why there are no more, None where all were made."""

    def __init__(self, fault: BaseException | None) -> None:
        self.error = fault


def prefetch(items: Generator[T, None, None], queue_size: int = 8) -> Generator[T, None, None]:
    """The same items in the same order, made by a thread of their own while the ones before are used.

    Args:
        items: an error in making one is raised where it would have come.
        queue_size: so many wait at once; then the thread waits.
    """
    ready: Queue[T | _End] = Queue(queue_size)
    stopped = Event()

    def put(item: T | _End) -> None:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.1)
                return
            except Full:
                continue

    def make() -> None:
        fault = None
        try:
            for item in items:
                put(item)
                if stopped.is_set():
                    break
            items.close()
        except BaseException as caught:
            fault = caught
        put(_End(fault))

    maker = Thread(target=make, daemon=True)
    maker.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        maker.join()
