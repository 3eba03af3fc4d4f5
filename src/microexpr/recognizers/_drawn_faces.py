"""The motion that the recognizer which ships learns from, and motion of another style that calibrates it.

Sizes of the largest movement are spread over two orders of magnitude, from about 0.3 to 30 pixels of a face 224 pixels
wide, as `analyze` meets micro-expressions and broad smiles alike. Part of the faces shows no expression: they talk,
blink, look elsewhere, turn their heads, or something passes before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..synthetic.motion import CLASSES, FaceFrame
from ..synthetic.motion.expressions import NOTHING, Expressions
from ..synthetic.motion.faults import Faults
from ..synthetic.motion.fields import NUMBERS
from ..synthetic.motion.generator import MotionGenerator, People
from ._face_motion import SIDE

BANDS = ((0.35, 0.9), (0.3, 3.0), (0.35, 11.0))
"""Share of the faces, and median of their largest movement in pixels; noise and head motion grow with it."""

_RAISED = [NUMBERS.index(number) for number in (1, 2, 5)]

Parts = Sequence[tuple[float, MotionGenerator]]
"""Shares of the faces, and what draws them."""


@dataclass(frozen=True, eq=False)
class DrawnFaces:
    """Drawn motion of n faces in the frame of `align` without a margin.

    Attributes:
        motion: (n, 3, 28, 28) float32 u and v in pixels of a face 224 pixels wide, and strain.
        labels: (n,) int64 position in `CLASSES`, `NOTHING` for a face without an expression of these, or `ANY` for
            action units that have no class.
        strengths: (n, 17, 2) float32 strength of each action unit on the person's right and left side.
    """

    motion: Tensor
    labels: np.ndarray
    strengths: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def draw(cls, parts: Parts, n: int, seed: Sequence[int]) -> DrawnFaces:
        """Draw about n faces. Surprise that only opens the mouth counts as no expression: it is how talk looks."""
        frame = FaceFrame.aligned(SIDE)
        drawn = [generator.draw(round(share * n), frame, [*seed, i]) for i, (share, generator) in enumerate(parts)]
        motion = [np.concatenate([np.moveaxis(d.flow, -1, 1), d.strain[:, None]], axis=1) for d in drawn]
        labels = np.concatenate([d.labels for d in drawn])
        strengths = np.concatenate([d.strengths for d in drawn])
        mouth_only = (labels == CLASSES.index("surprise")) & (strengths[:, _RAISED].max(axis=(1, 2)) == 0)
        labels[mouth_only] = NOTHING
        return cls(torch.from_numpy(np.concatenate(motion)), labels, strengths)


def learned() -> Parts:
    """What the recognizer learns from."""
    expression = Expressions(even_sets=0.3, blinks=0.25, speech=0.15, open_mouth=0.2, free=0.25)
    talk = Expressions(nothing=1, companions=0.3, blinks=0.4, speech=0.75)
    others = Expressions(nothing=1, companions=0.3, blinks=0.3, speech=0.3)
    parts = []
    for share, size in BANDS:
        faults = Faults(noise=0.04 * size, head=0.4 * size, head_spread=1.0, turn=0.7)
        turning = replace(faults, head=0.7 * size)
        hidden = replace(faults, noise=0.4 * size, head=1.2 * size, texture=1.0, rim=0.7, spots=1.0, outside=1.0)
        parts += [
            (0.7 * share, MotionGenerator(expression, faults=faults, gaze=0.3, pixels=size)),
            (0.19 * share, MotionGenerator(talk, faults=turning, gaze=0.4, pixels=size)),
            (0.11 * share, MotionGenerator(others, faults=hidden, gaze=0.4, pixels=size)),
        ]
    return parts


def held_out() -> Parts:
    """What calibrates it: other people, expressions and faults; nothing is learned from them."""
    people = People(0.04, 0.09, 0.09, 0.07, 0.07, 0.4, 0.3, 0.3)
    expression = Expressions(even_sets=0.6, companions=0.5, blinks=0.3, speech=0.25, sides=0.45, open_mouth=0.2)
    talk = Expressions(nothing=1, companions=0.3, blinks=0.4, speech=0.75)
    parts = []
    for share, size in BANDS:
        faults = Faults(0.8, 0.35, 0.45, 0.06 * size, 1.0, 0.6 * size, 1.2, turn=1.0, rim=0.6, spots=0.6, outside=0.5)
        turning = replace(faults, head=size)
        parts += [
            (0.75 * share, MotionGenerator(expression, people, faults, gaze=0.4, pixels=size)),
            (0.25 * share, MotionGenerator(talk, people, turning, gaze=0.4, pixels=size)),
        ]
    return parts
