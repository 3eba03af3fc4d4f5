"""Names to classes. A new kind of anything is one new file: its module registers itself, the registry finds the file.

Folders are searched by file name, so nothing is imported before it is asked for, and no list is kept by hand.
A class of somebody else's is registered the same way, from any file that was imported (`--plugin my_file.py`).
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from .errors import MicroexprError, MissingDataError, RecipeError, UnknownNameError, UsageError, did_you_mean

T = TypeVar("T")


class Registry(Generic[T]):
    """The classes of one kind, found in one folder of the package.

    Args:
        kind: what an error calls it, e.g. `data set`.
        package: the folder whose modules register themselves, e.g. `microexpr.datasets`.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._classes: dict[str, type[T]] = {}
        self._searched = False

    def register(self, name: str) -> Callable[[type[T]], type[T]]:
        """Class decorator: make the class known under `name`."""

        def keep(cls: type[T]) -> type[T]:
            old = self._classes.get(name)
            if old is not None and (old.__module__, old.__qualname__) != (cls.__module__, cls.__qualname__):
                raise UsageError(f"two {self.kind}s are called '{name}': {old.__module__} and {cls.__module__}")
            self._classes[name] = cls
            cls.name = name  # type: ignore[attr-defined]
            return cls

        return keep

    def names(self) -> list[str]:
        """All names, sorted."""
        self._search()
        return sorted(self._classes)

    def get(self, name: str) -> type[T]:
        """The class of that name.

        Raises:
            UnknownNameError: there is none; the message names the nearest.
        """
        if name not in self._classes:
            self._search()
        if name not in self._classes:
            raise UnknownNameError(self.kind, name, self._classes)
        return self._classes[name]

    def build(self, settings: Mapping[str, Any], **common: Any) -> T:
        """An instance from `{"name": ..., **settings}`: a dataclass whose keys and types are checked.

        Raises:
            RecipeError: a key that the class does not have (the nearest is named), or a value of the wrong type.
        """
        values = dict(settings)
        if "name" not in values:
            raise RecipeError(f"a {self.kind} needs a 'name'; got {values!r}; known: {', '.join(self.names())}")
        cls = self.get(str(values.pop("name")))
        return validate_settings(cls, values, f"{self.kind} '{cls.name}'", **common)  # type: ignore[attr-defined]

    def __iter__(self) -> Iterator[tuple[str, type[T]]]:
        return iter([(name, self.get(name)) for name in self.names()])

    def _search(self) -> None:
        if self._searched:
            return
        self._searched = True
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):  # a helper, no plug-in
                importlib.import_module(f"{self.package}.{module.name}")


def validate_settings(cls: type[T], values: Mapping[str, Any], where: str, **common: Any) -> T:
    """A dataclass from values a user wrote; an unknown key or a wrong type is an error that names it."""
    fields = {f.name for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    for key in values:
        if key not in fields - set(common):
            raise RecipeError(f"{where} has no setting '{key}'{did_you_mean(key, fields - set(common))}")
    try:
        return _adapter(cls).validate_python({**values, **common})
    except ValidationError as fault:
        first = fault.errors()[0]
        if isinstance(cause := first.get("ctx", {}).get("error"), MicroexprError):
            raise cause from None  # a class that checks its own settings says it best
        key = ".".join(str(part) for part in first["loc"])
        complaint = first["msg"].replace("valid tuple", "list")  # as TOML calls it
        raise RecipeError(f"{where}: {key or 'a setting'} = {first['input']!r}: {complaint}") from None


def _adapter(cls: type[T]) -> TypeAdapter[T]:
    if not hasattr(cls, "__pydantic_config__"):
        cls.__pydantic_config__ = ConfigDict(arbitrary_types_allowed=True, extra="forbid")  # type: ignore[attr-defined]
    return TypeAdapter(cls)


loaded_plugins: list[Path] = []
"""The plugins loaded so far; a worker in another process loads them too."""


def load_plugin(path: Path) -> None:
    """Import a user's Python file, so that what it registers can be named in a recipe or on the command line."""
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
    except Exception as fault:
        raise UsageError(f"plugin '{path}' cannot be imported: {type(fault).__name__}: {fault}") from fault
    loaded_plugins.append(path)
