"""Synthetic faces whose action units rise from an onset to an apex and fall to an offset.

Their landmarks, dense optical flow, action units and times are known exactly. Scores on such faces show that a program
works; they do not show that it recognizes emotions.
"""

from .action_units import Unit, draw_action_units, objective_classes
from .person import Person
from .rendering import Camera, Kind, SyntheticClip, draw_amplitude, render_clip
from .timing import Timing, draw_timing, intensity

__all__ = [
    "Camera",
    "Kind",
    "Person",
    "SyntheticClip",
    "Timing",
    "Unit",
    "draw_action_units",
    "draw_amplitude",
    "draw_timing",
    "intensity",
    "objective_classes",
    "render_clip",
]
