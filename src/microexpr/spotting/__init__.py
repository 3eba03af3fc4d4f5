"""Spotters: where in a face's track something happens. One method, one file."""

from .base import SPOTTERS, Look, Samples, Span, Spotter, sampled
from .checks import check_spotter

__all__ = ["SPOTTERS", "Look", "Samples", "Span", "Spotter", "check_spotter", "sampled"]
