"""Settings of recipes in words: a value in one line, and what tells runs of one recipe from each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..experiments.run_folder import Run, RunMetadata

DEFAULT = "the default"
"""Stands for the value of a setting that a recipe does not name."""

N_SHOWN = 3
"""Largest number of differing settings that the name of a run shows."""


def tell_apart(runs: Sequence[Run]) -> list[str]:
    """What tells each run from the others of the same recipe, e.g. `C 3, epochs 20`; "" where it is the only one.

    The settings that differ come first, then data, versions and other inputs. Runs that differ in nothing but their
    seed have the same words; runs that differ in nothing at all have their folders.
    """
    names = [str(run.metadata.recipe["name"]) for run in runs]
    words = [""] * len(runs)
    for name in set(names):
        same = [number for number, other in enumerate(names) if other == name]
        differing = differing_settings([_identity(runs[number].metadata) for number in same])
        for place, number in enumerate(same):
            parts = [f"{key} {format_setting(values[place])}" for key, values in differing[:N_SHOWN]]
            words[number] = ", ".join([*parts, *(["..."] if len(differing) > N_SHOWN else [])])
    taken = [(*pair, run.metadata.seed) for *pair, run in zip(names, words, runs, strict=True)]
    return [
        f"{own}, {run.folder}".removeprefix(", ") if taken.count(key) > 1 else own
        for own, key, run in zip(words, taken, runs, strict=True)
    ]


def with_difference(name: str, difference: str) -> str:
    """The name of a recipe, or its title, and what tells it from others of this name, if anything does."""
    return f"{name}, {difference}" if difference else name


def differing_settings(tables: Sequence[Any]) -> list[tuple[str, list[Any]]]:
    """The settings that are not equal in all tables.

    Args:
        tables: nested tables and lists, as recipes hold them.

    Returns:
        The last part of each setting's key, and its value in each table: `DEFAULT` where a table does not name it.
    """
    flat = [dict(_flat(table)) for table in tables]
    every = {key: [own.get(key, DEFAULT) for own in flat] for key in dict.fromkeys(key for own in flat for key in own)}
    return [(_short(key), values) for key, values in every.items() if any(value != values[0] for value in values)]


def format_setting(value: Any) -> str:
    """A value of a recipe in one line; a table with a name is `name (key = value, ...)`."""
    if isinstance(value, Mapping):
        name, rest = str(value.get("name", "")), {key: item for key, item in value.items() if key != "name"}
        settings = ", ".join(f"{key} = {format_setting(item)}" for key, item in rest.items())
        return f"{name} ({settings})" if name and settings else name or f"({settings})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(format_setting, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _identity(metadata: RunMetadata) -> dict[str, Any]:
    """What two runs of equal names may differ in, but for the seed."""
    settings = {key: value for key, value in metadata.recipe.items() if key not in ("name", "title", "quick")}
    rest = {"version": metadata.version, "inputs": metadata.inputs}
    return {"settings": settings, "quick": metadata.quick, "data": metadata.data, **rest}


def _flat(table: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of nested tables and lists under its dotted key; None is the value of what is not named."""
    if isinstance(table, Mapping | list | tuple):
        items = table.items() if isinstance(table, Mapping) else enumerate(table)
        for name, value in items:
            yield from _flat(value, f"{key}.{name}")
    elif table is not None:
        yield key, table


def _short(key: str) -> str:
    """The last name of a dotted key, with the place in a list behind it; of a `name` the table that it names."""
    parts = key.removesuffix(".name").split(".")
    last = max(place for place, part in enumerate(parts) if not part.isdecimal())
    return ".".join(parts[last:])
