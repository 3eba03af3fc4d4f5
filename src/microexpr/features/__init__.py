"""Hand-made descriptors, one a file: array in, vector out."""

from .base import FEATURES, Feature, check_feature

__all__ = ["FEATURES", "Feature", "check_feature"]
