"""Transforms: what is learned from the training clips of a fold before its classifier. Each kind is a file."""

from .base import TRANSFORMS, Training, Transform
from .checks import check_transform

__all__ = ["TRANSFORMS", "Training", "Transform", "check_transform"]
