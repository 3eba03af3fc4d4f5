"""Frames of a folder of images, of one image, or in memory, and `open_frames` for whatever a path names.

Frames are read when they are needed, in the order of their numbers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..core.clip import Frames
from ..core.errors import MediaError, MissingDataError
from ..core.files import is_system_name
from .images import DEPTHS, IMAGE_SUFFIXES, decode_image, read_image, reduce_depth, used_bits
from .video import VIDEO_SUFFIXES, VideoFrames

DEPTH_SAMPLE = 25
"""Images of a folder whose largest value decides on the depth of all."""

MAX_FRAME_NUMBER = 2**53
"""Largest frame number: a float64 holds every integer up to it exactly."""


def open_frames(source: Path, damaged: bool = False, camera_fps: float | None = None) -> Frames:
    """The frames of a folder of images, a video file, or a single image.

    Args:
        source: path of the folder or file.
        damaged: whether the readable frames of a broken source are read instead of raising an error; `damage` of the
            frames has the times of the unreadable ones.
        camera_fps: frames per second of the camera, for a video whose time stamps are not the camera's.

    Raises:
        MissingDataError: the path does not exist.
        MediaError: the path is neither a folder nor an image nor a video.
    """
    if source.is_dir():
        return FolderFrames(source, damaged)
    if not source.is_file():  # reading a pipe or a device could block forever
        if source.exists():
            raise MediaError(f"'{source}' is neither a file nor a folder")
        raise MissingDataError(f"'{source}' is not there")
    if source.suffix.lower() in IMAGE_SUFFIXES:
        return ImageFrames(source)
    if source.suffix.lower() in VIDEO_SUFFIXES:
        return VideoFrames(source, damaged, camera_fps)
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
    if named_by_time(names):
        return [_milliseconds(own) for own in fields]
    if not varying or varying == [len(fields[0]) - 1]:
        return [int(own[-1]) for own in fields]
    if len(varying) == 1:
        return [int(own[varying[0]]) for own in fields]
    other = next(name for name, own in zip(names, fields, strict=True) if own[varying[0]] != fields[0][varying[0]])
    raise MediaError(
        f"'{names[0]}' and '{other}' differ in more than one number, so the order of the frames is not known; "
        "number them 1, 2, 3 ..."
    )


def named_by_time(names: Sequence[str]) -> bool:
    """Whether the names of a folder's images end in times, and differ in no other number.

    Of names that differ in their last number only (all within a second), two that follow each other by 1 are numbers.
    """
    fields, varying = _number_fields(names)
    if not varying or varying[0] < len(fields[0]) - 4 or not all(map(_is_time, fields)):
        return False
    if len(varying) > 1:
        return True
    last = sorted(int(own[-1]) for own in fields)
    return all(len(text) == 2 for text in fields[0][-4:-1]) and min(b - a for a, b in pairwise(last)) > 1


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
    """The images of a folder, in the order of their frame numbers (`img10` comes after `img9`).

    Images of 16 bits are reduced to 8 by one depth for all, which the largest value of a sample of them decides.

    Args:
        folder: of the images.
        damaged: whether images that cannot be read are left out by `iter_frames`; otherwise they are an error.
    """

    def __init__(self, folder: Path, damaged: bool = False) -> None:
        self.folder = folder
        self.damaged = damaged
        self._unreadable: dict[int, str] = {}
        self._readable: set[int] = set()

    @cached_property
    def files(self) -> dict[int, Path]:
        """Frame number -> file, rising.

        Raises:
            MediaError: two files have the same number, a number is too large, or no rule orders the names.
        """
        files: dict[int, Path] = {}
        images = [path for path in images_in(self.folder) if frame_number(path.name) is not None]
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
        try:
            image = decode_image(self.files[number])
        except MediaError as error:
            self._unreadable[number] = str(error)
            raise
        self._readable.add(number)
        return image if image.dtype == np.uint8 else reduce_depth(image, self._bits)

    @property
    def unreadable(self) -> dict[int, str]:
        """Frame number -> why its image cannot be read; images that were not read yet are tried."""
        for number in self.files:
            if number not in self._readable and number not in self._unreadable:
                with suppress(MediaError):
                    self.read(number)
        return dict(sorted(self._unreadable.items()))

    @cached_property
    def _bits(self) -> int:
        """Depth of the values of images of 16 bits."""
        files, bits = list(self.files.values()), DEPTHS[0]
        for index in np.unique(np.linspace(0, len(files) - 1, DEPTH_SAMPLE).round().astype(int)):
            with suppress(MediaError):
                bits = max(bits, used_bits(decode_image(files[index])))
        return bits


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


def images_in(folder: Path) -> list[Path]:
    """The image files of a folder, sorted by name; hidden ones, which other programs leave there, do not count."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not is_system_name(p.name))


def file_signature(source: Path) -> str:
    """A text that changes when the files of a source do: their number, their bytes and the newest time of change.

    Files that a file manager puts into a folder that somebody looks at do not count.
    """
    inside = source.iterdir() if source.is_dir() else iter([source])
    files = [p for p in inside if p == source or (p.is_file() and not is_system_name(p.name))]
    stats = [p.stat() for p in files]
    return f"{len(files)}-{sum(s.st_size for s in stats)}-{max((s.st_mtime_ns for s in stats), default=0)}"


def describe_contents(folder: Path) -> str:
    """What lies in a folder, by kind of file: `2 folders, 14 .heic, 1 .txt`; hidden files do not count."""
    if not folder.is_dir():
        return "it is a file"
    inside = [path for path in folder.iterdir() if not is_system_name(path.name)]
    kinds = Counter("folders" if path.is_dir() else path.suffix.lower() or "without a suffix" for path in inside)
    without_number = sum(path.suffix.lower() in IMAGE_SUFFIXES and frame_number(path.name) is None for path in inside)
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(5)) or "nothing"
    return listed + (" (images need a number in their names)" if without_number else "")
