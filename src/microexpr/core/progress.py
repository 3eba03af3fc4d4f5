"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

ProgressCallback = Callable[[str, int, int], None]
"""Called with (what is being done, how much of it is done, how much there is; 0 where nobody knows)."""


def no_progress(what: str, done: int, total: int) -> None:
    """The progress of work that nobody watches."""
