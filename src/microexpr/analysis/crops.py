"""Frames of events: the face of each event with a margin around it, cut from the frames of the recording."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..core.clip import Frames
from ..core.errors import MediaError
from ..core.events import Event
from ..core.track import FaceTrack
from ..imaging.video import VideoFrames

CROP_MARGIN = 0.75
"""Margin around a face, as a fraction of its larger side: enough to find it again, too little for a neighbor's face."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels; right and bottom are the first pixels outside."""


@dataclass(frozen=True)
class CropRequest:
    """An event whose frames are wanted.

    Attributes:
        event: the event.
        track: track of its face.
        all_frames: whether all frames from onset to offset are wanted, or only onset, apex and offset,
        farthest: and the number of the frame in which the face is farthest from its onset; None for no such frame.
    """

    event: Event
    track: FaceTrack
    all_frames: bool
    farthest: int | None = None

    @property
    def box(self) -> Box:
        """Where the face is from onset to offset, with a margin; it may reach beyond the frame."""
        first, last = np.searchsorted(self.track.numbers, (self.event.onset, self.event.offset))
        boxes = np.asarray(self.track.boxes[first : last + 1], np.float64)
        low, high = boxes[:, :2].min(axis=0), (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
        margin = CROP_MARGIN * boxes[:, 2:].max()
        left, top, right, bottom = np.round([*(low - margin), *(high + margin)]).astype(int).tolist()
        return left, top, right, bottom

    def wants(self, number: int) -> bool:
        """Whether that frame is wanted."""
        event = self.event
        if self.all_frames:
            return event.onset <= number <= event.offset
        return number in (event.onset, event.apex, event.offset, self.farthest)


@dataclass(eq=False)
class EventCrops:
    """The wanted frames of an event, all cut to one box.

    Attributes:
        request: the event, and which frames are wanted.
        images: frame number -> (height, width, 3) uint8 RGB.
        box: the box they were cut to, in pixels of the recording; None before the first frame.
        error: why there are no such frames; "" where there are.
    """

    request: CropRequest
    images: dict[int, np.ndarray] = field(default_factory=dict)
    box: Box | None = None
    error: str = ""

    @property
    def origin(self) -> np.ndarray:
        """(2,) left and top of the box in pixels of the recording."""
        assert self.box is not None
        return np.array(self.box[:2], np.float64)

    def landmarks(self) -> dict[int, np.ndarray]:
        """Frame number -> (68, 2) landmarks in pixels of the crops, of those frames in which the tracker has them."""
        found = {number: self.request.track.landmarks(number) for number in self.images}
        return {number: points - self.origin for number, points in found.items() if points is not None}

    def add(self, number: int, image: np.ndarray) -> None:
        """Cut a frame of the recording to the box; the first one decides how much of the box lies inside the frame."""
        if self.error:
            return
        height, width = image.shape[:2]
        if self.box is None:
            left, top, right, bottom = self.request.box
            self.box = max(0, left), max(0, top), min(width, right), min(height, bottom)
        left, top, right, bottom = self.box
        if right > width or bottom > height or right - left < 2 or bottom - top < 2:
            self.error = f"its frames differ in size (one has {width} x {height} pixels)"
            return
        self.images[number] = image[top:bottom, left:right].copy()


def crop_events(frames: Frames, requests: Mapping[int, CropRequest]) -> Iterator[tuple[int, EventCrops]]:
    """The frames of each event, as `(key, crops)`; a video is decoded once for all of them.

    Args:
        frames: of the recording.
        requests: events by a key of the caller's.

    Raises:
        MediaError: the video ends before an event does.
    """
    if not requests:
        return
    crop = _crop_video if isinstance(frames, VideoFrames) else _crop_numbered
    yield from crop(frames, {key: EventCrops(request) for key, request in requests.items()})


def _crop_video(frames: Frames, waiting: dict[int, EventCrops]) -> Iterator[tuple[int, EventCrops]]:
    assert isinstance(frames, VideoFrames)

    def wanted(number: int) -> bool:
        return any(crops.request.wants(number) for crops in waiting.values())

    for number, image in frames.iter_selected(wanted):
        for key, crops in list(waiting.items()):
            if crops.request.wants(number):
                crops.add(number, image)
            if number >= crops.request.event.offset:
                yield key, crops
                del waiting[key]
        if not waiting:
            return
    raise MediaError(f"video '{frames.path}' ended earlier than when its faces were found; did it change?")


def _crop_numbered(frames: Frames, waiting: dict[int, EventCrops]) -> Iterator[tuple[int, EventCrops]]:
    unreadable = getattr(frames, "unreadable", {})
    numbers = [number for number in frames.numbers if number not in unreadable]
    for key, crops in waiting.items():
        for number in numbers:
            if crops.request.wants(number):
                try:
                    crops.add(number, frames.read(number))
                except MediaError as error:
                    crops.error = str(error)
        if not crops.images and not crops.error:
            crops.error = "its frames are gone"
        yield key, crops
