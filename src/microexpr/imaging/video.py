"""Video files: frames are decoded in order when they are asked for, and shown upright."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
"""FFmpeg goes by content, not by name: a playlist called .mp4 must not send it to other files or to the network."""


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
