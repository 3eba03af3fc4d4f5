"""Read and write video files: frames are decoded in order and turned upright."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import MediaError
from .images import MAX_PIXELS

VIDEO_SUFFIXES = frozenset({".avi", ".mp4", ".mov", ".mkv", ".webm", ".m4v"})


LOCAL_FILE_ONLY = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpeg,mpegts,asf,flv,ogg",
}
"""FFmpeg decides by the content of a file: a playlist called .mp4 must not make it open other files or addresses."""


class VideoFrames:
    """The frames of a video file, decoded in order; their numbers count from 0.

    Args:
        path: of the file.
        damaged: whether frames that cannot be decoded are left out; otherwise they are an error. A file without any
            readable frame is an error in both cases.
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
        """Time stamps in seconds of the broken frames, and of the last frame before each gap of missing ones."""
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
        """Approximate number of frames, from the header and without decoding; 0 if the header does not have it."""
        import av

        try:
            with open_video(self.path) as container:
                for stream in container.streams.video:
                    seconds = (container.duration or 0) / av.time_base
                    return int(stream.frames or seconds * float(stream.average_rate or 0))
        except av.error.FFmpegError:
            pass  # decoding the file raises the error with its reason
        return 0

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
        broken: list[float] = []
        times: list[float] = []
        upright = self._upright()
        for frame in self._frames(broken):
            times.append(float(frame.time or 0.0))
            yield times[-1], upright(frame)
        self.__dict__.setdefault("_scanned", (tuple(times), tuple(broken)))

    def iter_selected(self, wanted: Callable[[int], bool]) -> Iterator[tuple[int, np.ndarray]]:
        """`(number, frame)` of the frames whose number is wanted; the others are decoded, but not converted to RGB."""
        upright = self._upright()
        for number, frame in enumerate(self._frames([])):
            if wanted(number):
                yield number, upright(frame)

    def _upright(self) -> Callable[[Any], np.ndarray]:
        """A function that converts a decoded frame to (height, width, 3) uint8 RGB, turned upright."""
        import av

        colors = av.video.reformatter.VideoReformatter()  # sharing it between frames saves a quarter of the time

        def convert(frame: Any) -> np.ndarray:
            quarter_turns = round((getattr(frame, "rotation", 0) or 0) / 90) % 4
            try:
                image = colors.reformat(frame, format="rgb24").to_ndarray()
            except av.error.FFmpegError as error:
                raise MediaError(f"video '{self.path}' cannot be read: {error.strerror}") from None
            return np.ascontiguousarray(np.rot90(image, quarter_turns))

        return convert

    def _frames(self, broken: list[float]) -> Iterator[Any]:
        """Decoded frames of the first video track; the times of broken ones are appended to `broken`."""
        import av

        last, any_frame = 0.0, False
        try:
            with open_video(self.path) as container:
                if not container.streams.video:
                    raise MediaError(f"'{self.path}' has no video track")
                stream = container.streams.video[0]
                if stream.codec_context is None:
                    raise MediaError(
                        f"'{self.path}' has a video track that this FFmpeg cannot decode; is the file complete?"
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
                        any_frame, last = True, float(frame.time or 0.0)
                        if frame.is_corrupt:
                            broken.append(last)
                        yield frame
        except av.error.FFmpegError as error:
            if not (any_frame and self.damaged and isinstance(error, av.error.InvalidDataError)):
                raise MediaError(
                    f"video '{self.path}' cannot be read: {error.strerror}; is the file complete?"
                ) from None
            broken.append(last)


def open_video(path: Path) -> Any:
    """Open a video file with PyAV 14 or newer, as an `av.container.InputContainer`.

    It reads no other file and nothing from the network, whatever the content of the file. Metadata that are not UTF-8
    are not an error: PyAV before 19 needs an argument for that, which later releases no longer have.
    """
    import av

    settings: dict[str, Any] = {"options": LOCAL_FILE_ONLY}
    if int(av.__version__.split(".")[0]) < 19:
        settings["metadata_errors"] = "replace"
    return av.open(str(path.absolute()), **settings)


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
