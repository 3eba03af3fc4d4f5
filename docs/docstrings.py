"""From docstrings and dataclasses to Markdown: summaries, tables of settings with their types, limits and defaults.

What has no docstring or no meaning is noted in `missing`.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import annotated_types
import griffe
from griffe import Docstring, DocstringSectionKind
from pydantic.fields import FieldInfo


class Missing(list[str]):
    """Objects without a docstring and settings without a meaning, found so far."""

    def note(self, line: str) -> None:
        """Add a line once."""
        if line not in self:
            self.append(line)


missing = Missing()
"""What the pages written so far lack."""


# ---------------------------------------------------------------------------------------------------------------------
# Docstrings


def summary(thing: Any) -> str:
    """Return the first paragraph of a docstring on one line; note an object that has none."""
    own = thing.__dict__.get("__doc__") if isinstance(thing, type) else thing.__doc__
    text = inspect.cleandoc(own or "")
    if not text or text.startswith(f"{getattr(thing, '__name__', '')}("):  # what a dataclass writes by itself
        missing.note(f"{thing.__module__}.{thing.__qualname__} has no docstring")
        return ""
    return " ".join(text.split("\n\n")[0].split())


def description(thing: Any) -> str:
    """Return a docstring without its sections (Args, Attributes, Raises); note an object that has none."""
    if not summary(thing):
        return ""
    sections = Docstring(inspect.cleandoc(thing.__doc__)).parse("google", warnings=False)
    return "\n\n".join(s.value for s in sections if s.kind == DocstringSectionKind.text)


def further(thing: Any) -> str:
    """Return what a docstring says behind its first paragraph, without its sections; "" if nothing."""
    return description(thing).partition("\n\n")[2]


def meanings(cls: type) -> dict[str, str]:
    """Return setting -> meaning, from the Args and Attributes sections of a class and its bases."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        for section in Docstring(inspect.cleandoc(base.__doc__ or "")).parse("google", warnings=False):
            if section.kind in (DocstringSectionKind.parameters, DocstringSectionKind.attributes):
                found |= {item.name.strip(" `"): " ".join(item.description.split()) for item in section.value}
    return found


# ---------------------------------------------------------------------------------------------------------------------
# Tables


def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a Markdown table."""
    columns = list(head)
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    lines += [" | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def settings(cls: type, hidden: Iterable[str] = (), first_column: str = "setting") -> str:
    """Return a Markdown table of a dataclass: setting, type with limits, default, meaning."""
    rows, known, hints = [], meanings(cls), type_hints(cls)
    for field in dataclasses.fields(cls):
        if not field.init or field.name in hidden:
            continue
        if field.name not in known:
            missing.note(f"{cls.__module__}.{cls.__qualname__}: setting '{field.name}' has no meaning")
        kind = type_name(hints.get(field.name, field.type))
        rows.append((f"`{field.name}`", kind, default_of(field), sentence(known.get(field.name, ""))))
    return table((first_column, "type", "default", "meaning"), rows) if rows else "It has no settings."


def sentence(text: str) -> str:
    """Return a text that begins with a capital letter and ends with a period."""
    if not text:
        return ""
    begin = text[0].upper() + text[1:] if not text.startswith(("bf16", "csv")) else text
    return begin if begin.endswith((".", "!", "?")) else f"{begin}."


def type_hints(cls: type) -> dict[str, Any]:
    """Return the types of a class's fields; without names that are imported for a type checker only."""
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except NameError:
        return {}


NAMES = {
    "int": "integer",
    "float": "number",
    "str": "text",
    "bool": "true or false",
    "Path": "path",
    "NoneType": "none",
    "Any": "any",
}


def type_name(hint: Any) -> str:
    """Return a type as a user reads it, with the limits that are checked: `number, 0 to 1`."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, str):
        return f"`{hint}`"
    if origin is typing.Annotated:
        limits = limits_of(hint.__metadata__)
        return type_name(arguments[0]) + (f", {limits}" if limits else "")
    if origin is typing.Literal:
        return " or ".join(f"`{toml(value)}`" for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(type_name(argument) for argument in arguments))
    if origin in (tuple, list) or str(origin).endswith(("Sequence'>", "Collection'>")):
        items = [argument for argument in arguments if argument is not Ellipsis]
        if origin is tuple and Ellipsis not in arguments and len(set(items)) <= 1:
            return f"list of {len(items)} × {type_name(items[0])}"
        kinds = ", ".join(type_name(argument) for argument in items)
        return "list of tables" if kinds == "table" else f"list of {kinds}"
    if origin is not None and issubclass(origin, Mapping):
        return "table"
    if inspect.isclass(hint) and issubclass(hint, Mapping):
        return "table"
    name = getattr(hint, "__name__", str(hint))
    return NAMES.get(name, f"`{name}`")


def limits_of(metadata: Iterable[Any]) -> str:
    """Return the limits of an annotated type: `0 to 1`, `more than 0`, `1 or more`."""
    low = high = ""
    low_value = high_value = None
    for item in metadata:
        for limit in item.metadata if isinstance(item, FieldInfo) else (item,):
            match limit:
                case annotated_types.Ge(ge=value):
                    low, low_value = f"{value} or more", value
                case annotated_types.Gt(gt=value):
                    low = f"more than {value}"
                case annotated_types.Le(le=value):
                    high, high_value = f"at most {value}", value
                case annotated_types.Lt(lt=value):
                    high = f"below {value}"
    if low_value is not None and high_value is not None:
        return f"{low_value} to {high_value}"
    return ", ".join(text for text in (low, high) if text)


def default_of(field: dataclasses.Field[Any]) -> str:
    """Return a field's default as TOML would write it; `required` where there is none."""
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return "required"
    return "none" if value is None else f"`{toml(value)}`"


def toml(value: Any) -> str:
    """Return a value as TOML writes it; a function by its name."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | Path):
        return f'"{value}"'
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return toml(dataclasses.asdict(value))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return value.__name__ if callable(value) else str(value)


def join(parts: Iterable[str]) -> str:
    """Return the parts of a page with blank lines between them."""
    return "\n\n".join(part for part in parts if part) + "\n"


def note_missing_docstrings(thing: griffe.Object | griffe.Alias) -> None:
    """Note a public object, or a public method or property of it, without a docstring."""
    target = thing.final_target if isinstance(thing, griffe.Alias) else thing
    if not target.has_docstring:
        missing.note(f"{target.canonical_path} has no docstring")
    if target.is_class:
        for name, member in target.members.items():
            described = member.has_docstring or name in documented_fields(target)
            if not name.startswith("_") and not described and (member.is_function or "property" in member.labels):
                missing.note(f"{target.canonical_path}.{name} has no docstring")


def documented_fields(cls: griffe.Class) -> set[str]:
    """Return the names that the Args and Attributes sections of a class describe."""
    sections = cls.docstring.parse("google", warnings=False) if cls.docstring else []
    kinds = (DocstringSectionKind.parameters, DocstringSectionKind.attributes)
    return {item.name for section in sections if section.kind in kinds for item in section.value}
