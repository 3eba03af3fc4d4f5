"""Each event as a small folder of pictures: its own face with room around it, under the numbers of its frames."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..core.errors import MediaError
from ..core.events import Event
from ..core.track import FaceTrack
from ..imaging.images import write_image
from ..imaging.video import Frames, VideoFrames

CROP_MARGIN = 0.75
"""Left around a face, as a share of its larger side: enough to find it again, too little for a neighbor's."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels; right and bottom are the first that are out."""


@dataclass(frozen=True)
class CropRequest:
    """What is to be seen of an event.

    Attributes:
        event: which.
        track: of its face.
        whole: all frames from onset to offset; else these two and the apex.
    """

    event: Event
    track: FaceTrack
    whole: bool

    @property
    def box(self) -> Box:
        """Where its face is from onset to offset, with room around it; may reach out of the picture."""
        first, last = np.searchsorted(self.track.numbers, (self.event.onset, self.event.offset))
        boxes = np.asarray(self.track.boxes[first : last + 1], np.float64)
        low, high = boxes[:, :2].min(axis=0), (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
        room = CROP_MARGIN * boxes[:, 2:].max()
        left, top, right, bottom = np.round([*(low - room), *(high + room)]).astype(int).tolist()
        return left, top, right, bottom

    def has(self, number: int) -> bool:
        """Whether that frame is to be seen."""
        event = self.event
        if self.whole:
            return event.onset <= number <= event.offset
        return number in (event.onset, event.apex, event.offset)


def clips(frames: Frames, wanted: Mapping[int, CropRequest], folder: Path) -> Iterator[tuple[int, Path, Box | str]]:
    """`(key, folder, box)` of each; the folder is there until the next step, its pictures are cut to the box.

    A video is decoded once for all of them. Where a frame cannot be read, or is too small for the box, why comes
    instead of a box.

    Args:
        frames: of the recording.
        wanted: events by onset.
        folder: to make the folders in.
    """
    if not wanted:
        return
    with TemporaryDirectory(dir=folder) as name:
        ways = _of_video if isinstance(frames, VideoFrames) else _of_folder
        for key, box in ways(frames, dict(wanted), Path(name)):
            yield key, Path(name, str(key)), box
            shutil.rmtree(Path(name, str(key)), ignore_errors=True)


def _of_video(frames: Frames, waiting: dict[int, CropRequest], folder: Path) -> Iterator[tuple[int, Box | str]]:
    assert isinstance(frames, VideoFrames)
    boxes: dict[int, Box | str] = {}
    for number, picture in frames.iter_selected(lambda number: any(one.has(number) for one in waiting.values())):
        for key, one in list(waiting.items()):
            if number < one.event.onset:
                continue
            if one.has(number):
                boxes[key] = _keep(picture, one, boxes.get(key), folder / str(key) / f"{number}.png")
            if number >= one.event.offset:
                yield key, boxes.pop(key)
                del waiting[key]
        if not waiting:
            return
    raise MediaError(f"video '{frames.path}' ended earlier than when its faces were found; did it change?")


def _of_folder(frames: Frames, waiting: dict[int, CropRequest], folder: Path) -> Iterator[tuple[int, Box | str]]:
    for key, one in waiting.items():
        box: Box | str | None = None
        for number in frames.numbers:
            if one.has(number):
                try:
                    picture = frames.read(number)
                except MediaError as fault:
                    box = str(fault)
                    break
                box = _keep(picture, one, box, folder / str(key) / f"{number}.png")
        yield key, "its frames are gone" if box is None else box


def _keep(picture: np.ndarray, one: CropRequest, box: Box | str | None, path: Path) -> Box | str:
    """Writes the part of a picture; the box, or why not."""
    if isinstance(box, str):
        return box
    height, width = picture.shape[:2]
    left, top, right, bottom = one.box if box is None else box
    if box is None:  # the first frame says how much of it there is
        box = left, top, right, bottom = max(0, left), max(0, top), min(width, right), min(height, bottom)
    if right > width or bottom > height or right - left < 2 or bottom - top < 2:
        return f"its frames differ in size (one has {width} x {height} pixels)"
    write_image(path, np.ascontiguousarray(picture[top:bottom, left:right]))
    return box
