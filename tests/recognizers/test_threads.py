"""Recognizers that are fitted in threads: order, how many are fitted ahead, and how the others end."""

import os
import threading
from typing import Any

import pytest

from microexpr.recognizers._threads import fit_in_threads


class Counted:
    """A fit that notes that it ran, and returns its number, or raises."""

    def __init__(self, number, begun, error=None):
        self.number, self.begun, self.error = number, begun, error

    def run_safely(self, on_progress):
        self.begun.append(self.number)
        if self.error:
            raise self.error
        return self.number


def test_few_are_fitted_ahead_of_the_one_that_was_asked_for_and_all_come_in_order():
    begun: list[int] = []
    fits: list[Any] = [Counted(number, begun) for number in range(100)]
    fitted = fit_in_threads(fits)
    assert begun == []
    assert next(fitted) == 0
    assert len(begun) <= 2 * (os.cpu_count() or 1) + 1
    assert list(fitted) == list(range(1, 100)) and sorted(begun) == list(range(100))


def test_who_wants_no_more_stops_the_others():
    stopped, waiting = threading.Event(), threading.Event()

    class Endless(Counted):
        def run_safely(self, on_progress):
            waiting.set()
            try:
                while True:
                    on_progress(0, 1)
            except InterruptedError:
                stopped.set()

    fits: list[Any] = [Counted(0, []), *(Endless(number, []) for number in range(8))]
    fitted: Any = fit_in_threads(fits)
    assert next(fitted) == 0 and waiting.wait(10)
    fitted.close()
    assert stopped.is_set()


def test_a_full_memory_is_raised():
    fits: list[Any] = [Counted(0, []), Counted(1, [], MemoryError())]
    with pytest.raises(MemoryError):
        list(fit_in_threads(fits))
