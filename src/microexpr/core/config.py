"""Where licensed data, the cache and runs live.

Data set `casme2` is looked for, in this order:
1. the path given on the command line (`--root casme2=PATH`) or in Python;
2. `$MICROEXPR_DATA/casme2`;
3. the line `casme2 = "PATH"` of `paths.toml` in `$MICROEXPR_CONFIG` or the user's configuration folder.
The cache is `$MICROEXPR_CACHE` or the user's cache folder; weights are in `$MICROEXPR_WEIGHTS` or below it.
Recipes never hold a path.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from .errors import MissingDataError, UsageError


def config_file() -> Path:
    """The user's `paths.toml`, whether or not it is there."""
    base = os.environ.get("MICROEXPR_CONFIG")
    if base:
        return Path(base).expanduser() / "paths.toml"
    return Path(os.environ.get("XDG_CONFIG_HOME", "~/.config")).expanduser() / "microexpr" / "paths.toml"


def cache_folder() -> Path:
    """Where what preprocessing made is kept."""
    base = os.environ.get("MICROEXPR_CACHE")
    if base:
        return Path(base).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "microexpr"


def weights_folder() -> Path:
    """Where named weights are kept, as `<name>.safetensors`."""
    base = os.environ.get("MICROEXPR_WEIGHTS")
    return Path(base).expanduser() if base else cache_folder() / "weights"


def data_folder(name: str, roots: Mapping[str, Path] | None = None) -> Path:
    """The folder of a data set.

    Args:
        name: of the data set.
        roots: folders given explicitly; they come first.

    Raises:
        MissingDataError: nowhere to be found, or named and not there.
    """
    for where, folder in _candidates(name, roots or {}):
        if folder.is_dir():
            return folder
        if where != "MICROEXPR_DATA":
            raise MissingDataError(f"data set '{name}': {where} says '{folder}', which is not a folder")
    data = os.environ.get("MICROEXPR_DATA")
    tried = f"'{Path(data).expanduser() / name}' is not a folder" if data else "MICROEXPR_DATA is not set"
    raise MissingDataError(
        f"data set '{name}' is not on this machine ({tried}); set MICROEXPR_DATA, add a line to {config_file()}, "
        f"give --root {name}=FOLDER, or try --data synthetic; `microexpr datasets {name}` says how to get it"
    )


def _candidates(name: str, roots: Mapping[str, Path]) -> list[tuple[str, Path]]:
    found = []
    if name in roots:
        found.append(("--root", Path(roots[name]).expanduser()))
    if data := os.environ.get("MICROEXPR_DATA"):
        found.append(("MICROEXPR_DATA", Path(data).expanduser() / name))
    file = config_file()
    if file.is_file():
        try:
            paths = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as fault:
            raise UsageError(f"{file} is not TOML: {fault}") from None
        if name in paths:
            found.append((str(file), Path(os.path.expandvars(str(paths[name]))).expanduser()))
    return found
