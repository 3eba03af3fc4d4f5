"""A recipe of spotting, and what recipes of every kind make smaller on a laptop."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..core.errors import RecipeError, did_you_mean
from ..core.registry import validate_settings
from .base import Quick


@dataclass(frozen=True)
class SpottingRecipe:
    """A spotter and the long videos it is judged on, leaving one person out where it learns.

    Attributes:
        name: the file's name without `.toml`.
        title: one line for people.
        data: data sets of long videos.
        spotter: a table.
        learn: whether a spotter that can learn is fitted on the other people of each data set; otherwise it stays as it
            ships, or as its setting `weights` says.
        tracking: settings of the tracker.
        recognizer: what names the micro-expressions that were found: a file, `default` for the model that ships with
            the package, or `none`.
        quick: what `--quick` changes.
    """

    name: str
    title: str
    data: tuple[str, ...]
    spotter: dict[str, Any]
    learn: bool = True
    tracking: dict[str, Any] = field(default_factory=dict)
    recognizer: str = "default"
    quick: Quick = field(default_factory=Quick)

    def __post_init__(self) -> None:
        if not self.data:
            raise RecipeError(f"recipe '{self.name}' names no data set; write data = [...]")

    @property
    def protocols(self) -> tuple[str, ...]:
        """What judges it."""
        return ("spotting",)

    @property
    def key(self) -> str:
        """Changes when any setting does; the title may change freely."""
        content = {key: value for key, value in self.as_dict().items() if key not in ("name", "title", "quick")}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def as_dict(self) -> dict[str, Any]:
        """Its settings."""
        return dataclasses.asdict(self)

    def with_settings(self, settings: Mapping[str, Any]) -> SpottingRecipe:
        """The recipe with some values replaced: `spotter.p`, `tracking.size`, `data`, `recognizer`.

        Raises:
            RecipeError: the key leads nowhere; the nearest is named.
        """
        tree = copy.deepcopy({k: v for k, v in self.as_dict().items() if k not in ("name", "title", "quick")})
        for key, value in settings.items():
            part, dot, inner = key.partition(".")
            if part not in tree or bool(dot) != isinstance(tree[part], dict):
                raise RecipeError(f"--set {key}: leads to no setting{did_you_mean(part, tree)}; e.g. spotter.p=.1")
            if dot:
                tree[part][inner] = value
            else:
                tree[part] = value
        where = f"recipe '{self.name}'"
        return validate_settings(SpottingRecipe, tree, where, name=self.name, title=self.title, quick=self.quick)

    def with_user_overrides(self, settings: Mapping[str, Any]) -> SpottingRecipe:
        """As `with_settings`, for values that a user chose: `--quick` does not undo them."""
        changed = self.with_settings(settings)
        return replace(changed, quick=replace(changed.quick, set={**changed.quick.set, **settings}))


def spotting_recipe(name: str, table: Mapping[str, Any]) -> SpottingRecipe:
    """The recipe from parsed TOML with a table `spotting`.

    Raises:
        RecipeError: a wrong or missing key, type or value.
    """
    where = f"recipe '{name}'"
    for wrong in (key for key in table if key not in ("title", "spotting", "quick")):
        raise RecipeError(f"{where} has no setting '{wrong}'{did_you_mean(wrong, ('title', 'spotting', 'small'))}")
    for absent in (key for key in ("data", "spotter") if key not in table["spotting"]):
        raise RecipeError(f"{where}, table 'spotting' lacks '{absent}'{did_you_mean(absent, table['spotting'])}")
    small = validate_settings(Quick, table.get("quick", {}), f"{where}, table 'quick'")
    title = str(table.get("title", name))
    return validate_settings(
        SpottingRecipe, table["spotting"], f"{where}, table 'spotting'", name=name, title=title, quick=small
    )
