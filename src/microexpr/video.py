"""Frames of a folder, a video file or one picture: read when asked for, in the order of their numbers, upright."""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from .errors import MediaError, MissingDataError

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})
VIDEOS = frozenset({".avi", ".mp4", ".mov", ".mkv", ".webm", ".m4v"})
OWN_FILE = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpeg,mpegts,asf,flv,ogg",
}
"""FFmpeg goes by content, not by name: a playlist called .mp4 must not send it to other files or to the network."""


class Frames(Protocol):
    """Numbered frames of one source.

    `numbers` are the frame numbers in rising order: those in the file names of a folder, 0, 1, 2 ... of a video.
    """

    @property
    def numbers(self) -> Sequence[int]: ...  # noqa: D102
    def read(self, number: int) -> np.ndarray: ...  # noqa: D102


def open_frames(source: Path) -> Frames:
    """The frames of a folder of pictures, a video file, or a single picture.

    Raises:
        MissingDataError: nothing is there.
        MediaError: it is neither a folder nor a picture nor a video.
    """
    if source.is_dir():
        return FolderFrames(source)
    if not source.is_file():
        raise MissingDataError(f"'{source}' is not there")
    if source.suffix.lower() in PICTURES:
        return PictureFrames(source)
    if source.suffix.lower() in VIDEOS:
        return VideoFrames(source)
    raise MediaError(f"'{source}' is neither a folder of pictures nor one of {', '.join(sorted(PICTURES | VIDEOS))}")


def read_picture(path: Path) -> np.ndarray:
    """A picture as (height, width, 3) uint8 RGB; grey pictures get three equal channels.

    Raises:
        MediaError: it is missing, empty or broken.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as fault:
        raise MediaError(f"picture '{path}' cannot be read: {fault.strerror or fault}") from None
    try:
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error:  # a header that promises more pixels than OpenCV takes
        picture = None
    if picture is None:
        raise MediaError(f"picture '{path}' ({data.size} bytes) is broken or not a picture; copy it anew")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def write_picture(path: Path, picture: np.ndarray, quality: int = 95) -> None:
    """Write (height, width[, 3]) uint8 RGB or grey; the format follows the file's ending."""
    stored = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.ndim == 3 else picture
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix.lower() in {".jpg", ".jpeg"} else []
    path.parent.mkdir(parents=True, exist_ok=True)
    ok, data = cv2.imencode(path.suffix, stored, options)
    if not ok:
        raise MediaError(f"picture '{path}' cannot be written as {path.suffix}")
    path.write_bytes(data.tobytes())


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
    """Pictures of a folder in the order of their numbers, never of their names (img10 comes after img9)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def files(self) -> dict[int, Path]:
        """Frame number to file, rising. Two files with one number are an error."""
        files: dict[int, Path] = {}
        for path in self.folder.iterdir():
            number = frame_number(path.name)
            if path.suffix.lower() not in PICTURES or path.name.startswith(".") or number is None:
                continue
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
        return read_picture(self.files[number])


class PictureFrames:
    """One picture as a recording of one frame, number 0."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.numbers: Sequence[int] = (0,)

    def read(self, number: int) -> np.ndarray:
        """The picture, whatever the number."""
        return read_picture(self.path)


class VideoFrames:
    """Frames of a video file, decoded in order; the numbers count from 0."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def times(self) -> tuple[float, ...]:
        """Time stamp of each frame in seconds, as the file gives them (the rate may vary)."""
        return tuple(time for time, _ in self._decode(pixels=False))

    @property
    def numbers(self) -> Sequence[int]:
        """0, 1, 2 ..."""
        return range(len(self.times))

    def expected(self) -> int:
        """About how many frames there are, from the file's head and without decoding; 0 where it does not say."""
        import av

        try:
            with av.open(str(self.path)) as container:
                for stream in container.streams.video:
                    seconds = (container.duration or 0) / av.time_base
                    return int(stream.frames or seconds * float(stream.average_rate or 0))
        except av.error.FFmpegError:
            pass  # who decodes it gets the error with its reason
        return 0

    def read(self, number: int) -> np.ndarray:
        """One frame, upright, (height, width, 3) uint8 RGB. Reads from the start: iterate for many."""
        for i, (_, frame) in enumerate(self._decode()):
            if i == number and frame is not None:
                return frame
        raise MediaError(f"video '{self.path}' has no frame {number} (it has {len(self.times)}, counted from 0)")

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        """`(seconds, frame)` of every frame in order."""
        for time, frame in self._decode():
            if frame is not None:
                yield time, frame

    def _decode(self, pixels: bool = True) -> Iterator[tuple[float, np.ndarray | None]]:
        import av

        try:
            with av.open(str(self.path.absolute()), options=OWN_FILE) as container:
                if not container.streams.video:
                    raise MediaError(f"'{self.path}' has no picture track")
                container.streams.video[0].thread_type = "AUTO"  # decodes ahead on other cores
                colours = av.video.reformatter.VideoReformatter()  # one for all frames is a quarter faster
                for frame in container.decode(video=0):
                    turned = round((getattr(frame, "rotation", 0) or 0) / 90) % 4
                    if pixels:
                        shown = colours.reformat(frame, format="rgb24").to_ndarray()
                        yield float(frame.time or 0.0), np.ascontiguousarray(np.rot90(shown, turned))
                    else:
                        yield float(frame.time or 0.0), None
        except av.error.FFmpegError as fault:
            raise MediaError(f"video '{self.path}' cannot be read: {fault.strerror}; is it whole?") from None


def timed(frames: Frames, fps: float) -> Generator[tuple[int, float, np.ndarray], None, None]:
    """`(number, seconds since the first frame, picture)` of every frame in order, read once.

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
    clock = Clock(1 / fps)
    for number, seconds, picture in stamped:
        yield number, clock(seconds), picture


class Clock:
    """Seconds since the first of the time stamps it is told, one after the other; they rise even where those do not."""

    def __init__(self, step: float = 0.04) -> None:
        self.step = step
        self.first = self.before = math.nan

    def __call__(self, seconds: float) -> float:
        """The next time stamp, seconds -> seconds since the first."""
        if math.isnan(self.first):
            self.first = seconds
            self.before = 0.0
            return 0.0
        now = seconds - self.first
        if now > self.before:
            self.step = now - self.before
        else:
            now = self.before + self.step / 2  # a broken stamp: the order of the frames is surer
        self.before = now
        return now


def stamp(source: Path) -> str:
    """What changes when the pictures of a source change: names' count, bytes and newest time of change."""
    files = [p for p in source.iterdir() if p.is_file()] if source.is_dir() else [source]
    facts = [p.stat() for p in files]
    return f"{len(files)}-{sum(s.st_size for s in facts)}-{max((s.st_mtime_ns for s in facts), default=0)}"
