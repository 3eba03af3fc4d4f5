"""What recipes of every kind have in common: a name, a title, settings, and what `--quick` changes.

A kind of recipe is a subclass of `Recipe` that owns one TOML table and is registered in `RECIPE_KINDS`:

    title = "..."          # every recipe
    [spotting]             # the table of its kind
    data = ["casme_sq"]
    spotter = {name = "mdmd", p = 0.01}
    [quick]                # optional: what --quick changes
    subjects = 3

A recipe that differs little from a shipped one names only the differences:

    title = "..."
    extends = "peng2018-hde"
    [set]                  # as with --set
    "recognizer.epochs" = 20
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from ..core.errors import RecipeError, did_you_mean
from ..core.registry import RecordRegistry, validate_settings


@dataclass(frozen=True)
class Quick:
    """What `--quick` makes smaller; reports of such runs state it.

    Attributes:
        subjects: Number of subjects of each data set, the first by name; null for all.
        image_scale: Size of synthetic images as a fraction of the release's own, more than 0 and at most 1.
        set: Dotted key -> value, as with `--set`.
    """

    subjects: Annotated[int, Field(ge=1)] | None = 6
    image_scale: Annotated[float, Field(gt=0, le=1)] = 0.5
    set: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Extension:
    """A recipe that is given by its differences from a shipped one.

    Attributes:
        title: The recipe in one line.
        extends: Name of the shipped recipe.
        set: Dotted key -> value, as with `--set`.
        quick: Values of the table `quick` that differ.
    """

    title: str
    extends: str
    set: dict[str, Any] = field(default_factory=dict)
    quick: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe(ABC):
    """A recipe of any kind. A new kind is a subclass, registered in `RECIPE_KINDS` under its `kind`.

    Attributes:
        name: The file's name without `.toml`.
        title: The recipe in one line.
        quick: What `--quick` changes.
    """

    kind: ClassVar[str]
    """Name of the task; the same as in `experiments.TASKS`."""

    table: ClassVar[str]
    """The TOML table that holds the settings of this kind, e.g. `stages`."""

    name: str
    title: str
    quick: Quick = field(default_factory=Quick, kw_only=True)

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: Any, *, name: str, title: str, quick: Quick) -> Self:
        """Build a recipe from the content of its table.

        Raises:
            RecipeError: a wrong or missing key, type or value.
        """

    @property
    @abstractmethod
    def settings(self) -> Any:
        """The content of the recipe's table, of plain lists, dictionaries and values: what `from_settings` reads."""

    @property
    @abstractmethod
    def datasets(self) -> tuple[str, ...]:
        """Names of the data sets that the recipe is evaluated on."""

    @property
    @abstractmethod
    def protocols(self) -> tuple[str, ...]:
        """Names of the protocols that the recipe is evaluated by."""

    @classmethod
    def parse(cls, name: str, table: Mapping[str, Any]) -> Self:
        """Build a recipe from parsed TOML.

        Raises:
            RecipeError: a wrong or missing key, type or value.
        """
        where, keys = f"recipe '{name}'", ("title", cls.table, "quick")
        for absent in (key for key in ("title", cls.table) if key not in table):
            near = did_you_mean(absent, [key for key in table if key != "quick"]) if table else ""
            raise RecipeError(f"{where} lacks '{absent}'{near}")
        for wrong in (key for key in table if key not in keys):
            raise RecipeError(f"{where} has no setting '{wrong}'{did_you_mean(wrong, keys)}")
        quick = validate_settings(Quick, table.get("quick", {}), f"{where}, table 'quick'")
        return cls.from_settings(table[cls.table], name=name, title=table["title"], quick=quick)

    @property
    def key(self) -> str:
        """A fingerprint of the settings; name, title and the table `quick` may change freely."""
        return hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()[:16]

    def as_dict(self) -> dict[str, Any]:
        """The recipe as it would stand in TOML, with its name."""
        return dataclasses.asdict(self)

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """Replace some values.

        Args:
            settings: Dotted key -> value, e.g. `recognizer.C` or `spotter.p`.

        Raises:
            RecipeError: a key leads nowhere (the nearest is named), or a value is wrong.
        """
        changed = copy.deepcopy(self.settings)
        for key, value in settings.items():
            node, parts = self.locate(changed, key)
            set_value(node, parts, key, value)
        return self.from_settings(changed, name=self.name, title=self.title, quick=self.quick)

    def locate(self, settings: Any, key: str) -> tuple[Any, list[str]]:
        """The node of the settings at which a dotted key begins, and the parts of the key below it."""
        return settings, key.split(".")

    def with_user_overrides(self, settings: Mapping[str, Any]) -> Self:
        """Replace values by those of the user, which take precedence over the table `quick`."""
        changed = self.with_settings(settings)
        return replace(changed, quick=replace(changed.quick, set={**changed.quick.set, **settings}))

    def with_quick_settings(self) -> Self:
        """Replace the values that the table `quick` sets."""
        return self.with_settings(self.quick.set)

    def with_protocol(self, protocol: str, keep_datasets: bool) -> Self:
        """The recipe under another protocol, for a suite.

        Args:
            protocol: Name of a published protocol.
            keep_datasets: Keep the data sets that the recipe names instead of taking the protocol's.

        Raises:
            RecipeError: recipes of this kind have no protocol to replace.
        """
        raise RecipeError(f"recipe '{self.name}': recipes of kind '{self.kind}' have no protocol; omit `protocols`")

    def extend(self, name: str, table: Mapping[str, Any]) -> Self:
        """The recipe that a table describes by its differences from this one.

        Args:
            name: Of the new recipe.
            table: As in `Extension`.

        Raises:
            RecipeError: a wrong key, type or value.
        """
        where = f"recipe '{name}'"
        change = validate_settings(Extension, table, where)
        quick = {**dataclasses.asdict(self.quick), **change.quick}
        quick["set"] = {**self.quick.set, **change.quick.get("set", {})}
        built = replace(
            self,
            name=name,
            title=change.title,
            quick=validate_settings(Quick, quick, f"{where}, table 'quick'"),
        )
        return built.with_settings(change.set)


RECIPE_KINDS: RecordRegistry[type[Recipe]] = RecordRegistry("kind of recipe", "microexpr.recipes")
"""Kinds of recipes: the name of the task -> the subclass of `Recipe` that reads its table."""


def set_value(node: Any, parts: list[str], key: str, value: Any) -> None:
    """Set one value in a tree of lists and dictionaries. Items of a list are named by number or by their key `name`.

    Args:
        node: The tree.
        parts: The dotted key below `node`, split.
        key: The whole key, for messages.
        value: The new value; whether its key exists is checked by the class that reads the tree.

    Raises:
        RecipeError: the key leads nowhere; the nearest is named.
    """
    for part in parts[:-1]:
        node = _child(node, part, key)
    if not isinstance(node, dict) or not parts:
        raise RecipeError(f"--set {key}: leads to no setting; e.g. recognizer.C=1 or chain.scale.divide=2")
    node[parts[-1]] = value


def _child(node: Any, part: str, key: str) -> Any:
    if isinstance(node, (list, tuple)):
        by_number = {str(i): child for i, child in enumerate(node)}
        node = by_number | {child["name"]: child for child in node if "name" in child}
    if not isinstance(node, dict) or part not in node:
        known = node if isinstance(node, dict) else {}
        raise RecipeError(f"--set {key}: there is no '{part}'{did_you_mean(part, [str(k) for k in known])}")
    return node[part]
