"""Checks that find leaks of a recipe, a recognizer, a step or a data set by trying it; one check a file."""

from .base import LEAK_CHECKS, Finding, LeakCheck
from .trial import Trial, make_trial

__all__ = ["LEAK_CHECKS", "Finding", "LeakCheck", "Trial", "make_trial"]
