"""Whole groups of clips, mainly subjects, dealt into folds of about equal size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np


def assign_folds(groups: Sequence[str], k: int) -> np.ndarray:
    """The fold of each item, so that a group is in one fold only and the folds hold about as many items.

    The largest group comes first, and each goes to the fold that holds the fewest items so far; of equal ones the first
    by name and by number. Nothing is drawn: the folds are the same on every machine. scikit-learn's `GroupKFold` deals
    in the same way, but its order of equal groups depends on how numpy sorts.

    Args:
        groups: name of the group of each of n items.
        k: number of folds, 1 or more. With fewer groups than that there are as many folds as groups.

    Returns:
        (n,) folds, 0 to k - 1.
    """
    sizes = Counter(groups)
    filled = [0] * k
    fold_of: dict[str, int] = {}
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        fold_of[name] = filled.index(min(filled))
        filled[fold_of[name]] += sizes[name]
    return np.array([fold_of[name] for name in groups], np.int64)
