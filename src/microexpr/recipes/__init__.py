"""Recipes: what is trained and evaluated on which data, as TOML and as frozen dataclasses."""

from .action_units import ActionUnitsRecipe
from .base import RECIPE_KINDS, Quick, Recipe
from .loading import load_recipe, load_recipes, parse_recipe, recipe_text, shipped_recipes, toml_value
from .recognition import RecognitionRecipe, Stage
from .spotting import SpottingRecipe

__all__ = [
    "RECIPE_KINDS",
    "ActionUnitsRecipe",
    "Quick",
    "Recipe",
    "RecognitionRecipe",
    "SpottingRecipe",
    "Stage",
    "load_recipe",
    "load_recipes",
    "parse_recipe",
    "recipe_text",
    "shipped_recipes",
    "toml_value",
]
