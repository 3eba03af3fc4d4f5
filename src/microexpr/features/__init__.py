"""Hand-made descriptors, one a file: array in, vector out."""

from .base import FEATURES, FaceFeature, Feature
from .checks import check_feature

__all__ = ["FEATURES", "FaceFeature", "Feature", "check_feature"]
