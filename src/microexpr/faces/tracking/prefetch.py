"""Items made ahead in a thread: OpenCV and FFmpeg release Python's lock, so that two cores work on one recording."""

from __future__ import annotations

from collections.abc import Generator
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")


class _End:
    """Stands after the last item; `error` is the exception that ended the items, or None."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def prefetch(items: Generator[T, None, None], queue_size: int = 8) -> Generator[T, None, None]:
    """The same items in the same order, made in a thread while earlier ones are used.

    Args:
        items: the items. An error in making one is raised in its turn.
        queue_size: largest number of items that are made ahead.
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
        error = None
        try:
            for item in items:
                put(item)
                if stopped.is_set():
                    break
            items.close()
        except BaseException as caught:
            error = caught
        put(_End(error))

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
