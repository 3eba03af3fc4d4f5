"""Registries: names to classes or records. One more of anything is one new file that registers itself.

A registry searches one folder of the package for a file named like what is asked for, and all files of that folder only
if that fails, so that nothing is imported before it is needed and no list is written by hand. Files named `base` or
`checks` and files whose name begins with `_` are helpers and are not searched.

Classes and records of other packages register in the same way: from a file given with `--plugin`, or from an installed
package that names its module in the entry-point group `microexpr.plugins`:

    [project.entry-points."microexpr.plugins"]
    my_lab = "my_lab.microexpr_plugin"
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from .errors import (
    MicroexprError,
    MissingDataError,
    MissingPluginError,
    RecipeError,
    UnknownNameError,
    UsageError,
    did_you_mean,
)

T = TypeVar("T")
V = TypeVar("V")

ENTRY_POINTS = "microexpr.plugins"
"""Entry-point group in which installed packages name the modules that register their own classes and records."""

HELPERS = ("base", "checks")
"""Modules of a searched folder that register nothing."""


class _Names(Generic[V]):
    """The lookup that `Registry` and `RecordRegistry` share.

    Args:
        kind: what an error message calls an entry, e.g. `data set`.
        package: the folder whose modules register themselves, e.g. `microexpr.datasets`.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._entries: dict[str, V] = {}
        self._searched = False

    def names(self) -> list[str]:
        """All names, sorted. Imports every module of the folder and every installed plug-in."""
        self._search()
        return sorted(self._entries)

    def get(self, name: str) -> V:
        """Look up an entry; only the module of that name is imported where there is one.

        Raises:
            UnknownNameError: there is no such entry; the message names the nearest.
        """
        if name not in self._entries:
            self._import_module_named(name)
        if name not in self._entries:
            self._search()
        if name not in self._entries:
            raise UnknownNameError(self.kind, name, self._entries)
        return self._entries[name]

    def __iter__(self) -> Iterator[tuple[str, V]]:
        return iter([(name, self.get(name)) for name in self.names()])

    def __contains__(self, name: str) -> bool:
        return name in self.names()

    def __repr__(self) -> str:
        return f"<{len(self.names())} {self.kind}s: {', '.join(self.names())}>"

    def _modules(self) -> list[str]:
        package = importlib.import_module(self.package)
        names = [module.name for module in pkgutil.iter_modules(package.__path__)]
        return [name for name in names if name not in HELPERS and not name.startswith("_")]

    def _import_module_named(self, name: str) -> None:
        module = name.replace("-", "_")
        if module in self._modules():
            importlib.import_module(f"{self.package}.{module}")

    def _search(self) -> None:
        if self._searched:
            return
        self._searched = True
        for module in self._modules():
            importlib.import_module(f"{self.package}.{module}")
        load_installed_plugins()


class Registry(_Names[type[T]]):
    """The classes of one kind."""

    def register(self, name: str) -> Callable[[type[T]], type[T]]:
        """Class decorator: register the class under `name`, which becomes its attribute `name`.

        Raises:
            UsageError: another class has that name.
        """

        def add(cls: type[T]) -> type[T]:
            old = self._entries.get(name)
            if old is not None and (old.__module__, old.__qualname__) != (cls.__module__, cls.__qualname__):
                raise UsageError(f"two {self.kind}s are called '{name}': {old.__module__} and {cls.__module__}")
            self._entries[name] = cls
            cls.name = name  # type: ignore[attr-defined]
            return cls

        return add

    def build(self, settings: Mapping[str, Any], **common: Any) -> T:
        """Build an instance from `{"name": ..., **settings}`: a dataclass whose keys and types are checked.

        Raises:
            RecipeError: a key that the class does not have (the nearest is named), or a value of the wrong type.
        """
        values = dict(settings)
        if "name" not in values:
            raise RecipeError(f"a {self.kind} needs a 'name'; got {values!r}; known: {', '.join(self.names())}")
        name = str(values.pop("name"))
        cls = self.get(name)
        gather = getattr(cls, "gather_settings", None)
        if gather is not None:  # a class that takes settings of something else among its own
            values = gather(values)
        return validate_settings(cls, values, f"{self.kind} '{name}'", **common)


class RecordRegistry(_Names[T]):
    """The records (values, functions) of one kind."""

    def add(self, name: str, record: T) -> T:
        """Register a record under `name` and return it.

        Raises:
            UsageError: another record has that name.
        """
        if name in self._entries and self._entries[name] != record:
            raise UsageError(f"two {self.kind}s are called '{name}'")
        self._entries[name] = record
        return record


