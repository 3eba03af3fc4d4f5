"""Which action units a drawn face shows, and how strongly: classes, companions without meaning, blinks, speech."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fields import NUMBERS
from .tables import BROWS_AND_LIDS, CLASS_SETS, CLASSES, ONE_SIDED

_SETS = [(CLASSES.index(name), unit_set) for name in CLASSES for unit_set in CLASS_SETS[name]]
_CLASS_OF_SET = np.array([label for label, _ in _SETS])
_MEMBERS = np.array([[number in unit_set.units for number in NUMBERS] for _, unit_set in _SETS], float)
_ONE_SIDED = np.array([unit_set.one_sided for _, unit_set in _SETS])
_WEIGHTS = np.array([unit_set.weight for _, unit_set in _SETS])
_CAN_BE_ONE_SIDED = np.array([number in ONE_SIDED for number in NUMBERS])


def _fading(units: tuple[int, ...]) -> list[bool]:
    """Which action units of a set fade on one side, where it is one-sided."""
    lower_face = ONE_SIDED & set(units) - BROWS_AND_LIDS
    return [number in (lower_face or ONE_SIDED) for number in NUMBERS]


_FADING = np.array([_fading(unit_set.units) for _, unit_set in _SETS])

# Movements that go with an expression without meaning anything, and those of a mouth that speaks.
_COMPANIONS = np.array([float(number in (1, 2, 4, 7, 14, 15, 17, 20, 24, 25)) for number in NUMBERS])
_SPEECH = np.array([float(number in (10, 17, 20, 24, 25, 26)) for number in NUMBERS])
_LIDS, _LIPS_PART, _JAW_DROP = NUMBERS.index(43), NUMBERS.index(25), NUMBERS.index(26)

NOTHING = len(CLASSES)
"""The label of a face without an expression."""

ANY = NOTHING + 1
"""The label of action units that were drawn freely: they have no class."""


@dataclass(frozen=True)
class Expressions:
    """How expressions are drawn. Every class is drawn equally often; a probability of 0 turns a part off.

    Attributes:
        weakest: smallest strength of an action unit, 0 to 1; they are drawn evenly up to 1.
        sides: how far the strengths of both sides differ: standard deviation of the logarithm of each.
        one_sided: factor of the probabilities of one-sided sets in `tables.CLASS_SETS`.
        even_sets: share, 0 to 1, of the fields that take the sets of a class equally often, not by their weights.
        companions: probability of an action unit without meaning, of at most half the strength.
        blinks: probability of lids that close; in surprise a third of it.
        speech: probability of a mouth that speaks.
        open_mouth: probability of lips that part in any expression, of which half come with a jaw that drops.
        nothing: share of faces without an expression, whose label is `NOTHING`.
        free: share of faces with one to three action units of any kind, whose label is `ANY`.
    """

    weakest: float = 0.35
    sides: float = 0.35
    one_sided: float = 1.0
    even_sets: float = 0.2
    companions: float = 0.35
    blinks: float = 0.16
    speech: float = 0.05
    open_mouth: float = 0.0
    nothing: float = 0.0
    free: float = 0.35

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw n faces.

        Returns:
            (n,) int64 labels, positions in `CLASSES`, `NOTHING` or `ANY`, and (n, 17, 2) float64 strengths of the
            action units on the person's right and left side, 0 where one is not shown.
        """
        labels = rng.integers(len(CLASSES), size=n)
        sets = self._draw_sets(labels, rng)
        strengths = _MEMBERS[sets, :, None] * rng.uniform(self.weakest, 1, (n, len(NUMBERS), 1))
        strengths = strengths * np.exp(rng.normal(0, self.sides, (n, len(NUMBERS), 2)))
        one = rng.random(n) < _ONE_SIDED[sets] * self.one_sided
        weak_side = rng.integers(2, size=n)
        fading = one[:, None] & _FADING[sets]
        rows, units = np.nonzero(fading)
        strengths[rows, units, weak_side[rows]] *= rng.uniform(0, 0.3, n)[rows]
        free = rng.random(n) < self.free
        strengths[free] = self._any_units(int(free.sum()), rng)
        labels = np.where(free, ANY, labels)
        nothing = rng.random(n) < self.nothing
        labels = np.where(nothing, NOTHING, labels)
        strengths[nothing] = 0
        return labels, np.minimum(strengths + self._without_meaning(labels, rng), 1.5)

    def _draw_sets(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(n,) index of the set of each face."""
        sets = np.zeros(len(labels), np.int64)
        even = rng.random(len(labels)) < self.even_sets
        for label in range(len(CLASSES)):
            own = np.flatnonzero(label == _CLASS_OF_SET)
            for chosen, weights in ((~even, _WEIGHTS[own]), (even, np.ones(len(own)))):
                faces = np.flatnonzero((labels == label) & chosen)
                sets[faces] = rng.choice(own, len(faces), p=weights / weights.sum())
        return sets

    def _any_units(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """(n, 17, 2) strengths of one to three action units, each as likely as any other, three in ten one-sided."""
        count = len(NUMBERS)
        chosen = rng.random((n, count)).argsort(axis=1) < rng.integers(1, 4, (n, 1))
        strengths = chosen[..., None] * rng.uniform(self.weakest, 1, (n, count, 1))
        strengths = strengths * np.exp(rng.normal(0, self.sides, (n, count, 2)))
        fading = (rng.random((n, count)) < 0.3 * self.one_sided) & _CAN_BE_ONE_SIDED
        rows, units = np.nonzero(fading)
        strengths[rows, units, rng.integers(2, size=len(rows))] *= rng.uniform(0, 0.3, len(rows))
        return np.asarray(strengths)

    def _without_meaning(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(n, 17, 2) strengths of companions, blinks and speech."""
        n = len(labels)
        extra = np.zeros((n, len(NUMBERS), 2))
        faces = np.flatnonzero(rng.random(n) < self.companions)
        units = rng.choice(len(NUMBERS), len(faces), p=_COMPANIONS / _COMPANIONS.sum())
        extra[faces, units] = rng.uniform(0, 0.5, (len(faces), 1)) * rng.uniform(0.5, 1, (len(faces), 2))
        blink = rng.random(n) < np.where(labels == CLASSES.index("surprise"), self.blinks / 3, self.blinks)
        extra[blink, _LIDS] += rng.uniform(0.3, 1.2, (int(blink.sum()), 1))
        speech = np.flatnonzero(rng.random(n) < self.speech)
        mouth = rng.uniform(-0.6, 0.9, (len(speech), len(NUMBERS), 1)) * _SPEECH[:, None]
        extra[speech] += np.maximum(mouth, 0)
        if self.open_mouth:
            mouths = np.flatnonzero(rng.random(n) < self.open_mouth)
            extra[mouths, _LIPS_PART] += rng.uniform(0.4, 1.2, (len(mouths), 1))
            extra[mouths, _JAW_DROP] += np.maximum(rng.uniform(-1.2, 1.2, (len(mouths), 1)), 0)
        return extra
