"""Features of candidate movements that distinguish expressions from everything else that moves.

Blinks close both lids together and are marked by the face tracker; speech continues in changing directions; a head
that turns does not come back, and moves while the face seems to.
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
    "log contrast",
    "uneven",
    "log roughness",
    "along one direction",
    "brows",
    "lids",
    "cheeks and nose",
    "upper lids down",
    "lids in a blink",
    "blink fraction",
    "overlap with blink",
    "eyes close",
    "log turn of the head",
    "log speed of the head",
    "log repeated before",
    "log repeated after",
    "log mouth before",
    "log mouth after",
    "log mouth inside",
    "log brows before",
    "log brows after",
    "unfinished",
)
"""Name of each feature, in the order of the columns."""


class CandidateFeatures:
    """Computes the features of candidates in one track.

    Args:
        moves: displacement of the track.
        rate: steps per second.
        blink: (N,) bool: blink at each step.
        openness: (N, 2) opening of the right and the left eye at each step.
    """

    def __init__(self, moves: Displacement, rate: float, blink: np.ndarray, openness: np.ndarray) -> None:
        self.moves, self.rate, self.blink = moves, rate, blink
        self.shut = 1 - openness.min(axis=1).astype(np.float64)
        speed = np.gradient(gaussian_filter1d(moves.head, 0.05 * rate, axis=0), axis=0) * rate
        self.head_speed = np.linalg.norm(speed, axis=1)
        self.mouth = _activity(moves.regions[:, LOWER], rate)
        self.brows = _activity(moves.regions[:, UPPER], rate)

    def of(self, candidate: Candidate) -> np.ndarray:
        """Return (24,) features of a candidate, see `FEATURE_NAMES`."""
        first, last = candidate.onset, candidate.offset
        inside = slice(first, last + 1)
        regions = self.moves.regions[inside]
        energy = [float((candidate.pattern[list(group)] ** 2).sum()) for group in _GROUPS]
        blinked = float(self.blink[inside].mean())
        path = candidate.path / candidate.height
        head = self.moves.head[inside]
        before, after = self._around(first, last, 0.7)
        return np.array(
            [
                np.log((last - first) / self.rate),
                np.log(candidate.height),
                np.log(candidate.contrast),
                min(candidate.uneven, 3.0),
                np.log(max(float(np.abs(np.diff(path)).sum()), 0.5)),
                _along_pattern(regions, candidate),
                *energy,
                float(candidate.pattern[list(_UPPER_LIDS), 1].sum()),
                energy[1] * blinked,
                blinked,
                self._blink_overlap(first, last),
                float(self.shut[candidate.apex] - (self.shut[first] + self.shut[last]) / 2),
                np.log(float(np.ptp(head, axis=0).max()) + 0.003),
                np.log(float(self.head_speed[inside].max()) + 0.01),
                *(self._repeated(part, candidate) for part in (before, after)),
                *(np.log(float(self.mouth[part].mean()) + 0.3) for part in (before, after, inside)),
                *(np.log(float(self.brows[part].mean()) + 0.3) for part in (before, after)),
                float(candidate.unfinished),
            ]
        )

    def _around(self, first: int, last: int, seconds: float) -> tuple[slice, slice]:
        """Return the steps before and after; where there are none on one side, those of the other side."""
        n = max(1, round(seconds * self.rate))
        before, after = slice(max(0, first - n), first), slice(last + 1, min(len(self.blink), last + 1 + n))
        if before.stop - before.start < 2 and after.stop - after.start < 2:
            return slice(first, last + 1), slice(first, last + 1)
        if before.stop - before.start < 2:
            return after, after
        return before, before if after.stop - after.start < 2 else after

    def _repeated(self, part: slice, candidate: Candidate) -> float:
        """Return the log of the movement along the same pattern before or after, as a fraction of the height."""
        path = np.einsum("nrd,rd->n", self.moves.regions[part], candidate.pattern)
        return float(np.log(np.ptp(path) / candidate.height + 0.1))

    def _blink_overlap(self, first: int, last: int) -> float:
        """Return the intersection over union with the marked blinks nearby."""
        before, after = self._around(first, last, 0.3)
        inside, outside = self.blink[first : last + 1].sum(), self.blink[before].sum() + self.blink[after].sum()
        return float(inside / (last - first + 1 + outside))


def _along_pattern(regions: np.ndarray, candidate: Candidate) -> float:
    """Return the fraction of the movement that follows the pattern, 0 to 1."""
    line = np.linspace(0, 1, len(regions))[:, None, None]
    rest = (
        regions - regions[0] - line * (regions[-1] - regions[0]) if not candidate.unfinished else regions - regions[0]
    )
    along = np.einsum("nrd,rd->n", rest, candidate.pattern)
    return float((along**2).sum() / max((rest**2).sum(), 1e-12))


def _activity(regions: np.ndarray, rate: float) -> np.ndarray:
    """Return (N,): fast movement in units of its noise, as contrast over 0.1 s on either side."""
    half = max(1, round(0.1 * rate))
    flat = regions.reshape(len(regions), -1)
    padded = np.pad(flat, ((half, half), (0, 0)), mode="edge")
    fast = flat - (padded[: len(flat)] + padded[2 * half :]) / 2
    noise = np.maximum(1.4826 * np.median(np.abs(fast), axis=0), 2e-4)
    return np.sqrt(((fast / noise) ** 2).mean(axis=1))


def candidate_features(candidates: Sequence[Candidate], features: CandidateFeatures) -> np.ndarray:
    """Return (candidates, 24) float64."""
    return (
        np.stack([features.of(candidate) for candidate in candidates])
        if candidates
        else np.zeros((0, len(FEATURE_NAMES)))
    )