def validate_settings(cls: type[T], values: Mapping[str, Any], where: str, **common: Any) -> T:
    """Build a dataclass from values that a user wrote.

    Args:
        cls: the dataclass.
        values: setting -> value.
        where: what an error message calls the dataclass, e.g. `step 'align'`.
        **common: further arguments of the dataclass, which a user cannot set.

    Raises:
        RecipeError: an unknown setting (the nearest is named) or a value of the wrong type or out of range.
    """
    fields = {f.name for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    if not isinstance(values, Mapping):
        raise RecipeError(f"{where} = {values!r}: write a table, e.g. {{{min(fields - set(common))} = ...}}")
    for key in values:
        if key not in fields - set(common):
            raise RecipeError(f"{where} has no setting '{key}'{did_you_mean(key, fields - set(common))}")
    try:
        built = _adapter(cls).validate_python({**values, **common})  # type: ignore[arg-type]  # a class can be hashed
        for key, value, wanted in _converted(values, built):
            raise RecipeError(f"{where}: {key} = {value!r}: write {wanted}")
        return built
    except ValidationError as error:
        first = error.errors()[0]
        if isinstance(cause := first.get("ctx", {}).get("error"), MicroexprError):
            raise cause from None  # the class checked its own settings, and its message is the better one
        parts = [str(part) for part in first["loc"]]
        key = ".".join(part for part in parts if not part.startswith(("constrained-", "literal[")))  # kinds of a union
        complaint = first["msg"].replace("valid tuple", "list")  # as TOML calls it
        raise RecipeError(f"{where}: {key or 'a setting'} = {first['input']!r}: {complaint}") from None


def _converted(given: Any, built: Any) -> Iterator[tuple[str, Any, str]]:
    """(setting, value, what to write) of values that became another kind: a text or `true` a number, 1 `true`."""
    if isinstance(given, Mapping):
        for key, value in given.items():
            part = built.get(key) if isinstance(built, Mapping) else getattr(built, str(key), value)
            for below, wrong, wanted in _converted(value, part):
                yield f"{key}.{below}".rstrip("."), wrong, wanted
    elif isinstance(given, (list, tuple)) and isinstance(built, (list, tuple)):
        for number, (value, part) in enumerate(zip(given, built, strict=False), 1):
            for below, wrong, wanted in _converted(value, part):
                yield f"{number}.{below}".rstrip("."), wrong, wanted
    elif isinstance(built, (int, float)) and isinstance(given, (str, int, float)):
        same = not isinstance(given, str) and isinstance(built, bool) == isinstance(given, bool)
        if not same:
            yield "", given, "true or false" if isinstance(built, bool) else "a number, without quotes"


@cache
def _adapter(cls: Any) -> TypeAdapter[Any]:
    if not hasattr(cls, "__pydantic_config__"):
        cls.__pydantic_config__ = ConfigDict(arbitrary_types_allowed=True, extra="forbid")
    return TypeAdapter(cls)


@contextmanager
def names_of(file: str) -> Iterator[None]:
    """Say how to give a plug-in where what a file names is not registered.

    Args:
        file: the file, as an error names it.

    Raises:
        MissingPluginError: the block looked up an unknown name.
    """
    try:
        yield
    except MissingPluginError:
        raise
    except UnknownNameError as error:
        kind, name, known = error.args
        raise MissingPluginError(kind, name, known, file) from None


loaded_plugins: list[Path] = []
"""The plug-in files loaded so far; a worker in another process loads them too."""


def load_plugin(path: Path | str) -> None:
    """Import a user's Python file, so that what it registers can be named in a recipe or on the command line.

    Args:
        path: the file; importing it twice does nothing.

    Raises:
        MissingDataError: there is no such file.
        UsageError: it is not a Python file, or importing it fails.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"plugin '{path}' is not a file")
    path = path.absolute()
    if path in loaded_plugins:
        return
    name = f"microexpr_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"plugin '{path}' is not a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except MicroexprError:
        raise
    except Exception as error:
        raise UsageError(f"plugin '{path}' cannot be imported: {type(error).__name__}: {error}") from error
    loaded_plugins.append(path)


def load_installed_plugins() -> None:
    """Import the modules that installed packages name in the entry-point group `microexpr.plugins`.

    Raises:
        UsageError: importing one fails; the message names the package.
    """
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            point.load()
        except MicroexprError:
            raise
        except Exception as error:
            package = point.dist.name if point.dist is not None else "?"
            raise UsageError(
                f"plugin '{point.name}' of the installed package '{package}' cannot be imported: "
                f"{type(error).__name__}: {error}; repair or uninstall that package"
            ) from error
