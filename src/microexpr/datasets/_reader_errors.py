"""What went wrong in the reader of a data set, for its author: the line, the file, and the column that is not there."""

from __future__ import annotations

import io
import linecache
import re
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def explain(error: Exception) -> str:
    """Say where a reader raised an exception that it did not expect; names the columns where it asked for another one.

    Args:
        error: raised by `Dataset.read`, and caught by the function that called it.
    """
    frames = list(traceback.walk_tb(error.__traceback__))[1:]  # without the caller
    reader = frames[0][0].f_code.co_filename  # what it calls may be deep in another library
    own = [(frame, line) for frame, line in frames if frame.f_code.co_filename == reader]
    frame, line = own[-1]
    variables = [value for each, _ in own for value in each.f_locals.values()]
    file = next((f" of '{path}'" for path in _files(variables)), "")
    where = f"({Path(reader).name}, line {line})"
    if not isinstance(error, KeyError):
        return f"{where} raised {type(error).__name__}: {error}"
    wanted = error.args[0]
    asked = re.search(rf"""(\w+)(?:\.loc)?\[(['"]){re.escape(str(wanted))}\2\]""", linecache.getline(reader, line))
    table: Any = {**frame.f_globals, **frame.f_locals}.get(asked[1]) if asked else None
    there = f"; there are {', '.join(map(str, table.keys()))}" if hasattr(table, "keys") else ""
    return f"{where} asks for the column '{wanted}'{file}, which is not there{there}"


def _files(variables: Iterable[Any]) -> Iterable[str]:
    """Names of the files among the variables of a reader."""
    for value in variables:
        if isinstance(value, io.IOBase) and isinstance(name := getattr(value, "name", None), str | Path):
            yield str(name)
        elif isinstance(value, Path) and value.is_file():
            yield str(value)
