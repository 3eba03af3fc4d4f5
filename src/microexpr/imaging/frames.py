"""Frames of a folder of images, of one image, or in memory, and `open_frames` for whatever a path names.

Frames are read when they are asked for, in the order of their numbers, upright.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from ..core.clip import Frames
from ..core.errors import MediaError, MissingDataError
from .images import IMAGE_SUFFIXES, read_image
from .video import VIDEO_SUFFIXES, VideoFrames

MAX_FRAME_NUMBER = 2**53
"""Largest frame number: up to there floats count every one."""


def open_frames(source: Path, damaged: bool = False) -> Frames:
    """The frames of a folder of images, a video file, or a single image.

    Args:
        source: where they are.
        damaged: read what can be read of a broken video; `VideoFrames.damage` says what cannot.

    Raises:
        MissingDataError: nothing is there.
        MediaError: it is neither a folder nor an image nor a video.
    """
    if source.is_dir():
        return FolderFrames(source)
    if not source.is_file():  # a pipe or a device would make us wait for ever
        if source.exists():
            raise MediaError(f"'{source}' is neither a file nor a folder")
        raise MissingDataError(f"'{source}' is not there")
    if source.suffix.lower() in IMAGE_SUFFIXES:
        return ImageFrames(source)
    if source.suffix.lower() in VIDEO_SUFFIXES:
        return VideoFrames(source, damaged)
    raise MediaError(
        f"'{source}' is neither a folder of pictures nor one of {', '.join(sorted(IMAGE_SUFFIXES | VIDEO_SUFFIXES))}"
    )


def frame_number(name: str) -> int | None:
    """The last whole number in a file's name without its ending: `reg_img46.jpg` is 46, `006_05562.jpg` is 5562."""
    found = re.search(r"(\d+)\D*$", Path(name).stem)
    return int(found.group(1)) if found else None


class FolderFrames:
    """Images of a folder in the order of their numbers, never of their names (img10 comes after img9)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def files(self) -> dict[int, Path]:
        """Frame number to file, rising. Two files with one number are an error."""
        files: dict[int, Path] = {}
        for path in sorted(self.folder.iterdir()):
            number = frame_number(path.name)
            if path.suffix.lower() not in IMAGE_SUFFIXES or path.name.startswith(".") or number is None:
                continue
            if number > MAX_FRAME_NUMBER:
                raise MediaError(f"'{path}': frame number {number} is too large; the largest is {MAX_FRAME_NUMBER}")
            if number in files:
                raise MediaError(f"'{files[number]}' and '{path.name}' have the same frame number, {number}")
            files[number] = path
        return dict(sorted(files.items()))

    @property
    def numbers(self) -> Sequence[int]:
        """Frame numbers, rising."""
        return tuple(self.files)

    def read(self, number: int) -> np.ndarray:
        """One frame, (height, width, 3) uint8 RGB."""
        if number not in self.files:
            have = f"it has {len(self.files)}, {min(self.files)} to {max(self.files)}" if self.files else "it has none"
            raise MediaError(f"folder '{self.folder}' has no frame {number} ({have})")
        return read_image(self.files[number])


class ImageFrames:
    """One image as a recording of one frame, number 0."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.numbers: Sequence[int] = (0,)

    def read(self, number: int) -> np.ndarray:
        """The image, whatever the number."""
        return read_image(self.path)


class ArrayFrames:
    """Frames in memory.

    Args:
        images: frame number -> (height, width, 3) uint8 RGB.
    """

    def __init__(self, images: Mapping[int, np.ndarray]) -> None:
        self.images = dict(sorted(images.items()))

    @property
    def numbers(self) -> Sequence[int]:
        """Frame numbers, rising."""
        return tuple(self.images)

    def read(self, number: int) -> np.ndarray:
        """One frame, (height, width, 3) uint8 RGB."""
        if number not in self.images:
            raise MediaError(f"no frame {number} is in memory (there are {len(self.images)})")
        return self.images[number]


def file_signature(source: Path) -> str:
    """What changes when the images of a source change: names' count, bytes and newest time of change."""
    files = [p for p in source.iterdir() if p.is_file()] if source.is_dir() else [source]
    facts = [p.stat() for p in files]
    return f"{len(files)}-{sum(s.st_size for s in facts)}-{max((s.st_mtime_ns for s in facts), default=0)}"
