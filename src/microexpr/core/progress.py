"""The callback by which long work reports its progress."""

from __future__ import annotations

from collections.abc import Callable

ProgressCallback = Callable[[str, int, int], None]
"""Called with a description of the work, how many units are done, and how many there are (0 if that is unknown)."""


def no_progress(what: str, done: int, total: int) -> None:
    """No-op progress callback."""
