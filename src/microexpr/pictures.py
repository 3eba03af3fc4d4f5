"""Pictures for people: what a recognizer was shown, and flow as colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from .clip import Clip, Sample
from .files import slug
from .protocols import Example
from .video import open_frames, write_picture

SIDE = 168
"""Pixels of a picture in a report."""


def flow_wheel(flow: np.ndarray, largest: float | None = None) -> np.ndarray:
    """(height, width, 2 or more) flow as (height, width, 3) uint8: hue is direction, strength is length.

    Args:
        flow: u and v first.
        largest: length that gets the full colour; the picture's own largest when None. For looking at only: this
            scaling never reaches a recognizer.
    """
    u, v = flow[..., 0].astype(np.float64), flow[..., 1].astype(np.float64)
    length = np.hypot(u, v)
    top = largest or float(length.max()) or 1.0
    colour = np.zeros((*u.shape, 3), np.uint8)
    colour[..., 0] = np.round((np.arctan2(v, u) + np.pi) * 90 / np.pi) % 180
    colour[..., 1] = np.round(255 * np.clip(length / top, 0, 1))
    colour[..., 2] = 255
    return cv2.cvtColor(colour, cv2.COLOR_HSV2RGB)


def input_picture(sample: Sample) -> np.ndarray | None:
    """What the recognizer was shown, as (168, 168, 3) uint8; None if it is no picture."""
    image = sample.arrays.get("image")
    if image is None or image.ndim != 3 or image.shape[2] < 2:
        return None
    if "flow" in sample.notes:
        shown = flow_wheel(image)
    else:
        low, high = float(image.min()), float(image.max())
        shown = np.round(255 * (image.astype(np.float64) - low) / max(high - low, 1e-9)).astype(np.uint8)
        shown = np.dstack([shown, shown[..., :1]]) if shown.shape[2] == 2 else shown[..., :3]
    return cv2.resize(shown, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)


def apex_picture(clip: Clip) -> np.ndarray:
    """The frame at the apex (half way where it is not known), as (168, 168, 3) uint8."""
    frames = open_frames(clip.source)
    middle = frames.numbers[len(frames.numbers) // 2]
    frame = frames.read(middle if clip.apex is None else clip.apex)
    side = min(frame.shape[:2])
    top, left = (frame.shape[0] - side) // 2, (frame.shape[1] - side) // 2
    return cv2.resize(frame[top : top + side, left : left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def keep_examples(folder: Path, examples: Sequence[Example], samples: Mapping[str, Sample], faces: bool) -> None:
    """Write a few clips' pictures: two of each class, of different people where there are.

    Args:
        folder: of the run.
        examples, samples: what it learns from.
        faces: the apex frames too; only for made-up people, whose faces may be shown.
    """
    if (folder / "pictures").exists():
        return
    for word in sorted({example.truth for example in examples}):
        own = [example for example in examples if example.truth == word]
        for example in (own[0], own[-1]) if len(own) > 1 else own:
            name = f"{slug(word)}--{slug(example.clip.id)}"
            shown = input_picture(samples[example.clip.id])
            if shown is not None:
                write_picture(folder / "pictures" / f"{name}--input.png", shown)
            if faces:
                write_picture(folder / "pictures" / f"{name}--apex.jpg", apex_picture(example.clip))
