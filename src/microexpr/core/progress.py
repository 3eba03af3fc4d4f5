"""Progress of long work: the callback by which functions report it, and the bars that show it."""

from __future__ import annotations

import importlib.util
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from time import monotonic

ProgressCallback = Callable[[str, int, int], None]
"""Called with a description of the work, how many units are done, and how many there are (0 if that is unknown)."""


StepCallback = Callable[[int, int], None]
"""Called with how many steps are done, and how many there are."""


def no_progress(what: str, done: int, total: int) -> None:
    """No-op progress callback."""


def no_step_progress(done: int, total: int) -> None:
    """No-op step callback."""


LOG_SECONDS = 10.0
"""Smallest time in seconds between two lines about the same work, where no bar can be shown."""

_inner: ContextVar[ProgressCallback] = ContextVar("inner", default=no_progress)


@contextmanager
def inner_progress(progress: ProgressCallback) -> Iterator[None]:
    """Let what runs in the block, in this process, report its own steps by `report_inner`."""
    token = _inner.set(progress)
    try:
        yield
    finally:
        _inner.reset(token)


def report_inner(what: str) -> StepCallback:
    """The callback for the steps of a piece of work within a larger one, e.g. the epochs of a fold.

    They go nowhere outside of a block of `inner_progress`, as in a worker process.
    """
    return partial(_inner.get(), what)


@contextmanager
def show_progress(progress: ProgressCallback | bool = True, name: str = "") -> Iterator[ProgressCallback]:
    """A callback that shows the progress of the work in the block.

    Args:
        progress: True shows a bar for each piece of work on a terminal and in a notebook (with `ipywidgets`), and
            elsewhere a line on standard error when it begins, after each tenth but at most every `LOG_SECONDS`, and
            when it ends; False shows nothing; a callback is returned as it is.
        name: text before each description, where several things are done one after the other.
    """
    if progress is False:
        yield no_progress
    elif progress is not True:
        yield progress
    else:
        with _bars(f"{name}: " if name else "") as callback:
            yield callback


@contextmanager
def _bars(prefix: str) -> Iterator[ProgressCallback]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True, highlight=False)
    interactive = console.is_terminal or (console.is_jupyter and importlib.util.find_spec("ipywidgets") is not None)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[memory]}"),
    )
    with Progress(*columns, console=console, transient=False, disable=not interactive) as bars:
        tasks: dict[str, TaskID] = {}
        lines: dict[str, tuple[int, float]] = {}  # of each work, the tenth and the time of its last line

        def callback(what: str, done: int, total: int) -> None:
            what = prefix + what
            memory = f"{peak_memory() / 2**30:.1f} GiB"
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None, memory=memory)
            bars.update(tasks[what], completed=done, total=total or None, memory=memory)
            tenth = 10 * done // total if total else 0
            before, printed = lines.get(what, (-1, -LOG_SECONDS))
            due = what not in lines or tenth == 10 or monotonic() - printed >= LOG_SECONDS
            if not interactive and tenth != before and due:
                lines[what] = tenth, monotonic()
                state = f"{done} of {total}" if total else f"{done} so far"
                suffix = f" (peak memory {memory})" if done else ""
                console.print(f"{what}: {state}{suffix}", markup=False, soft_wrap=True)

        yield callback


def peak_memory() -> int:
    """Largest resident size so far in bytes, of this process or of a worker process that has ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return 1024 * max(resource.getrusage(kind).ru_maxrss for kind in kinds)
