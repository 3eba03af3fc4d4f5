"""The spotter that is used unless another one is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..events import FaceTrack
from .base import SPOTTERS, Look, Samples, Span, Spotter
from .bumps import Bump, bumps
from .displacement import LIDS, displacement
from .peaks import best_apart


@SPOTTERS.register("default")
@dataclass(frozen=True)
class Default(Spotter):
    """Regions of the face that move against the head and come back."""

    rate: float = 200.0
    abstain: float = 1.0

    def look(self, track: FaceTrack, samples: Samples) -> Look:
        """Bumps with a score."""
        moves = displacement(track, samples)
        found, curve = bumps(moves.regions, samples.rate)
        blink = track.blink[samples.frames]
        spans = [Span(b.onset, b.apex, b.offset, score(b, blink)) for b in found if b.offset > b.onset]
        return Look(curve, tuple(best_apart(s for s in spans if s.score >= 1)))


def score(bump: Bump, blink: np.ndarray) -> float:
    """1 or more: an expression."""
    share = float(blink[bump.onset : bump.offset + 1].mean())
    lids = float((bump.pattern[list(LIDS)] ** 2).sum())
    rough = float(np.abs(np.diff(bump.path)).sum() / max(2 * bump.height, 1e-9))
    return bump.height / 0.02 * (1 - min(1, 2 * share * (lids + 0.3))) / max(rough, 1) ** 2 * (1 - min(1, bump.uneven))
