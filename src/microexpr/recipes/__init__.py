"""Recipes: TOML to frozen dataclasses and back."""

from .base import Quick
from .recognition import RecognitionRecipe, Stage, load_recipe, load_recipes, parse, shipped_recipes, toml_value
from .spotting import SpottingRecipe

__all__ = [
    "Quick",
    "RecognitionRecipe",
    "SpottingRecipe",
    "Stage",
    "load_recipe",
    "load_recipes",
    "parse",
    "shipped_recipes",
    "toml_value",
]
