"""The base class of checks for leaks, their registry, and what a check finds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ...core.registry import Registry
from .trial import Trial

Outcome = Literal["passed", "leak", "not tried"]


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        outcome: `passed`, `leak`, or `not tried` where the recipe gives nothing to try.
        details: what was seen, in a sentence or two; for a leak also what to do.
    """

    outcome: Outcome
    details: str


class LeakCheck(ABC):
    """Tries one way in which knowledge of a test subject can reach a prediction; a frozen dataclass without settings.

    Attributes:
        question: what is asked, in a few words for tables.
        catches: the leaks that show in it.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    catches: ClassVar[str]

    @abstractmethod
    def look(self, trial: Trial) -> Finding:
        """Try it on one fold of a recipe."""


LEAK_CHECKS: Registry[LeakCheck] = Registry("check for leaks", "microexpr.experiments.leak_checks")
"""All checks. One more: a subclass of `LeakCheck` with `@LEAK_CHECKS.register("name")`."""

TOLERANCE = 1e-3
"""Largest difference of probabilities or of scaled values that rounding may make, e.g. in batches of another size."""


def largest_difference(first: np.ndarray, second: np.ndarray) -> float:
    """The largest absolute difference of two arrays as a fraction of the largest value; infinite for other shapes."""
    if first.shape != second.shape:
        return float("inf")
    wide = first.astype(np.float64), second.astype(np.float64)
    scale = max(float(np.abs(wide[0]).max(initial=0)), 1e-12)
    return float(np.abs(wide[0] - wide[1]).max(initial=0)) / scale
