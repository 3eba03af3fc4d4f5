"""Spotters find facial movements in the track of a face. One method, one file."""

from ._trainable import TrainableSpotter
from .base import SPOTTERS, Detection, Span, Spotter, TimeGrid, time_grid
from .checks import check_spotter

__all__ = ["SPOTTERS", "Detection", "Span", "Spotter", "TimeGrid", "TrainableSpotter", "check_spotter", "time_grid"]
