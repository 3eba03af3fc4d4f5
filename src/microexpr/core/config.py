"""Where licensed data, the cache and named weights are.

The data set `casme2` is looked for, in this order:

1. in the folder given on the command line (`--root casme2=PATH`) or in Python (`roots={"casme2": PATH}`);
2. in `$MICROEXPR_DATA/casme2`;
3. in the line `casme2 = "PATH"` of `paths.toml`, a file in `$MICROEXPR_CONFIG` or in the user's configuration folder.

The cache is `$MICROEXPR_CACHE` or the user's cache folder (on Linux `~/.cache/microexpr`); named weights are in
`$MICROEXPR_WEIGHTS` or in `weights/` in the cache. Recipes never hold a path.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_cache_path, user_config_path

from .errors import MissingDataError, UsageError


def config_file() -> Path:
    """The user's `paths.toml`, whether or not it is there."""
    base = os.environ.get("MICROEXPR_CONFIG")
    folder = Path(base).expanduser() if base else user_config_path("microexpr", appauthor=False)
    return folder / "paths.toml"


def cache_folder() -> Path:
    """The folder of preprocessed samples, tracks, synthetic data sets and files that were fetched."""
    base = os.environ.get("MICROEXPR_CACHE")
    return Path(base).expanduser() if base else user_cache_path("microexpr", appauthor=False)


def weights_folder() -> Path:
    """The folder of named weights, `<name>.safetensors`."""
    base = os.environ.get("MICROEXPR_WEIGHTS")
    return Path(base).expanduser() if base else cache_folder() / "weights"


def data_folder(name: str, roots: Mapping[str, Path] | None = None) -> Path:
    """The folder of a data set.

    Args:
        name: name of the data set, for example `casme2`.
        roots: folders of data sets by name; they come before the environment and `paths.toml`.

    Raises:
        MissingDataError: No folder is known, or the one that is configured does not exist.
        UsageError: `paths.toml` is not valid TOML.
    """
    for where, folder in _candidates(name, roots or {}):
        if folder.is_dir():
            return folder
        if where != "MICROEXPR_DATA":
            raise MissingDataError(f"data set '{name}': {where} names '{folder}', which is not a folder")
    data = os.environ.get("MICROEXPR_DATA")
    tried = f"'{Path(data).expanduser() / name}' is not a folder" if data else "MICROEXPR_DATA is not set"
    raise MissingDataError(
        f"data set '{name}' is not on this machine ({tried}); set MICROEXPR_DATA, add a line to {config_file()}, "
        f"give --root {name}=FOLDER; `microexpr datasets {name}` shows how to get it, and "
        f"`microexpr synthesize {name} FOLDER` writes a synthetic copy"
    )


def _candidates(name: str, roots: Mapping[str, Path]) -> list[tuple[str, Path]]:
    """The configured folders and the setting that names each, in the order in which they are tried."""
    found = []
    if name in roots:
        found.append(("--root", Path(roots[name]).expanduser()))
    if data := os.environ.get("MICROEXPR_DATA"):
        found.append(("MICROEXPR_DATA", Path(data).expanduser() / name))
    file = config_file()
    if file.is_file():
        try:
            paths = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{file} is not valid TOML: {error}") from None
        if name in paths:
            found.append((str(file), Path(os.path.expandvars(str(paths[name]))).expanduser()))
    return found
