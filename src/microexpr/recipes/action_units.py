"""Recipes of recognizing action units: a chain and a recognizer, evaluated on clips whose action units are known.

title = "..."
[action_units]
data = ["megc2019"]
protocol = "megc2019-action-units"
chain = [{name = "load-image"}, {name = "scale", subtract = 127.5, divide = 127.5}]
recognizer = {name = "one-vs-rest", recognizer = {name = "svm", C = 10.0}}
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

from ..core.errors import RecipeError
from .base import RECIPE_KINDS, Quick, Recipe
from .recognition import RecognitionRecipe, open_protocol

STAGE = "action-units"
"""Name of the only stage."""


class ActionUnitsRecipe(RecognitionRecipe):
    """A recipe of recognition whose only stage stands in a table of its own, and whose protocol is multilabel."""

    kind = "action-units"
    table = "action_units"

    def check_protocols(self) -> None:
        """Check that the protocol is multilabel.

        Raises:
            RecipeError: it is not.
        """
        if not self.protocol.multilabel:
            raise RecipeError(
                f"recipe '{self.name}': protocol '{self.protocol.name}' is one of recognition; a recipe of action "
                "units needs a multilabel one, e.g. casme2-action-units"
            )

    @classmethod
    def from_settings(cls, settings: Any, *, name: str, title: str, quick: Quick) -> Self:
        """Build a recipe from the content of the table `action_units`.

        Raises:
            RecipeError: a wrong or missing key, type or value.
        """
        if not isinstance(settings, Mapping):
            raise RecipeError(f"recipe '{name}': action_units = {settings!r}: write a table [action_units]")
        if "name" in settings:
            raise RecipeError(f"recipe '{name}', table 'action_units' has no setting 'name'")
        return super().from_settings([{**settings, "name": STAGE}], name=name, title=title, quick=quick)

    @property
    def settings(self) -> dict[str, Any]:  # type: ignore[override]
        """The content of the table `action_units`."""
        table = dataclasses.asdict(self.final_stage)
        del table["name"]
        return table

    def locate(self, settings: Any, key: str) -> tuple[Any, list[str]]:
        """A key begins at the table `action_units`."""
        node, parts = Recipe.locate(self, settings, key)
        return open_protocol(node, parts), parts

    def extend(self, name: str, table: Mapping[str, Any]) -> Self:
        """The recipe that a table describes by its differences; there is no stage to drop."""
        return Recipe.extend(self, name, table)


RECIPE_KINDS.add(ActionUnitsRecipe.kind, ActionUnitsRecipe)
