"""Read and write video files: frames are decoded in order and turned upright."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import MediaError
from .images import MAX_PIXELS
from .video_header import VideoHeader, open_video, read_header, shown_size

VIDEO_SUFFIXES = frozenset(
    {
        *(".avi", ".mp4", ".m4v", ".mov", ".3gp", ".mkv", ".webm", ".mpg", ".mpeg", ".mts", ".m2ts", ".ts"),
        *(".wmv", ".asf", ".flv", ".ogv"),
    }
)


class VideoFrames:
    """The frames of a video file, decoded in order; their numbers count from 0.

    Args:
        path: of the file.
        damaged: whether frames that cannot be decoded are left out; otherwise they are an error. A file without any
            readable frame is an error in both cases.
        camera_fps: frames per second of the camera where the time stamps are not the camera's, as in slow motion; None
            takes what the file says.
    """

    def __init__(self, path: Path, damaged: bool = False, camera_fps: float | None = None) -> None:
        self.path = path
        self.damaged = damaged
        self.camera_fps = camera_fps

    @property
    def times(self) -> tuple[float, ...]:
        """Time stamp of each frame in seconds of the camera, as the file gives them (the rate may vary)."""
        return self._scanned.times

    @property
    def damage(self) -> tuple[float, ...]:
        """Time stamps in seconds of the broken frames, and of the last frame before each gap of missing ones."""
        return tuple(self._scanned.broken)

    @property
    def end(self) -> float:
        """Time stamp in seconds of the file at which the last of its tracks ends, sound included."""
        return self._scanned.end

    @cached_property
    def _scanned(self) -> _Pass:
        done = _Pass()
        done.times = tuple(seconds for seconds, _ in self._frames(done))
        return done

    @property
    def numbers(self) -> Sequence[int]:
        """0, 1, 2 ..."""
        return range(len(self.times))

    @cached_property
    def header(self) -> VideoHeader:
        """What the header of the file says.

        Raises:
            MediaError: the file cannot be read, or has no video track.
        """
        import av

        try:
            return read_header(self.path, self.camera_fps)
        except av.error.FFmpegError as error:
            raise self._unreadable(error) from None

    def estimated_frame_count(self) -> int:
        """Approximate number of frames, from the header and without decoding; 0 if the header does not have it."""
        try:
            return self.header.frames
        except MediaError:
            return 0  # decoding the file raises the error with its reason

    def read(self, number: int) -> np.ndarray:
        """One frame, upright, (height, width, 3) uint8 RGB.

        It is decoded from the start of the file: iterate over the object to read many frames.

        Raises:
            MediaError: there is no such frame, or the file cannot be read.
        """
        for i, (_, frame) in enumerate(self):
            if i == number:
                return frame
        raise MediaError(f"video '{self.path}' has no frame {number} (it has {len(self.times)}, counted from 0)")

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        """`(seconds, frame)` of every frame in order. After a complete pass, `times` needs no further decoding."""
        done, times, upright = _Pass(), [], upright_converter(self.header)
        for seconds, frame in self._frames(done):
            times.append(seconds)
            yield seconds, self._converted(upright, frame)
        done.times = tuple(times)
        self.__dict__.setdefault("_scanned", done)

    def iter_selected(self, wanted: Callable[[int], bool]) -> Iterator[tuple[int, np.ndarray]]:
        """`(number, frame)` of the frames whose number is wanted; the others are decoded, but not converted to RGB."""
        upright = upright_converter(self.header)
        for number, (_, frame) in enumerate(self._frames(_Pass())):
            if wanted(number):
                yield number, self._converted(upright, frame)

    def _converted(self, upright: Callable[[Any], np.ndarray], frame: Any) -> np.ndarray:
        import av

        try:
            return upright(frame)
        except av.error.FFmpegError as error:
            raise MediaError(f"video '{self.path}' cannot be read: {error.strerror}") from None

    def _frames(self, done: _Pass) -> Iterator[tuple[float, Any]]:
        """`(seconds, decoded frame)` of the film; the damage and the end are noted in `done`."""
        import av

        header = self.header
        stamps = _Stamps(header)
        try:
            with open_video(self.path) as container:
                stream = container.streams[header.track]
                stream.thread_type = "AUTO"  # decodes ahead on other cores
                stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
                for packet in container.demux():
                    done.note_end(packet)
                    if packet.stream.index != header.track:
                        continue
                    stamps.add(packet)
                    try:
                        frames = packet.decode()
                    except av.error.InvalidDataError:
                        if not self.damaged:
                            raise
                        done.broken.append(stamps.skip())
                        continue
                    for frame in frames:
                        seconds = stamps.next(frame)
                        if frame.is_corrupt:
                            done.broken.append(seconds)
                        yield seconds, frame
        except av.error.FFmpegError as error:
            if not (stamps.frames and self.damaged and isinstance(error, av.error.InvalidDataError)):
                raise self._unreadable(error) from None
            done.broken.append(stamps.last)

    def _unreadable(self, error: Any) -> MediaError:
        return MediaError(f"video '{self.path}' cannot be read: {error.strerror}; is the file complete?")


@dataclass
class _Pass:
    """What a pass through a file finds beside the frames.

    Attributes:
        times: time stamp of each frame in seconds of the camera.
        broken: those of the broken frames.
        end: time stamp at which the last packet of all tracks ends, in seconds of the file.
    """

    times: tuple[float, ...] = ()
    broken: list[float] = field(default_factory=list)
    end: float = 0.0

    def note_end(self, packet: Any) -> None:
        """Take the end of a packet of any track."""
        begin = packet.dts if packet.pts is None else packet.pts
        if begin is not None:
            self.end = max(self.end, float((begin + (packet.duration or 0)) * packet.time_base))


class _Stamps:
    """The time stamps of the frames of a film in seconds of the camera, in the order in which they are shown.

    AVI has stamps in the order of decoding only: the frame that is shown as the n-th has the stamp of the n-th packet.
    """

    def __init__(self, header: VideoHeader) -> None:
        self.header = header
        self.last = 0.0
        self.frames = 0
        self._packets: deque[float] = deque()

    def add(self, packet: Any) -> None:
        """Take the next packet of the film."""
        if self.header.decoding_order and packet.dts is not None and packet.size:
            self._packets.append(float(packet.dts * packet.time_base))

    def skip(self) -> float:
        """Seconds of the last frame, where a packet yields none."""
        if self._packets:
            self._packets.popleft()
        return self.last

    def next(self, frame: Any) -> float:
        """Seconds of the next decoded frame; where it has no stamp, a step after the one before."""
        seconds = self._packets.popleft() if self._packets else frame.time
        if seconds is not None:
            self.last = float(seconds) * self.header.time_scale
        elif self.frames and self.header.fps:
            self.last += self.header.time_scale / self.header.fps
        self.frames += 1
        return self.last


def upright_converter(header: VideoHeader) -> Callable[[Any], np.ndarray]:
    """A function that makes (height, width, 3) uint8 RGB of a decoded frame: square pixels, turned upright.

    Args:
        header: of the file.
    """
    import av

    colors = av.video.reformatter.VideoReformatter()  # sharing it between frames saves a quarter of the time

    def convert(frame: Any) -> np.ndarray:
        quarter_turns = round((getattr(frame, "rotation", 0) or 0) / 90) % 4
        width, height = shown_size(header.pixel_aspect, frame.width, frame.height)
        scaling = None if (width, height) == (frame.width, frame.height) else "BICUBIC"
        image = colors.reformat(frame, width, height, format="rgb24", interpolation=scaling).to_ndarray()
        return np.ascontiguousarray(np.rot90(image, quarter_turns))

    return convert


def write_video(path: Path, frames: np.ndarray, fps: int) -> None:
    """Write (T, height, width, 3) uint8 RGB as a nearly lossless video file (MPEG-4); both sizes must be even."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 8_000_000
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def write_lossless_video(path: Path, frames: Iterable[tuple[float, np.ndarray]], fps: float) -> None:
    """Write frames without any loss, with their times, as FFV1 in a Matroska file (.mkv).

    Args:
        path: of the file; its folder is made where it does not exist.
        frames: `(seconds, image)`, rising; images are (height, width, 3) uint8 RGB, all of one size.
        fps: frames per second that the header states.
    """
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(fps).limit_denominator(1001))
        stream.pix_fmt, stream.codec_context.time_base = "bgr0", Fraction(1, 1000)  # Matroska counts milliseconds
        for seconds, image in frames:
            if not stream.codec_context.is_open:
                stream.height, stream.width = image.shape[:2]
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round(1000 * seconds), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
