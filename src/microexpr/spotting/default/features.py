"""What tells an expression from everything else that moves: a few numbers of each bump, each with a reason.

Blinks close both lids together and are marked by the tracker; speech goes on, in ever other directions; a head that
turns does not come back, and moves while the face seems to.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .candidates import Candidate
from .displacement import LIDS, LOWER, NAMES, UPPER, Displacement

_GROUPS = (UPPER, LIDS, tuple(i for i, n in enumerate(NAMES) if "cheek" in n or "nostril" in n))
_UPPER_LIDS = tuple(i for i, name in enumerate(NAMES) if "upper lid" in name)

FEATURE_NAMES = (
    "log seconds",
    "log height",
    "log standing",
    "uneven",
    "log roughness",
    "along one way",
    "brows",
    "lids",
    "cheeks and nose",
    "upper lids down",
    "lids in a blink",
    "blink in it",
    "blink as long",
    "eyes close with it",
    "log turn of the head",
    "log speed of the head",
    "log same before",
    "log same after",
    "log mouth before",
    "log mouth after",
    "log mouth in it",
    "log brows before",
    "log brows after",
    "unfinished",
)
"""What each number is."""


class CandidateFeatures:
    """The facts of bumps in one track.

    Args:
        moves: of the track.
        rate: steps a second.
        blink: (N,) bool at the steps.
        openness: (N, 2) at the steps.
    """

    def __init__(self, moves: Displacement, rate: float, blink: np.ndarray, openness: np.ndarray) -> None:
        self.moves, self.rate, self.blink = moves, rate, blink
        self.shut = 1 - openness.min(axis=1).astype(np.float64)
        speed = np.gradient(gaussian_filter1d(moves.head, 0.05 * rate, axis=0), axis=0) * rate
        self.head_speed = np.linalg.norm(speed, axis=1)
        self.mouth = _activity(moves.regions[:, LOWER], rate)
        self.brows = _activity(moves.regions[:, UPPER], rate)

    def of(self, bump: Candidate) -> np.ndarray:
        """(24,) `FACTS` of a bump."""
        first, last = bump.onset, bump.offset
        inside = slice(first, last + 1)
        regions = self.moves.regions[inside]
        share = [float((bump.pattern[list(group)] ** 2).sum()) for group in _GROUPS]
        blinked = float(self.blink[inside].mean())
        path = bump.path / bump.height
        head = self.moves.head[inside]
        before, after = self._around(first, last, 0.7)
        return np.array(
            [
                np.log((last - first) / self.rate),
                np.log(bump.height),
                np.log(bump.standing),
                min(bump.uneven, 3.0),
                np.log(max(float(np.abs(np.diff(path)).sum()), 0.5)),
                _one_way(regions, bump),
                *share,
                float(bump.pattern[list(_UPPER_LIDS), 1].sum()),
                share[1] * blinked,
                blinked,
                self._blink_overlap(first, last),
                float(self.shut[bump.apex] - (self.shut[first] + self.shut[last]) / 2),
                np.log(float(np.ptp(head, axis=0).max()) + 0.003),
                np.log(float(self.head_speed[inside].max()) + 0.01),
                *(self._same(part, bump) for part in (before, after)),
                *(np.log(float(self.mouth[part].mean()) + 0.3) for part in (before, after, inside)),
                *(np.log(float(self.brows[part].mean()) + 0.3) for part in (before, after)),
                float(bump.unfinished),
            ]
        )

    def _around(self, first: int, last: int, seconds: float) -> tuple[slice, slice]:
        """Steps before and after; where there are none, those of the other side stand for them."""
        n = max(1, round(seconds * self.rate))
        before, after = slice(max(0, first - n), first), slice(last + 1, min(len(self.blink), last + 1 + n))
        if before.stop - before.start < 2 and after.stop - after.start < 2:
            return slice(first, last + 1), slice(first, last + 1)
        if before.stop - before.start < 2:
            return after, after
        return before, before if after.stop - after.start < 2 else after

    def _same(self, part: slice, bump: Candidate) -> float:
        """How far the face goes along the same way before or after, as a share of the height; log."""
        path = np.einsum("nrd,rd->n", self.moves.regions[part], bump.pattern)
        return float(np.log(np.ptp(path) / bump.height + 0.1))

    def _blink_overlap(self, first: int, last: int) -> float:
        """Intersection over union with the marked blinks around."""
        before, after = self._around(first, last, 0.3)
        inside, outside = self.blink[first : last + 1].sum(), self.blink[before].sum() + self.blink[after].sum()
        return float(inside / (last - first + 1 + outside))


def _one_way(regions: np.ndarray, bump: Candidate) -> float:
    """Share of the movement that follows the pattern, 0 to 1."""
    line = np.linspace(0, 1, len(regions))[:, None, None]
    rest = regions - regions[0] - line * (regions[-1] - regions[0]) if not bump.unfinished else regions - regions[0]
    along = np.einsum("nrd,rd->n", rest, bump.pattern)
    return float((along**2).sum() / max((rest**2).sum(), 1e-12))


def _activity(regions: np.ndarray, rate: float) -> np.ndarray:
    """(N,) fast movement in units of its usual size: contrast over .1 s each way."""
    half = max(1, round(0.1 * rate))
    flat = regions.reshape(len(regions), -1)
    padded = np.pad(flat, ((half, half), (0, 0)), mode="edge")
    fast = flat - (padded[: len(flat)] + padded[2 * half :]) / 2
    noise = np.maximum(1.4826 * np.median(np.abs(fast), axis=0), 2e-4)
    return np.sqrt(((fast / noise) ** 2).mean(axis=1))


def candidate_features(found: Sequence[Candidate], evidence: CandidateFeatures) -> np.ndarray:
    """(bumps, 24) float64."""
    return np.stack([evidence.of(bump) for bump in found]) if found else np.zeros((0, len(FEATURE_NAMES)))
