"""Spotters: where in a face's track something happens. One method, one file."""

from .base import SPOTTERS, Detection, Span, Spotter, TimeGrid, sampled
from .checks import check_spotter

__all__ = ["SPOTTERS", "Detection", "Span", "Spotter", "TimeGrid", "check_spotter", "sampled"]
