"""A face that moves: synthetic people whose action units rise from an onset to an apex and fall to an offset.

Everything is known of them: landmarks, dense flow, action units, times. Numbers measured on such faces prove that
machinery works, never that anything recognizes emotions.
"""

from .action_units import Unit, draw_action_units, format_action_units
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
    "format_action_units",
    "intensity",
    "render_clip",
]
