"""Recipes: TOML to frozen dataclasses and back."""
