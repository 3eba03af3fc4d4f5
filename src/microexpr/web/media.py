"""Videos for a browser: recognize the format, test whether browsers play it, write a playable copy, read frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import av
import cv2
import numpy as np

from ..core.errors import MediaError
from ..core.progress import ProgressCallback
from ..imaging.images import MAX_PIXELS
from ..imaging.timing import iter_frames
from ..imaging.video import VideoFrames, upright_converter
from ..imaging.video_header import VideoHeader, open_video, read_header

HEADER_BYTES = 256
"""Number of first bytes from which `video_suffix` recognizes a format."""

MAX_WIDTH = 1280
"""Maximum width in pixels of a preview and of a single frame."""

TICKS_PER_SECOND = 90_000
"""Time base of a preview: fine enough for the time stamps of every camera."""

CACHE_SIZE = 16
"""Number of decoded frames that a reader keeps, so that steps back do not decode them again."""

MAX_SEEK = 48
"""Number of frames up to which decoding forward is faster than seeking to a key frame."""


def video_suffix(header: bytes) -> str:
    """Return the file suffix that belongs to the content of a video.

    Args:
        header: the first `HEADER_BYTES` bytes of the file.

    Returns:
        `.mp4`, `.mov`, `.avi`, `.webm`, or `.mkv` (also for formats without a suffix of their own here); "" where it is
        not a supported video.
    """
    if header[4:8] == b"ftyp":
        return ".mov" if header[8:12] == b"qt  " else ".mp4"
    if header[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return ".mov"
    if header[:4] == b"RIFF" and header[8:12] == b"AVI ":
        return ".avi"
    if header[:4] == b"\x1aE\xdf\xa3":
        return ".webm" if b"webm" in header[:64] else ".mkv"
    others = (b"OggS", b"FLV\x01", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"0&\xb2u\x8ef\xcf\x11")
    transport_stream = len(header) > 188 and header[0] == header[188] == 0x47  # packets of 188 bytes
    return ".mkv" if transport_stream or header.startswith(others) else ""


def is_playable(path: Path, first: float) -> bool:
    """Whether all current browsers play a file as it is, with the same times as `VideoFrames` gives.

    Args:
        path: a video file with the suffix that `video_suffix` returns.
        first: time stamp of its first frame in seconds.
    """
    if path.suffix not in (".mp4", ".webm") or abs(first) > 1e-3:
        return False
    header = read_header(path)
    if not header.only_track or header.time_scale != 1 or header.pixel_aspect != 1:
        return False  # browsers choose another track, play slow motion slowly, or show frames of another size
    with open_video(path) as container:
        stream = container.streams[header.track]
        codecs = ("h264",) if path.suffix == ".mp4" else ("vp8", "vp9")
        return stream.codec_context.name in codecs and stream.codec_context.pix_fmt in ("yuv420p", "yuvj420p")


def write_preview(path: Path, target: Path, progress: ProgressCallback) -> None:
    """Write a copy as H.264 in MP4: upright, at most `MAX_WIDTH` pixels wide, with the same times, from 0.

    Args:
        path: a video file.
        target: the file to write.
        progress: called with the stage, the number of frames done and their total.
    """
    total = VideoFrames(path).estimated_frame_count()
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream: Any = None
        for number, seconds, image in iter_frames(VideoFrames(path, damaged=True), 25):
            scaled = _with_even_sides(_limit_width(image))
            if stream is None:
                options = {"preset": "veryfast", "crf": "20"}
                stream = container.add_stream("libx264", rate=30, options=options)
                stream.height, stream.width = scaled.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.codec_context.time_base = Fraction(1, TICKS_PER_SECOND)
                stream.codec_context.gop_size = 30
            frame = av.VideoFrame.from_ndarray(scaled[: stream.height, : stream.width], format="rgb24")
            frame.pts, frame.time_base = round(seconds * TICKS_PER_SECOND), Fraction(1, TICKS_PER_SECOND)
            container.mux(stream.encode(frame))
            progress("writing a copy that browsers play", number + 1, max(total, number + 1))
        if stream is not None:
            container.mux(stream.encode())


def _with_even_sides(image: np.ndarray) -> np.ndarray:
    """Crop the image by at most one pixel to the even sides that the codec needs."""
    height, width = (max(2, side - side % 2) for side in image.shape[:2])
    if image.shape[0] < 2 or image.shape[1] < 2:
        image = cv2.resize(image, (width, height))
    return np.ascontiguousarray(image[:height, :width])


def _limit_width(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    if width <= MAX_WIDTH:
        return image
    return cv2.resize(image, (MAX_WIDTH, max(1, round(height * MAX_WIDTH / width))), interpolation=cv2.INTER_AREA)


def _decode(container: Any, stream: Any) -> Iterator[Any]:
    """Yield frames as `VideoFrames` counts them: packets that cannot be decoded are left out."""
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        yield from frames


class FrameReader:
    """Read single frames of a video as JPEG, exactly by number, which the seeking of a browser is not.

    It seeks to the key frame before the wanted frame, decodes from there, and recognizes frames by their time stamps.
    Where time stamps are not strictly increasing, or not those of the file, it decodes and counts from the start.

    Args:
        path: a video file.
        timestamps: (T,) float64 time stamps of its frames in seconds, as `VideoFrames` gives them.
    """

    def __init__(self, path: Path, timestamps: np.ndarray) -> None:
        self.path = path
        self.timestamps = timestamps
        self._cache: deque[tuple[int, Any]] = deque(maxlen=CACHE_SIZE)
        self._frames: Iterator[tuple[int, Any]] = iter(())
        self._lock = Lock()
        self._container: Any = None

    @cached_property
    def _header(self) -> VideoHeader:
        return read_header(self.path)

    @cached_property
    def can_seek(self) -> bool:
        """Whether frames are recognized by their time stamps."""
        rising = bool(len(self.timestamps) and (np.diff(self.timestamps) > 0).all())
        return rising and self._header.time_scale == 1 and not self._header.decoding_order

    def jpeg(self, number: int) -> bytes:
        """Return one frame as JPEG, upright, at most `MAX_WIDTH` pixels wide.

        Args:
            number: of the frame, from 0.

        Raises:
            MediaError: there is no such frame, or it cannot be read.
        """
        if not 0 <= number < len(self.timestamps):
            raise MediaError(f"no frame {number}; there are {len(self.timestamps)}, counted from 0")
        with self._lock:
            try:
                image = upright_converter(self._header)(self._frame(number))
            except av.error.FFmpegError as error:
                raise MediaError(f"frame {number} cannot be read: {error.strerror}") from None
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        return cv2.imencode(".jpg", _limit_width(image), [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()

    def close(self) -> None:
        """Close the file; the next `jpeg` opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        self._cache.clear()
        self._frames = iter(())
        if self._container is not None:
            self._container.close()
            self._container = None

    def _frame(self, number: int) -> Any:
        for cached, frame in self._cache:
            if cached == number:
                return frame
        last = self._cache[-1][0] if self._cache else -1
        if self._container is None or not last < number <= last + MAX_SEEK:
            self._seek(number)
        frame = self._decode_until(number)
        if frame is None:  # the seek went past the frame: decode from the start
            self._seek(0)
            frame = self._decode_until(number)
        if frame is None:
            raise MediaError(f"frame {number} was not found; the file may have changed")
        return frame

    def _decode_until(self, number: int) -> Any:
        """The frame, or None if decoding is already past it or reaches the end."""
        for current, frame in self._frames:
            if current > number:
                return None
            self._cache.append((current, frame))
            if current == number:
                return frame
        return None

    def _seek(self, number: int) -> None:
        self._close()
        self._container = open_video(self.path)
        stream = self._container.streams[self._header.track]
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        if not self.can_seek or number == 0:
            self._frames = enumerate(_decode(self._container, stream))
            return
        self._container.seek(round(self.timestamps[number] / stream.time_base), stream=stream)
        self._frames = self._numbered(stream)

    def _numbered(self, stream: Any) -> Iterator[tuple[int, Any]]:
        """Yield frames with the numbers of their time stamps, from the first key frame on (earlier ones are broken)."""
        complete = False
        for frame in _decode(self._container, stream):
            complete = complete or bool(frame.key_frame)
            if complete:
                yield int(np.abs(self.timestamps - float(frame.time or 0.0)).argmin()), frame
