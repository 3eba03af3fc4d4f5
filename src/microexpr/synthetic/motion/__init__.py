"""Motion drawn from action units alone: flow fields from onset to apex on the geometry of a face, without any image."""

from .fields import action_unit_displacement
from .generator import DrawnMotion, MotionGenerator
from .geometry import FaceFrame
from .tables import CLASSES

__all__ = ["CLASSES", "DrawnMotion", "FaceFrame", "MotionGenerator", "action_unit_displacement"]
