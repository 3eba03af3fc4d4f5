"""Recipes of spotting: a spotter, and the long videos that it is evaluated on.

title = "..."
[spotting]
data = ["casme_sq", "samm_lv"]
spotter = {name = "mdmd", p = 0.01}
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ..core.errors import RecipeError, did_you_mean
from ..core.registry import validate_settings
from .base import RECIPE_KINDS, Quick, Recipe


@dataclass(frozen=True)
class SpottingRecipe(Recipe):
    """A spotter and long videos; a trainable spotter is fitted leaving one subject out.

    Attributes:
        data: Names of data sets of long videos.
        spotter: Table of the spotter: `name` and its settings.
        learn: Whether a trainable spotter is fitted on the other subjects of each data set; otherwise it stays as it
            ships, or as its setting `weights` says.
        tracking: Settings of the face tracker.
        recognizer: What classifies the micro-expressions that were found: the path of a saved model, `default` for the
            model that ships with the package, or `none`.
    """

    kind = "spotting"
    table = "spotting"

    data: tuple[str, ...]
    spotter: dict[str, Any]
    learn: bool = True
    tracking: dict[str, Any] = field(default_factory=dict)
    recognizer: str = "default"

    def __post_init__(self) -> None:
        if not self.data:
            raise RecipeError(f"recipe '{self.name}' names no data set; write data = [...]")

    @classmethod
    def from_settings(cls, settings: Any, *, name: str, title: str, quick: Quick) -> Self:
        """Build a recipe from the content of the table `spotting`.

        Raises:
            RecipeError: a wrong or missing key, type or value.
        """
        where = f"recipe '{name}', table 'spotting'"
        if not isinstance(settings, Mapping):
            raise RecipeError(f"recipe '{name}': spotting = {settings!r}: write a table [spotting]")
        for absent in (key for key in ("data", "spotter") if key not in settings):
            raise RecipeError(f"{where} lacks '{absent}'{did_you_mean(absent, settings)}")
        return validate_settings(cls, settings, where, name=name, title=title, quick=quick)

    @property
    def settings(self) -> dict[str, Any]:
        """The content of the table `spotting`."""
        table = dataclasses.asdict(self)
        return {key: value for key, value in table.items() if key not in ("name", "title", "quick")}

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the data sets of long videos."""
        return self.data

    @property
    def protocols(self) -> tuple[str, ...]:
        """Spotting has one: intervals matched one to one by an IoU of 0.5 or more, as in the MEGC challenges."""
        return ("spotting",)


RECIPE_KINDS.add(SpottingRecipe.kind, SpottingRecipe)
