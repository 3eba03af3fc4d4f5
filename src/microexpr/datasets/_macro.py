"""What the releases of macro-expressions share: words, folders, sequences of frames, and synthetic roles."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..core.clip import Clip
from ..core.errors import MediaError
from ..imaging.images import IMAGE_SUFFIXES
from ..imaging.video import FolderFrames
from ..synthetic import draw_action_units, format_action_units
from .synthetic.clips import ClipSpec

SIX = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
"""The basic emotions, which every release has."""

_SPELLINGS = {word: word for word in (*SIX, "contempt", "neutral")} | {
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
}


def emotion_of(word: str) -> str | None:
    """The word that all releases share: `Happy` is `happiness`; None where it stands for no emotion."""
    return _SPELLINGS.get(word.lower())


def folders(place: Path) -> list[Path]:
    """The folders in a folder by name, without what an archive of a Mac adds (`.DS_Store`, `__MACOSX`)."""
    return sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))


def pictures(place: Path) -> list[Path]:
    """The picture files in a folder by name."""
    return sorted(p for p in place.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith("."))


def sequence(clip: str, subject: str, source: Path, fps: float, labels: Mapping[str, str], apex: float = 1.0) -> Clip:
    """A clip from the first to the last frame of a folder; without times where that cannot be read.

    Args:
        clip, subject: their ids.
        source: folder of numbered pictures; they are ordered by number.
        fps: frames per second.
        labels: of the clip.
        apex: where the peak lies, as a share of the frames: 1 for the last one.
    """
    try:
        numbers = FolderFrames(source).numbers
    except (MediaError, OSError):  # the check of the pictures names it
        numbers = ()
    made = Clip(clip, subject.split("/")[0], subject, source, fps, labels=labels)
    if not numbers:
        return made
    peak = numbers[min(len(numbers) - 1, int(len(numbers) * apex))]
    return dataclasses.replace(made, onset=numbers[0], apex=peak, offset=numbers[-1])


def role(dataset: str, person: str, name: str, emotion: str, seed: int) -> ClipSpec:
    """Who shows what; an emotion of "" is an expression that its release does not name."""
    draws = np.random.default_rng([seed, *f"{dataset}/{person}/{name}".encode()])
    shown = {"": "others", "neutral": "happiness"}.get(emotion, emotion)  # a neutral face is one before its expression
    units = ((14, ""),) if shown == "contempt" else draw_action_units(None, shown, draws)
    return ClipSpec(person, name, emotion, "", format_action_units(units), tuple(units), int(draws.integers(2**31)))
