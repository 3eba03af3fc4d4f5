"""What the releases of macro-expressions share: names of emotions, folders, sequences of frames, synthetic clips."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..core.action_units import format_action_units
from ..core.clip import Clip
from ..core.errors import MediaError
from ..imaging.frames import FolderFrames
from ..imaging.images import IMAGE_SUFFIXES
from ..synthetic import draw_action_units
from .synthetic.clips import ClipSpec

BASIC_EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
"""The basic emotions, which every release has."""

_SPELLINGS = {emotion: emotion for emotion in (*BASIC_EMOTIONS, "contempt", "neutral")} | {
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
}


def emotion_of(name: str) -> str | None:
    """The emotion of a name in the spelling of all releases: `Happy` is `happiness`; None if it is no emotion."""
    return _SPELLINGS.get(name.lower())


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder by name, without those that an archive made on a Mac adds (`.DS_Store`, `__MACOSX`)."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))


def image_files(folder: Path) -> list[Path]:
    """The image files in a folder by name."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith("."))


def sequence_clip(
    clip_id: str, subject: str, source: Path, fps: float, labels: Mapping[str, str], apex: float = 1.0
) -> Clip:
    """A clip from the first to the last frame of a folder; without times where the folder cannot be read.

    Args:
        clip_id, subject: their ids.
        source: folder of numbered images, which are ordered by number.
        fps: frames per second.
        labels: of the clip.
        apex: position of the apex as a fraction of the frames; 1 is the last frame.
    """
    try:
        numbers = FolderFrames(source).numbers
    except (MediaError, OSError):  # `Dataset.check` reports it
        numbers = ()
    clip = Clip(clip_id, subject.split("/")[0], subject, source, fps, labels=labels)
    if not numbers:
        return clip
    peak = numbers[min(len(numbers) - 1, int(len(numbers) * apex))]
    return dataclasses.replace(clip, onset=numbers[0], apex=peak, offset=numbers[-1])


def posed_clip_spec(dataset: str, subject: str, name: str, emotion: str, seed: int, key: str = "") -> ClipSpec:
    """A posed expression of a synthetic copy.

    Args:
        dataset, subject, name: of the clip.
        emotion: "" is an expression that its release does not name.
        seed: of the action units, together with `key`.
        key: identifies the clip in the release; `dataset/subject/name` by default.
    """
    rng = np.random.default_rng([seed, *(key or f"{dataset}/{subject}/{name}").encode()])
    shown = {"": "others", "neutral": "happiness"}.get(emotion, emotion)  # the frame of a neutral face is before onset
    units = ((14, ""),) if shown == "contempt" else draw_action_units(None, shown, rng)
    return ClipSpec(subject, name, emotion, "", format_action_units(units), units, int(rng.integers(2**31)))
