"""What happens in a synthetic long video, and when: expressions to be found, and everything that only looks like them.

Sizes are the generator's own choice (no release gives them): micro and macro amplitudes as in `render`, blinks .15 to
.35 s, syllables three to six a second, head turns of up to 15 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .action_units import Unit, draw_action_units
from .rendering import draw_amplitude

MovementKind = Literal["micro", "macro", "speech", "blink", "gaze"]
SYLLABLES: tuple[tuple[Unit, ...], ...] = (((25, ""), (26, "")), ((20, ""), (25, "")), ((24, ""),))
CLASSES = ("I", "II", "III", "IV", "V", "VI", "VII")


@dataclass(frozen=True)
class Movement:
    """One movement: neutral until `start`, full from `peak` to `fall`, neutral again from `end` on (seconds).

    Attributes:
        kind: `micro` and `macro` are to be found; `speech`, `blink` and `gaze` are not.
        units: action units of both kinds of expression and of speech.
        amplitude: largest move of a landmark in pixels at a face width of 224; of a blink 1 is shut; of gaze the
            share of the eye's width (negative: to the left of the picture).
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
        """(T,) 0 to 1 at these times in seconds: a raised cosine up, a plateau, a raised cosine down."""
        up = np.clip((times - self.start) / (self.peak - self.start), 0, 1)
        down = np.clip((self.end - times) / (self.end - self.fall), 0, 1)
        return (1 - np.cos(np.pi * np.minimum(up, down))) / 2


@dataclass(frozen=True)
class Distractors:
    """How much of each there is; 0 is none.

    Args:
        blinks: a minute.
        speech: bursts of 1.5 to 5 s a minute.
        gaze: looks to a side a minute.
        turns: of the head, a minute.
        drift: of the head in pixels at a face width of 224.
        flicker: of the light, as a share.
    """

    blinks: float = 15
    speech: float = 3
    gaze: float = 12
    turns: float = 4
    drift: float = 4
    flicker: float = 0.02


def random_movements(
    seed: int, seconds: float, micro: float, macro: float, others: Distractors, shortest: float = 0.16
) -> tuple[Movement, ...]:
    """Every movement of a video, in the order of time.

    Args:
        seed: of everything.
        seconds: length of the video.
        micro, macro: expressions a minute; they and speech keep .5 s apart, blinks and gaze fall anywhere.
        others: what else happens.
        shortest: micro-expressions last so many seconds or more, and at most .45 s.
    """
    rng = np.random.default_rng([11, seed])
    share = seconds / 60
    wanted = [("speech", others.speech), ("macro", macro), ("micro", micro)]
    names = [name for name, n in wanted for _ in range(round(n * share))]
    lasting = {"speech": lambda: rng.uniform(1.5, 5), "macro": lambda: rng.uniform(0.6, 2.5)}
    spans = [(name, lasting.get(name, lambda: rng.uniform(shortest, 0.45))()) for name in names]
    beats: list[Movement] = []
    for name, start, long in _placed(spans, seconds, rng):
        beats += _speech(start, long, rng) if name == "speech" else [_expression(name, start, long, rng)]
    for _ in range(round(others.blinks * share)):
        start, long = rng.uniform(0.3, seconds - 0.7), rng.uniform(0.15, 0.35)
        beats.append(Movement("blink", start, start + 0.35 * long, start + 0.5 * long, start + long, 1.0))
    for _ in range(round(others.gaze * share)):
        start, long = rng.uniform(0.3, max(0.4, seconds - 2.5)), rng.uniform(0.3, 2)
        size = rng.uniform(0.06, 0.2) * rng.choice([-1, 1])
        beats.append(Movement("gaze", start, start + 0.05, start + long, start + long + 0.05, float(size)))
    return tuple(sorted(beats, key=lambda beat: beat.start))


def _placed(
    spans: list[tuple[str, float]], seconds: float, rng: np.random.Generator, apart: float = 0.5
) -> list[tuple[str, float, float]]:
    """(name, start, length) in a drawn order with drawn pauses; what does not fit is left out."""
    order = [spans[i] for i in rng.permutation(len(spans))]
    while order and sum(long + apart for _, long in order) + apart > seconds:
        order.pop()
    free = seconds - sum(long + apart for _, long in order) - apart
    pauses = rng.dirichlet(np.ones(len(order) + 1)) * free
    placed, now = [], apart
    for (name, long), pause in zip(order, pauses[:-1], strict=True):
        placed.append((name, now + pause, long))
        now += pause + long + apart
    return placed


def _expression(name: str, start: float, long: float, rng: np.random.Generator) -> Movement:
    label = str(rng.choice(CLASSES))
    units = draw_action_units(label, None, rng)
    if name == "micro":
        peak = start + long * float(np.clip(rng.normal(0.45, 0.1), 0.25, 0.7))
        return Movement("micro", start, peak, peak, start + long, draw_amplitude(rng, "micro"), units, label)
    rise = rng.uniform(0.2, 0.45) * long
    fall = rng.uniform(0.5, 0.7) * long
    return Movement(
        "macro", start, start + rise, start + fall, start + long, draw_amplitude(rng, "macro"), units, label
    )


def _speech(start: float, long: float, rng: np.random.Generator) -> list[Movement]:
    beats, now = [], start
    while now < start + long - 0.15:
        length = min(rng.uniform(0.16, 0.33), start + long - now)
        units = SYLLABLES[int(rng.integers(len(SYLLABLES)))]
        peak = now + length / 2
        beats.append(Movement("speech", now, peak, peak, now + length, float(rng.uniform(1, 6)), units))
        now += length * rng.uniform(0.8, 1.1)
    return beats
