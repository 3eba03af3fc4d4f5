"""Frames of a folder of images, of one image, or in memory, and `open_frames` for whatever a path names.

Frames are read when they are needed, in the order of their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from ..core.clip import Frames
from ..core.errors import MediaError, MissingDataError
from ..core.files import is_system_name
from .images import IMAGE_SUFFIXES, read_image
from .video import VIDEO_SUFFIXES, VideoFrames

MAX_FRAME_NUMBER = 2**53
"""Largest frame number: a float64 holds every integer up to it exactly."""


def open_frames(source: Path, damaged: bool = False) -> Frames:
    """The frames of a folder of images, a video file, or a single image.

    Args:
        source: path of the folder or file.
        damaged: whether the readable frames of a broken video are read instead of raising an error;
            `VideoFrames.damage` has the times of the unreadable ones.

    Raises:
        MissingDataError: the path does not exist.
        MediaError: the path is neither a folder nor an image nor a video.
    """
    if source.is_dir():
        return FolderFrames(source)
    if not source.is_file():  # reading a pipe or a device could block forever
        if source.exists():
            raise MediaError(f"'{source}' is neither a file nor a folder")
        raise MissingDataError(f"'{source}' is not there")
    if source.suffix.lower() in IMAGE_SUFFIXES:
        return ImageFrames(source)
    if source.suffix.lower() in VIDEO_SUFFIXES:
        return VideoFrames(source, damaged)
    suffixes = ", ".join(sorted(IMAGE_SUFFIXES | VIDEO_SUFFIXES))
    raise MediaError(f"'{source}' is neither a folder of images nor one of {suffixes}")


def frame_number(name: str) -> int | None:
    """The last integer in the name of a file: `reg_img46.jpg` is 46, `006_05562.jpg` is 5562; None without one."""
    found = re.search(r"(\d+)\D*$", Path(name).stem)
    return int(found.group(1)) if found else None


def frame_numbers(names: Sequence[str]) -> list[int]:
    """The frame number of each image of a folder.

    It is the number in the names that differs from image to image; a number with a decimal point behind it (a
    confidence) does not count. Of names that end in a time (`RGB-11-26-58-038.jpg`), it is that time in milliseconds.
    Names of several kinds are numbered by their last integer.

    Raises:
        MediaError: several numbers differ, and they are no time.
    """
    fields, varying = _number_fields(names)
    if not varying or varying == [len(fields[0]) - 1]:
        return [int(own[-1]) for own in fields]
    if len(varying) == 1:
        return [int(own[varying[0]]) for own in fields]
    if named_by_time(names):
        return [_milliseconds(own) for own in fields]
    other = next(name for name, own in zip(names, fields, strict=True) if own[varying[0]] != fields[0][varying[0]])
    raise MediaError(
        f"'{names[0]}' and '{other}' differ in more than one number, so the order of the frames is not known; "
        "number them 1, 2, 3 ..."
    )


def named_by_time(names: Sequence[str]) -> bool:
    """Whether the names of a folder's images end in times, and differ in no other number."""
    fields, varying = _number_fields(names)
    return len(varying) > 1 and varying[0] >= len(fields[0]) - 4 and all(map(_is_time, fields))


def _number_fields(names: Sequence[str]) -> tuple[list[list[str]], list[int]]:
    """The numbers in each name, and the positions of those that differ; none for names of several kinds."""
    stems = [re.sub(r"(?<=\d)[_-]\d*\.\d+$", "", Path(name).stem) for name in names]
    fields = [re.findall(r"\d+", stem) for stem in stems]
    if len({re.sub(r"\d+", "0", stem) for stem in stems}) > 1:
        return fields, []
    return fields, [k for k, values in enumerate(zip(*fields, strict=True)) if len(set(values)) > 1]


def _is_time(fields: Sequence[str]) -> bool:
    """Whether the last four numbers of a name are hours, minutes, seconds and milliseconds."""
    limits = zip(fields[-4:], (24, 60, 60, 1000), strict=True)
    return len(fields) >= 4 and len(fields[-1]) == 3 and all(int(text) < limit for text, limit in limits)


def _milliseconds(fields: Sequence[str]) -> int:
    hours, minutes, seconds, milliseconds = map(int, fields[-4:])
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds


class FolderFrames:
    """The images of a folder, in the order of their frame numbers (`img10` comes after `img9`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def files(self) -> dict[int, Path]:
        """Frame number -> file, rising.

        Raises:
            MediaError: two files have the same number, a number is too large, or no rule orders the names.
        """
        files: dict[int, Path] = {}
        images = [
            path
            for path in sorted(self.folder.iterdir())
            if path.suffix.lower() in IMAGE_SUFFIXES
            and not path.name.startswith(".")
            and frame_number(path.name) is not None
        ]
        for path, number in zip(images, frame_numbers([path.name for path in images]), strict=True):
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

    @property
    def times(self) -> Sequence[float]:
        """Seconds of the frames where their names are times; empty where they are numbers."""
        named = named_by_time([path.name for path in self.files.values()])
        return tuple(number / 1000 for number in self.files) if named else ()

    def read(self, number: int) -> np.ndarray:
        """One frame, (height, width, 3) uint8 RGB."""
        if number not in self.files:
            have = f"{len(self.files)}, {min(self.files)} to {max(self.files)}" if self.files else "none"
            raise MediaError(f"folder '{self.folder}' has no frame {number} (it has {have})")
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
    """A text that changes when the files of a source do: their number, their bytes and the newest time of change.

    Files that a file manager puts into a folder that somebody looks at do not count.
    """
    inside = source.iterdir() if source.is_dir() else iter([source])
    files = [p for p in inside if p == source or (p.is_file() and not is_system_name(p.name))]
    stats = [p.stat() for p in files]
    return f"{len(files)}-{sum(s.st_size for s in stats)}-{max((s.st_mtime_ns for s in stats), default=0)}"
