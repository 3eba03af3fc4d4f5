"""Frames of a folder, a video file or one image: read when asked for, in the order of their numbers, upright."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..core.clip import Frames as Frames
from ..core.errors import MediaError, MissingDataError
from .images import IMAGE_SUFFIXES, MAX_PIXELS, read_image

VIDEO_SUFFIXES = frozenset({".avi", ".mp4", ".mov", ".mkv", ".webm", ".m4v"})
LOCAL_FILE_ONLY = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpeg,mpegts,asf,flv,ogg",
}
"""FFmpeg goes by content, not by name: a playlist called .mp4 must not send it to other files or to the network."""


MAX_FRAME_NUMBER = 2**53
"""Largest frame number: up to there floats count every one."""

MAX_STEP_SECONDS = 86400.0
"""Seconds that may lie between two frames; a larger step is a broken time stamp."""


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


def write_video(path: Path, frames: np.ndarray, fps: int) -> None:
    """Write (T, height, width, 3) uint8 RGB as a video file (MPEG-4, nearly without loss); sizes must be even."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 8_000_000
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


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


class VideoFrames:
    """Frames of a video file, decoded in order; the numbers count from 0.

    Args:
        path: of the file.
        damaged: leave out what cannot be decoded, as long as something can; else it is an error.
    """

    def __init__(self, path: Path, damaged: bool = False) -> None:
        self.path = path
        self.damaged = damaged

    @property
    def times(self) -> tuple[float, ...]:
        """Time stamp of each frame in seconds, as the file gives them (the rate may vary)."""
        return self._scanned[0]

    @property
    def damage(self) -> tuple[float, ...]:
        """Time stamps of frames that are broken, and of those before a place where frames are lacking."""
        return self._scanned[1]

    @cached_property
    def _scanned(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        broken: list[float] = []
        times = tuple(float(frame.time or 0.0) for frame in self._frames(broken))
        return times, tuple(broken)

    @property
    def numbers(self) -> Sequence[int]:
        """0, 1, 2 ..."""
        return range(len(self.times))

    def estimated_frame_count(self) -> int:
        """About how many frames there are, from the file's head and without decoding; 0 where it does not say."""
        import av

        try:
            with open_video(self.path) as container:
                for stream in container.streams.video:
                    seconds = (container.duration or 0) / av.time_base
                    return int(stream.frames or seconds * float(stream.average_rate or 0))
        except av.error.FFmpegError:
            pass  # who decodes it gets the error with its reason
        return 0

    def read(self, number: int) -> np.ndarray:
        """One frame, upright, (height, width, 3) uint8 RGB. Reads from the start: iterate for many."""
        for i, (_, frame) in enumerate(self):
            if i == number:
                return frame
        raise MediaError(f"video '{self.path}' has no frame {number} (it has {len(self.times)}, counted from 0)")

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        """`(seconds, frame)` of every frame in order; who has seen the last one need not decode again for `times`."""
        broken: list[float] = []
        times: list[float] = []
        upright = self._upright()
        for frame in self._frames(broken):
            times.append(float(frame.time or 0.0))
            yield times[-1], upright(frame)
        self.__dict__.setdefault("_scanned", (tuple(times), tuple(broken)))

    def iter_selected(self, wanted: Callable[[int], bool]) -> Iterator[tuple[int, np.ndarray]]:
        """`(number, frame)` of those whose number is wanted: the others are decoded, but no image is made of them."""
        upright = self._upright()
        for number, frame in enumerate(self._frames([])):
            if wanted(number):
                yield number, upright(frame)

    def _upright(self) -> Callable[[Any], np.ndarray]:
        """What makes (height, width, 3) uint8 RGB of a decoded frame."""
        import av

        colors = av.video.reformatter.VideoReformatter()  # one for all frames is a quarter faster

        def picture(frame: Any) -> np.ndarray:
            turned = round((getattr(frame, "rotation", 0) or 0) / 90) % 4
            try:
                shown = colors.reformat(frame, format="rgb24").to_ndarray()
            except av.error.FFmpegError as fault:
                raise MediaError(f"video '{self.path}' cannot be read: {fault.strerror}") from None
            return np.ascontiguousarray(np.rot90(shown, turned))

        return picture

    def _frames(self, broken: list[float]) -> Iterator[Any]:
        """Decoded frames of the first image track; notes where they are broken."""
        import av

        last, one = 0.0, False
        try:
            with open_video(self.path) as container:
                if not container.streams.video:
                    raise MediaError(f"'{self.path}' has no picture track")
                stream = container.streams.video[0]
                if stream.codec_context is None:
                    raise MediaError(
                        f"'{self.path}' has pictures of a kind that this FFmpeg cannot decode; is it whole?"
                    )
                stream.thread_type = "AUTO"  # decodes ahead on other cores
                stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
                for packet in container.demux(stream):
                    try:
                        frames = packet.decode()
                    except av.error.InvalidDataError:
                        if not self.damaged:
                            raise
                        broken.append(last)
                        continue
                    for frame in frames:
                        one, last = True, float(frame.time or 0.0)
                        if frame.is_corrupt:
                            broken.append(last)
                        yield frame
        except av.error.FFmpegError as fault:
            if not (one and self.damaged and isinstance(fault, av.error.InvalidDataError)):
                raise MediaError(f"video '{self.path}' cannot be read: {fault.strerror}; is it whole?") from None
            broken.append(last)


def open_video(path: Path) -> Any:
    """Open a video file with PyAV 14 or newer, as an `av.container.InputContainer`.

    It reads no other file and nothing from the network, whatever the file says. Metadata that are no UTF-8 are no
    error: older releases of PyAV have to be asked for that, and from 19 on there is nothing to ask.
    """
    import av

    settings: dict[str, Any] = {"options": LOCAL_FILE_ONLY}
    if int(av.__version__.split(".")[0]) < 19:
        settings["metadata_errors"] = "replace"
    return av.open(str(path.absolute()), **settings)


class MonotonicClock:
    """Seconds since the first frame that rise from frame to frame, whatever the stamps of a broken file do.

    Args:
        step: seconds between two frames before any are known.
    """

    def __init__(self, step: float) -> None:
        self.step = step
        self.first: float | None = None
        self.now = 0.0

    def next(self, timestamp: float) -> float:
        """Of the next frame, by its time stamp in seconds."""
        if self.first is None:
            self.first = timestamp
            return 0.0
        ahead = timestamp - self.first - self.now
        if 0 < ahead <= MAX_STEP_SECONDS:
            self.step = ahead
            self.now += ahead
        elif -1 <= ahead <= 0:
            self.now += self.step / 2  # a broken stamp: the order of the frames is surer
        else:
            self.now += self.step  # stamps that begin anew: what follows goes on from here
            self.first = timestamp - self.now
        return self.now


def iter_frames(frames: Frames, fps: float) -> Generator[tuple[int, float, np.ndarray], None, None]:
    """`(number, seconds since the first frame, image)` of every frame in order, read once.

    Seconds are the file's own time stamps where it has them; they rise even where the file's do not.

    Args:
        frames: of a video, a folder, or anything else; `times` are used where it has them.
        fps: frames per second of a source without time stamps: the numbers are counted by it.
    """
    if isinstance(frames, VideoFrames):
        stamped = ((i, seconds, picture) for i, (seconds, picture) in enumerate(frames))
    else:
        numbers = frames.numbers
        times = getattr(frames, "times", None) or [n / fps for n in numbers]
        stamped = ((n, float(s), frames.read(n)) for n, s in zip(numbers, times, strict=True))
    clock = MonotonicClock(1 / fps)
    for number, seconds, picture in stamped:
        yield number, clock.next(seconds), picture


def file_signature(source: Path) -> str:
    """What changes when the images of a source change: names' count, bytes and newest time of change."""
    files = [p for p in source.iterdir() if p.is_file()] if source.is_dir() else [source]
    facts = [p.stat() for p in files]
    return f"{len(files)}-{sum(s.st_size for s in facts)}-{max((s.st_mtime_ns for s in facts), default=0)}"
