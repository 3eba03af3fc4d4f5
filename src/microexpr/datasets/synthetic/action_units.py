"""Action units of the clips of a synthetic copy: each as often in the whole copy as in the release.

The objective class of a clip decides which sets of action units it may show, so that dealing them changes no other
count of a copy.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from ...core.action_units import format_action_units
from ...synthetic.action_units import draw_side
from .clips import ClipSpec, Labels, subsample_counts

UnitSet = tuple[int, ...]

_SETS = {
    "I": "6 12 6+12 6+7+12 7+12",
    "II": "1+2 5 25 1+2+25 25+26 5+24",
    "III": "23 4 4+7 4+5 4+5+7 17+24 4+6+7",
    "IV": "10 9 4+9 4+10 4+5+10 4+7+9 4+9+17 4+7+10 4+5+7+9 7+10",
    "V": "1 15 1+4 6+15 15+17",
    "VI": "1+2+4 20",
}
_OF_CLASS = {name: [tuple(map(int, units.split("+"))) for units in text.split()] for name, text in _SETS.items()}
"""Objective class -> its sets of action units, Table 9 of Merghani, Davison and Yap 2018 (arXiv 1805.02397).

Left out is 4+38, which no synthetic face shows; class VII is everything else.
"""

_MOST_MOVES = 5_000


def deal_action_units(
    specs: Sequence[ClipSpec], labels: Mapping[Labels, int], positives: Mapping[int, int], seed: int
) -> list[ClipSpec]:
    """Give the clips action units of their objective classes, so that the whole copy has the counts of the release.

    Args:
        specs: clips of a copy, of all subjects or of a few; each has an objective class (I to VII).
        labels: number of clips of the whole release with these labels; each names an objective class.
        positives: action unit -> number of clips of the whole release that show it. Units that it does not name are
            shown as it comes.
        seed: of what is drawn.

    Returns:
        The clips with other action units, in the same order. Few subjects show the most frequent sets of each class.

    Raises:
        ValueError: the classes cannot show these counts, or a copy has more clips of a class than the release.
    """
    clips = Counter[str]()
    for (_, objective), n in labels.items():
        clips[objective] += n
    whole = _sets_of_release(clips, positives, seed)
    rng = np.random.default_rng(seed)
    dealt = list(specs)
    for objective in clips:
        own = [i for i, spec in enumerate(specs) if spec.objective == objective]
        if len(own) > clips[objective]:
            raise ValueError(f"{len(own)} clips of class {objective}, but the release has {clips[objective]}")
        pool = [units for units, n in subsample_counts(whole[objective], len(own)).items() for _ in range(n)]
        for i, position in zip(own, rng.permutation(len(pool)).tolist(), strict=True):
            units = draw_side(pool[position], np.random.default_rng([seed, specs[i].seed]))
            dealt[i] = dataclasses.replace(specs[i], units=units, action_units=format_action_units(units))
    return dealt


def _sets_of_release(
    clips: Mapping[str, int], positives: Mapping[int, int], seed: int
) -> dict[str, dict[UnitSet, int]]:
    """Objective class -> set of action units -> number of clips of the whole release that show it.

    Each class starts with all of its sets about equally often. While a count is wrong, one clip changes to the set of
    its class that brings the counts nearest to `positives`; of several such changes one is drawn.
    """
    numbers = list(positives)
    options = [(name, units) for name in clips for units in _sets_of_class(name, numbers)]
    shown = np.array([[number in units for number in numbers] for _, units in options]).astype(int)
    of_class = np.array([name for name, _ in options])
    n = np.zeros(len(options), int)
    for name, total in clips.items():
        own = np.flatnonzero(of_class == name)
        n[own] = total // len(own)
        n[own[: total % len(own)]] += 1
    change = shown[None] - shown[:, None]
    possible = (of_class[:, None] == of_class) & ~np.eye(len(options), dtype=bool)
    rng = np.random.default_rng(seed)
    for _ in range(_MOST_MOVES):
        surplus = n @ shown - np.array(list(positives.values()))
        if not surplus.any():
            break
        distance = np.where(possible & (n > 0)[:, None], np.abs(surplus + change).sum(axis=-1), np.inf)
        nearest = np.argwhere(distance == distance.min())
        source, target = nearest[rng.integers(len(nearest))]
        n[source] -= 1
        n[target] += 1
    else:
        raise ValueError(f"clips of the classes {dict(clips)} cannot show the action units {dict(positives)}")
    found: dict[str, dict[UnitSet, int]] = {name: {} for name in clips}
    for (name, units), count in zip(options, n.tolist(), strict=True):
        if count:
            found[name][units] = count
    return found


def _sets_of_class(objective: str, numbers: Sequence[int]) -> list[UnitSet]:
    """The sets of action units of a class; those of class VII are one or two units, with 24 beside `numbers`."""
    if objective != "VII":
        return _OF_CLASS[objective]
    known = {units for sets in _OF_CLASS.values() for units in sets}
    units = sorted({*numbers, 24})
    return [pair for size in (1, 2) for pair in combinations(units, size) if pair not in known]
