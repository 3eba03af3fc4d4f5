"""Standard output and standard error of all commands."""

from __future__ import annotations

from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
"""Results; they can be piped to another program."""

_err = Console(stderr=True, highlight=False)


def print_status(text: str) -> None:
    """Print a status message on standard error, so that standard output can be piped."""
    _err.print(text, markup=False, soft_wrap=True)


def count(number: int, noun: str) -> str:
    """A number and its noun: `1 issue`, `2 issues`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
