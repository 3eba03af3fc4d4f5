"""Synthetic films on which spotters are trained and measured: every size and length of movement, and hard conditions.

Unlike `random_video`, which shows movements as data sets have them, these films have amplitudes and durations that are
spread evenly on a logarithmic scale, one grimace after the other, speech with and without expressions, nods, hands,
glasses, masks, beards, darkness and many kinds of skin. The faces are synthetic: a large opening of the mouth stretches
the lips and shows neither teeth nor tongue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..core.track import MICRO_SECONDS
from .accessories import Worn
from .action_units import Unit, draw_action_units
from .long_video import SyntheticVideo, draw_hands
from .look import Look
from .script import CLASSES, Distractors, Movement, MovementKind, place_spans, random_movements, speech_movements

PIXELS, SECONDS = (0.3, 30.0), (0.04, 5.0)
"""Range of the amplitudes, in pixels at a face width of 224, and of the durations of an expression."""

LARGE_PIXELS = 10.0
"""A larger movement shows one of `LARGE_UNITS`: brows and lids cannot move that far."""

LARGE_UNITS: tuple[tuple[tuple[Unit, ...], str], ...] = (
    (((25, ""), (26, "")), "II"),
    (((12, ""), (25, "")), "I"),
    (((6, ""), (12, "")), "I"),
    (((20, ""), (25, "")), "VI"),
    (((1, ""), (2, ""), (25, ""), (26, "")), "II"),
    (((15, ""), (17, "")), "V"),
    (((9, ""), (10, "")), "IV"),
)

UPPER_UNITS: tuple[tuple[tuple[Unit, ...], str], ...] = (
    (((1, ""), (2, "")), "II"),
    (((4, ""),), "III"),
    (((4, ""), (7, "")), "III"),
    (((1, ""), (4, "")), "V"),
    (((5, ""),), "II"),
)
"""Action units of brows and lids, with their objective class."""

CALM = Distractors(blinks=10, speech=0, gaze=4, turns=0, drift=3)


@dataclass(frozen=True)
class Film:
    """One synthetic film.

    Attributes:
        kind: name in `FILM_KINDS`.
        seed: of person, look and movements.
        seconds: length.
        fps: frames per second.
    """

    kind: str
    seed: int
    seconds: float = 20.0
    fps: float = 30.0

    @property
    def name(self) -> str:
        """Kind and seed."""
        return f"{self.kind}-{self.seed}"

    def make(self) -> SyntheticVideo:
        """The film; its frames are rendered when they are asked for.

        Raises:
            KeyError: there is no such kind.
        """
        kind = FILM_KINDS[self.kind]
        rng = np.random.default_rng([13, self.seed])
        look = Look.draw(rng, kind.worn)
        if kind.dark:
            look = replace(look, brightness=float(rng.uniform(0.12, 0.25)))
        person = look.person(self.seed)
        movements = tuple(sorted(kind.draw(self, kind, rng), key=lambda movement: movement.start))
        hands = draw_hands(self.seed, self.seconds, person, kind.distractors, look.skin * look.brightness)
        noise = float(rng.uniform(3, 5)) if kind.dark else float(rng.uniform(0.5, 2))
        return SyntheticVideo(person, movements, self.seconds, self.fps, kind.distractors, self.seed, noise, hands)


@dataclass(frozen=True)
class FilmKind:
    """What the films of a kind show.

    Attributes:
        draw: (film, kind, generator) -> movements of the face.
        distractors: blinks, gaze, head and hands; speech is drawn by `draw`.
        worn: what the person wears; drawn when None.
        dark: whether the room is dark and the image noisy.
    """

    draw: Callable[[Film, FilmKind, np.random.Generator], Sequence[Movement]]
    distractors: Distractors = CALM
    worn: Worn | None = None
    dark: bool = False


def films(first_seed: int, per_kind: int = 2, kinds: Sequence[str] | None = None) -> tuple[Film, ...]:
    """A set of films with `per_kind` films of each kind.

    Args:
        first_seed: seeds count from here: subjects of training and testing must differ.
        per_kind: number of films of each kind.
        kinds: names from `FILM_KINDS`; all of them by default.
    """
    names = list(FILM_KINDS) if kinds is None else list(kinds)
    pairs = [(kind, n) for kind in names for n in range(per_kind)]
    return tuple(Film(kind, first_seed + i) for i, (kind, _) in enumerate(pairs))


def draw_movement(start: float, seconds: float, pixels: float, rng: np.random.Generator) -> Movement:
    """An expression of a given length and amplitude; shorter than 0.5 s it is a micro-expression.

    Args:
        start: seconds.
        seconds: duration.
        pixels: amplitude at a face width of 224.
        rng: draws action units, apex and plateau.
    """
    if pixels > LARGE_PIXELS:
        units, label = LARGE_UNITS[int(rng.integers(len(LARGE_UNITS)))]
    else:
        label = str(rng.choice(CLASSES))
        units = draw_action_units(label, None, rng)
    rise = float(rng.uniform(0.2, 0.6))
    hold = float(rng.uniform(0, 0.8 - rise)) if seconds >= MICRO_SECONDS else 0.0
    kind: MovementKind = "micro" if seconds < MICRO_SECONDS else "macro"
    peak = start + rise * seconds
    return Movement(kind, start, peak, peak + hold * seconds, start + seconds, pixels, units, label)


def _distractions(film: Film, kind: FilmKind) -> list[Movement]:
    return list(random_movements(film.seed, film.seconds, 0, 0, replace(kind.distractors, speech=0)))


def _log_uniform(low: float, high: float, rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _expressions(film: Film, rng: np.random.Generator, per_minute: float = 18, pause: float = 0.4) -> list[Movement]:
    """Expressions whose amplitudes and durations are log-uniform."""
    longest = min(SECONDS[1], film.seconds / 4)
    spans = [("", _log_uniform(SECONDS[0], longest, rng)) for _ in range(round(per_minute * film.seconds / 60))]
    placed = place_spans(spans, film.seconds, rng, pause)
    return [draw_movement(start, seconds, _log_uniform(*PIXELS, rng), rng) for _, start, seconds in placed]


def _varied(film: Film, kind: FilmKind, rng: np.random.Generator) -> list[Movement]:
    return _distractions(film, kind) + _expressions(film, rng)


def _upper(film: Film, kind: FilmKind, rng: np.random.Generator) -> list[Movement]:
    """Expressions of brows and lids: those that a mask leaves to be seen."""
    placed = [m for m in _expressions(film, rng, per_minute=30) if m.amplitude <= LARGE_PIXELS]
    units = [UPPER_UNITS[int(rng.integers(len(UPPER_UNITS)))] for _ in placed]
    shown = [replace(m, units=own, label=label) for m, (own, label) in zip(placed, units, strict=True)]
    return _distractions(film, kind) + shown


def _grimaces(film: Film, kind: FilmKind, rng: np.random.Generator) -> list[Movement]:
    """One grimace after the other, with hardly a pause."""
    movements, now = _distractions(film, kind), float(rng.uniform(0.3, 1))
    while now + 0.3 < film.seconds:
        seconds = min(_log_uniform(0.3, 2.5, rng), film.seconds - now - 0.05)
        movements.append(draw_movement(now, seconds, _log_uniform(4, PIXELS[1], rng), rng))
        now += seconds + float(rng.uniform(0.05, 0.3))
    return movements


def _speech(film: Film, kind: FilmKind, rng: np.random.Generator) -> list[Movement]:
    """Speech nearly all the time, and no expression."""
    movements, now = _distractions(film, kind), 0.3
    while now + 0.5 < film.seconds:
        seconds = min(float(rng.uniform(1.5, 6)), film.seconds - now - 0.05)
        movements += speech_movements(now, seconds, rng)
        now += seconds + float(rng.uniform(0.2, 1.2))
    return movements


def _expressive_speech(film: Film, kind: FilmKind, rng: np.random.Generator) -> list[Movement]:
    """Speech with expressions during it, and between."""
    return _speech(film, kind, rng) + _expressions(film, rng, per_minute=12)


def _still(film: Film, kind: FilmKind, rng: np.random.Generator) -> list[Movement]:
    """No expression: only what the distractors do."""
    return _distractions(film, kind)


FILM_KINDS: dict[str, FilmKind] = {
    "varied": FilmKind(_varied),
    "grimaces": FilmKind(_grimaces),
    "speech": FilmKind(_speech),
    "expressive-speech": FilmKind(_expressive_speech),
    "nods": FilmKind(_varied, replace(CALM, nods=8)),
    "nods-alone": FilmKind(_still, replace(CALM, nods=10, turns=8)),
    "hands": FilmKind(_varied, replace(CALM, hands=9)),
    "hands-alone": FilmKind(_still, replace(CALM, hands=12)),
    "looks-aside": FilmKind(_still, replace(CALM, gaze=30)),
    "glasses": FilmKind(_varied, worn="glasses"),
    "mask": FilmKind(_upper, worn="mask"),
    "hair": FilmKind(_varied, worn="hair"),
    "dark": FilmKind(_varied, dark=True),
}
"""Every kind of film by its name; those that end in `-alone`, `speech` and `looks-aside` show no expression."""
