"""The movements of a synthetic long video: expressions, and the distractors that resemble them.

No release gives their sizes; these are chosen: amplitudes of micro- and macro-expressions as in `draw_amplitude`,
blinks of 0.15 to 0.35 s, three to six syllables per second, head turns of up to 15 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .action_units import Unit, draw_action_units
from .rendering import draw_amplitude

MovementKind = Literal["micro", "macro", "speech", "blink", "gaze", "hand"]
SYLLABLES: tuple[tuple[Unit, ...], ...] = (((25, ""), (26, "")), ((20, ""), (25, "")), ((24, ""),))
CLASSES = ("I", "II", "III", "IV", "V", "VI", "VII")


@dataclass(frozen=True)
class Movement:
    """One movement of the face.

    Attributes:
        kind: `micro` and `macro` are expressions; `speech`, `blink`, `gaze` and `hand` are distractors.
        start, peak, fall, end: seconds; the face is neutral until `start`, the movement is complete from `peak` to
            `fall`, and the face is neutral again from `end` on.
        amplitude: largest move of a landmark in pixels at a face width of 224; 1 for a blink that shuts the eyes; for
            gaze the fraction of the eye's width (negative: to the left of the image).
        units: action units of an expression or of speech.
        label: objective class, I to VII, of an expression.
    """

    kind: MovementKind
    start: float
    peak: float
    fall: float
    end: float
    amplitude: float
    units: tuple[Unit, ...] = ()
    label: str = ""

    def level(self, times: np.ndarray) -> np.ndarray:
        """Level from 0 to 1 at `times` (T,) in seconds: a raised cosine up, a plateau, a raised cosine down."""
        up = np.clip((times - self.start) / (self.peak - self.start), 0, 1)
        down = np.clip((self.end - times) / (self.end - self.fall), 0, 1)
        return (1 - np.cos(np.pi * np.minimum(up, down))) / 2


@dataclass(frozen=True)
class Distractors:
    """How many distractors a video has; 0 is none.

    Args:
        blinks: per minute.
        speech: bursts of 1.5 to 5 s per minute.
        gaze: glances to a side per minute.
        turns: of the head, per minute.
        nods: bursts of two to five nods per minute.
        hands: number of times per minute that a hand comes before the face.
        drift: of the head, in pixels at a face width of 224.
        flicker: of the light, as a fraction.
    """

    blinks: float = 15
    speech: float = 3
    gaze: float = 12
    turns: float = 4
    drift: float = 4
    flicker: float = 0.02
    nods: float = 0
    hands: float = 0


def random_movements(
    seed: int, seconds: float, micro: float, macro: float, distractors: Distractors, min_micro_seconds: float = 0.16
) -> tuple[Movement, ...]:
    """Draw every movement of a video, in the order of time.

    Expressions and speech are 0.5 s apart or more; blinks and gaze lie anywhere. Expressions that do not fit are left
    out.

    Args:
        seed: of everything.
        seconds: length of the video.
        micro, macro: expressions per minute.
        distractors: other movements.
        min_micro_seconds: shortest duration of a micro-expression; the longest is 0.45 s.
    """
    rng = np.random.default_rng([11, seed])
    minutes = seconds / 60
    per_minute = {"speech": distractors.speech, "macro": macro, "micro": micro}
    durations = {
        "speech": lambda: rng.uniform(1.5, 5),
        "macro": lambda: rng.uniform(0.6, 2.5),
        "micro": lambda: rng.uniform(min_micro_seconds, 0.45),
    }
    kinds = [kind for kind, n in per_minute.items() for _ in range(round(n * minutes))]
    spans = [(kind, durations[kind]()) for kind in kinds]
    movements: list[Movement] = []
    for kind, start, duration in place_spans(spans, seconds, rng):
        if kind == "speech":
            movements += speech_movements(start, duration, rng)
        else:
            movements.append(_expression(kind, start, duration, rng))
    for _ in range(round(distractors.blinks * minutes)):
        start, duration = rng.uniform(0.3, seconds - 0.7), rng.uniform(0.15, 0.35)
        peak, fall = start + 0.35 * duration, start + 0.5 * duration
        movements.append(Movement("blink", start, peak, fall, start + duration, 1.0))
    for _ in range(round(distractors.gaze * minutes)):
        start, duration = rng.uniform(0.3, max(0.4, seconds - 2.5)), rng.uniform(0.3, 2)
        size = rng.uniform(0.06, 0.2) * rng.choice([-1, 1])
        movements.append(Movement("gaze", start, start + 0.05, start + duration, start + duration + 0.05, float(size)))
    return tuple(sorted(movements, key=lambda movement: movement.start))


def place_spans(
    spans: list[tuple[str, float]], seconds: float, rng: np.random.Generator, pause: float = 0.5
) -> list[tuple[str, float, float]]:
    """Place movements in random order with random pauses of `pause` or more; what does not fit is left out.

    Args:
        spans: kind and duration in seconds of each.
        seconds: length of the video.
        rng: draws order and pauses.
        pause: shortest pause in seconds.

    Returns:
        (kind, start, duration) in the order of time.
    """
    order = [spans[i] for i in rng.permutation(len(spans))]
    while order and sum(duration + pause for _, duration in order) + pause > seconds:
        order.pop()
    free = seconds - sum(duration + pause for _, duration in order) - pause
    more = rng.dirichlet(np.ones(len(order) + 1)) * free
    placed, now = [], pause
    for (kind, duration), extra in zip(order, more[:-1], strict=True):
        placed.append((kind, now + extra, duration))
        now += extra + duration + pause
    return placed


def _expression(kind: str, start: float, duration: float, rng: np.random.Generator) -> Movement:
    label = str(rng.choice(CLASSES))
    units = draw_action_units(label, None, rng)
    end = start + duration
    if kind == "micro":
        peak = start + duration * float(np.clip(rng.normal(0.45, 0.1), 0.25, 0.7))
        return Movement("micro", start, peak, peak, end, draw_amplitude(rng, "micro"), units, label)
    peak = start + rng.uniform(0.2, 0.45) * duration
    fall = start + rng.uniform(0.5, 0.7) * duration
    return Movement("macro", start, peak, fall, end, draw_amplitude(rng, "macro"), units, label)


def speech_movements(start: float, duration: float, rng: np.random.Generator) -> list[Movement]:
    """Syllables that fill a stretch of speech, from `start` on for `duration` seconds."""
    syllables, now = [], start
    while now < start + duration - 0.15:
        length = min(rng.uniform(0.16, 0.33), start + duration - now)
        units = SYLLABLES[int(rng.integers(len(SYLLABLES)))]
        peak = now + length / 2
        syllables.append(Movement("speech", now, peak, peak, now + length, float(rng.uniform(1, 6)), units))
        now += length * rng.uniform(0.8, 1.1)
    return syllables
