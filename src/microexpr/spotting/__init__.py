"""Spotters: where in a face's track something happens. One method, one file."""

from .base import SPOTTERS, Detection, Span, Spotter, TimeGrid, time_grid
from .checks import check_spotter

__all__ = ["SPOTTERS", "Detection", "Span", "Spotter", "TimeGrid", "check_spotter", "time_grid"]
