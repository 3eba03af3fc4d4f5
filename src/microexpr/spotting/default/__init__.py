"""The default spotter: candidates of movement, measured and scored by a model that ships with the package."""

from .spotter import Default

__all__ = ["Default"]
