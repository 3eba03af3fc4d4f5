"""Every error that microexpr raises on purpose.

    MicroexprError                  exit code 1: something is wrong
    ├── UsageError                  exit code 2: the request itself is wrong
    │   ├── UnknownNameError        no such data set, step, recognizer, recipe ...
    │   │   └── MissingPluginError  ... in a file that a plug-in is needed for
    │   └── RecipeError             a recipe with a wrong key, type or value
    ├── DataError                   a file, sheet or folder is not what it should be
    │   ├── MissingDataError        a folder or file is not there
    │   ├── AnnotationError         labels that contradict each other or the frames
    │   └── MediaError              an image or video that cannot be read
    ├── ProtocolError               the clips do not fit the protocol
    ├── NotFittedError              predict before fit
    ├── RunError                    a run folder that cannot be continued, or a fold that failed
    └── ExecutorError               the machine or cluster cannot do what was asked

A message says what is wrong, which value it was and what to do, in one line.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable

FEW = 20
"""Largest number of known names that are all listed beside the nearest one."""


class MicroexprError(Exception):
    """Base of all errors that a user can do something about."""

    exit_code = 1


class UsageError(MicroexprError, ValueError):
    """The request itself is wrong."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name that does not exist; the message suggests the nearest one that does, and lists all if there are few."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(kind, name, tuple(known))

    def __str__(self) -> str:
        kind, name, known = self.args
        near = did_you_mean(name, known)
        others = f" known: {', '.join(sorted(known))}" if near.endswith("?") and len(known) <= FEW else ""
        return f"unknown {kind} '{name}'{near}{others}"


class MissingPluginError(UnknownNameError):
    """A file names something that is not registered: the plug-in that registers it was not given."""

    def __init__(self, kind: str, name: str, known: Iterable[str], file: str) -> None:
        super().__init__(kind, name, known)
        self.args = (*self.args, file)

    def __str__(self) -> str:
        kind, name, known, file = self.args
        near = did_you_mean(name, known)
        return (
            f"{file} needs the {kind} '{name}', which is not part of microexpr{near if near.endswith('?') else ''}; "
            "name the file that registers it with --plugin FILE.py (in Python: microexpr.load_plugin), or install its "
            "package"
        )


class RecipeError(UsageError):
    """A recipe with a wrong key, type or value."""


class DataError(MicroexprError):
    """A file, sheet or folder is not what it should be."""


class MissingDataError(DataError, FileNotFoundError):
    """A folder or file is not there."""


class AnnotationError(DataError):
    """Labels that contradict each other or the frames."""


class MediaError(DataError):
    """An image or video that cannot be read."""


class ProtocolError(MicroexprError):
    """The clips do not fit the protocol."""


class NotFittedError(MicroexprError):
    """`predict` was called before `fit`."""


class RunError(MicroexprError):
    """A run folder that cannot be continued, or a fold that failed."""


class ExecutorError(MicroexprError):
    """The machine or cluster cannot do what was asked."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown name: the nearest known name, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; known: {', '.join(names) or 'none'}"


def is_disk_full(error: OSError) -> bool:
    """Whether there is no room left for a file."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def disk_message(error: OSError) -> str:
    """A line about a file that cannot be read or written."""
    file = f"'{error.filename}'" if error.filename else "a file"
    if is_disk_full(error):
        return f"{file} cannot be written: the disk is full; make room on it, then try again"
    return f"{file} cannot be read or written: {error.strerror or error}"


def one_line(text: str) -> str:
    """A text without line breaks and unprintable characters, which a file name may have."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
