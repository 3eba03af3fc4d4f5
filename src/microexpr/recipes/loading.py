"""Recipes and suites by name or path."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from ..core.errors import MissingDataError, RecipeError, UnknownNameError, did_you_mean
from ..core.registry import validate_settings
from .base import RECIPE_KINDS, Quick, Recipe

DEEPEST = 20
"""Largest number of recipes and suites that lead to each other."""


@dataclass(frozen=True)
class Suite:
    """Several recipes to be compared, each under several protocols.

    Attributes:
        recipes: Names of shipped recipes, or of suites, whose recipes are meant.
        protocols: Names of published protocols; each recipe is run under each of them, on the protocol's data sets.
            Without any, every recipe is run as it stands, under its own protocol.
        keep_datasets: Each recipe keeps the data sets that it names instead of taking the protocol's (precomputed
            releases stand for several).
        quick: Values of the table `quick` that differ from those of every recipe, so that all have the same clips.
    """

    recipes: tuple[str, ...]
    protocols: tuple[str, ...] = ()
    keep_datasets: bool = False
    quick: dict[str, Any] = field(default_factory=dict)

    def members(self, within: tuple[str, ...] = ()) -> list[Recipe]:
        """One recipe for each pair of recipe and protocol, named after both; or each recipe as it stands.

        Args:
            within: Recipes and suites whose loading led here.
        """
        recipes = [self._shared(recipe) for name in self.recipes for recipe in load_recipes(name, within)]
        if not self.protocols:
            return recipes
        return [recipe.with_protocol(protocol, self.keep_datasets) for protocol in self.protocols for recipe in recipes]

    def _shared(self, recipe: Recipe) -> Recipe:
        """A recipe with the suite's own values of the table `quick`."""
        quick = {**asdict(recipe.quick), **self.quick}
        return replace(recipe, quick=validate_settings(Quick, quick, "suite, table 'quick'"))


def load_recipe(name: str | Path, within: tuple[str, ...] = ()) -> Recipe:
    """Load a shipped recipe by name, or one of your own by its path.

    Args:
        name: Name of a shipped recipe (see `shipped_recipes`), or a path that ends in `.toml`.
        within: Recipes and suites whose loading led here.

    Raises:
        UnknownNameError: no such recipe ships with the package.
        MissingDataError: there is no such file.
        RecipeError: not TOML, a suite, or a wrong key, type or value; or it extends itself.
    """
    members = load_recipes(name, within)
    if len(members) != 1:
        raise RecipeError(f"'{name}' is a suite of {len(members)} recipes, not a recipe")
    return members[0]


def load_recipes(name: str | Path, within: tuple[str, ...] = ()) -> list[Recipe]:
    """Load the recipe of that name or path, or every recipe of a suite.

    Args:
        name: As for `load_recipe`.
        within: Recipes and suites whose loading led here.

    Raises:
        UnknownNameError, MissingDataError, RecipeError: as `load_recipe`.
    """
    chain = (*within, str(Path(name).resolve()) if str(name).endswith(".toml") else str(name))
    if chain[-1] in within:
        raise RecipeError(f"recipe '{name}' extends or holds itself ({' -> '.join(Path(n).name for n in chain[-4:])})")
    if len(chain) > DEEPEST:
        raise RecipeError(f"recipe '{name}': more than {DEEPEST} recipes extend each other; name a shipped recipe")
    title = Path(name).stem if str(name).endswith(".toml") else str(name)
    table = _parse_toml(title, recipe_text(name))
    if "suite" in table:
        suite = validate_settings(Suite, table["suite"], f"suite '{title}'")
        if not suite.recipes:
            raise RecipeError(f"suite '{title}': recipes = []: name at least one")
        return suite.members(chain)
    return [_parse_table(title, table, chain)]


def parse_recipe(name: str, text: str) -> Recipe:
    """Parse a recipe of any kind from TOML.

    Raises:
        RecipeError: not TOML, or a wrong key, type or value.
    """
    return _parse_table(name, _parse_toml(name, text))


def recipe_text(name: str | Path) -> str:
    """The TOML text of a shipped recipe, or of the file at a path that ends in `.toml`.

    Raises:
        UnknownNameError: no such recipe ships with the package.
        MissingDataError: there is no such file.
        RecipeError: the file is not text in UTF-8.
    """
    if not str(name).endswith(".toml"):
        if name not in shipped_recipes():
            raise UnknownNameError("recipe", str(name), shipped_recipes())
        return (_shipped_folder() / f"{name}.toml").read_text(encoding="utf-8")
    path = Path(name)
    if not path.is_file():
        raise MissingDataError(f"recipe '{path}' is not a file")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise RecipeError(f"recipe '{path}' is not TOML: it is no text in UTF-8") from None


def shipped_recipes() -> list[str]:
    """Names of the recipes and suites that ship with the package."""
    files = _shipped_folder().iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def toml_value(text: str) -> Any:
    """The value of `--set key=text`: TOML where it is TOML, otherwise the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _shipped_folder() -> Traversable:
    return resources.files("microexpr.recipes") / "shipped"


def _parse_toml(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"recipe '{name}' is not TOML: {error}") from None
    except RecursionError:
        raise RecipeError(f"recipe '{name}': its lists or tables are nested too deep") from None


def _parse_table(name: str, table: Mapping[str, Any], within: tuple[str, ...] = ()) -> Recipe:
    """The recipe of the kind whose table is there."""
    if "extends" in table:
        return load_recipe(str(table["extends"]), within).extend(name, table)
    kinds = {cls.table: cls for _, cls in RECIPE_KINDS}
    found = [key for key in table if key in kinds]
    if not found:
        known = [*kinds, "suite", "extends"]
        unknown = [key for key in table if key not in ("title", "quick", "set")]
        near = did_you_mean(unknown[0], known) if unknown else f"; known: {', '.join(known)}"
        raise RecipeError(f"recipe '{name}' has no table that says what kind of recipe it is{near}")
    return kinds[found[0]].parse(name, table)
