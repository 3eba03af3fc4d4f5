"""Videos for a browser: what a file is, whether a browser can play it, a copy that it can, and single frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import Any

import av
import cv2
import numpy as np

from ..core.errors import MediaError
from ..core.progress import ProgressCallback
from ..imaging.images import MAX_PIXELS
from ..imaging.video import LOCAL_FILE_ONLY, VideoFrames, iter_frames

HEAD = 256
"""Bytes that tell what a file is."""

WIDEST = 1280
"""Pixels of a copy for playing, and of a single frame."""

TICKS = 90_000
"""Of a copy's clock, a second: fine enough for every camera's time stamps."""

AHEAD = 48
"""Frames that are sooner decoded than looked for."""

BEHIND = 16
"""Decoded frames that are held, so that stepping back need not decode them again."""


def kind_of(head: bytes) -> str:
    """The ending a video file should have, by its first bytes (`HEAD` of them); "" where it is no video file."""
    if head[4:8] == b"ftyp":
        return ".mov" if head[8:12] == b"qt  " else ".mp4"
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return ".mov"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return ".avi"
    if head[:4] == b"\x1aE\xdf\xa3":
        return ".webm" if b"webm" in head[:64] else ".mkv"
    others = (b"OggS", b"FLV\x01", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"0&\xb2u\x8ef\xcf\x11")
    stream = len(head) > 188 and head[0] == head[188] == 0x47  # a transport stream: packets of 188 bytes
    return ".mkv" if stream or head.startswith(others) else ""


def plays(path: Path, first: float) -> bool:
    """Whether every browser of today plays the file as it is, at the same times as we count them.

    Args:
        path: a video file, named as `kind_of` says.
        first: time stamp of its first frame in seconds.
    """
    if path.suffix not in (".mp4", ".webm") or abs(first) > 1e-3:
        return False
    with _opened(path) as container:
        stream = container.streams.video[0]
        codecs = ("h264",) if path.suffix == ".mp4" else ("vp8", "vp9")
        return stream.codec_context.name in codecs and stream.codec_context.pix_fmt in ("yuv420p", "yuvj420p")


def make_playable(path: Path, target: Path, progress: ProgressCallback) -> None:
    """A copy as H.264 in MP4: upright, at most `WIDEST` pixels wide, the same time stamps, begun at 0.

    Args:
        path: a video file.
        target: the file to write.
        progress: told how many frames are done.
    """
    total = VideoFrames(path).estimated_frame_count()
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream: Any = None
        for number, seconds, picture in iter_frames(VideoFrames(path, damaged=True), 25):
            shown = _even(picture)
            if stream is None:
                options = {"preset": "veryfast", "crf": "20"}
                stream = container.add_stream("libx264", rate=30, options=options)
                stream.height, stream.width = shown.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.codec_context.time_base = Fraction(1, TICKS)
                stream.codec_context.gop_size = 30
            frame = av.VideoFrame.from_ndarray(shown[: stream.height, : stream.width], format="rgb24")
            frame.pts, frame.time_base = round(seconds * TICKS), Fraction(1, TICKS)
            container.mux(stream.encode(frame))
            progress("a copy that browsers play", number + 1, max(total, number + 1))
        if stream is not None:
            container.mux(stream.encode())


def _even(picture: np.ndarray) -> np.ndarray:
    """Not wider than a page needs, with even sides, as the codec wants them."""
    picture = _narrow(picture)
    height, width = (max(2, side - side % 2) for side in picture.shape[:2])
    if picture.shape[0] < 2 or picture.shape[1] < 2:
        picture = cv2.resize(picture, (width, height))
    return np.ascontiguousarray(picture[:height, :width])


def _narrow(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    if width <= WIDEST:
        return picture
    return cv2.resize(picture, (WIDEST, max(1, round(height * WIDEST / width))), interpolation=cv2.INTER_AREA)


def _opened(path: Path) -> Any:
    return av.open(str(path.absolute()), options=LOCAL_FILE_ONLY, metadata_errors="replace")


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Frames as `VideoFrames` counts them: what cannot be decoded is left out."""
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        yield from frames


class FrameReader:
    """Single frames of a video as JPEG, by number, exactly: for stepping, where a browser's own seeking is not exact.

    It goes to the key frame before, decodes from there, and knows a frame by its time stamp. Where time stamps do not
    tell frames apart it counts from the start.
    """

    def __init__(self, path: Path, stamps: np.ndarray) -> None:
        """Args: the file; (T,) float64 its time stamps as it gives them."""
        self.path = path
        self.stamps = stamps
        self.exact = bool(len(stamps) and (np.diff(stamps) > 0).all())
        self.held: deque[tuple[int, Any]] = deque(maxlen=BEHIND)
        self.frames: Iterator[tuple[int, Any]] = iter(())
        self.lock = Lock()
        self.container: Any = None

    def jpeg(self, number: int) -> bytes:
        """One frame, upright, at most `WIDEST` pixels wide.

        Raises:
            MediaError: there is no such frame, or it cannot be read.
        """
        if not 0 <= number < len(self.stamps):
            raise MediaError(f"no frame {number}; there are {len(self.stamps)}, counted from 0")
        with self.lock:
            try:
                frame = self._frame(number)
            except av.error.FFmpegError as fault:
                raise MediaError(f"frame {number} cannot be read: {fault.strerror}") from None
        turned = round((getattr(frame, "rotation", 0) or 0) / 90) % 4
        picture = _narrow(np.ascontiguousarray(np.rot90(frame.to_ndarray(format="bgr24"), turned)))
        return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()

    def close(self) -> None:
        """Lets the file go."""
        with self.lock:
            self._close()

    def _close(self) -> None:
        self.held.clear()
        self.frames = iter(())
        if self.container is not None:
            self.container.close()
            self.container = None

    def _frame(self, number: int) -> Any:
        for held, frame in self.held:
            if held == number:
                return frame
        last = self.held[-1][0] if self.held else -1
        if self.container is None or not last < number <= last + AHEAD:
            self._go(number)
        found = self._until(number)
        if found is None:  # the key frame it went to lies behind: from the start then
            self._go(0)
            found = self._until(number)
        if found is None:
            raise MediaError(f"frame {number} is not where it was; did the file change?")
        return found

    def _until(self, number: int) -> Any:
        for here, frame in self.frames:
            if here > number:
                return None
            self.held.append((here, frame))
            if here == number:
                return frame
        return None

    def _go(self, number: int) -> None:
        self._close()
        self.container = _opened(self.path)
        stream = self.container.streams.video[0]
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        if not self.exact or number == 0:
            self.frames = enumerate(_decoded(self.container, stream))
            return
        self.container.seek(round(self.stamps[number] / stream.time_base), stream=stream)
        self.frames = self._numbered(stream)

    def _numbered(self, stream: Any) -> Iterator[tuple[int, Any]]:
        """Frames with the numbers that their time stamps have; what comes before the key frame is not whole."""
        whole = False
        for frame in _decoded(self.container, stream):
            whole = whole or bool(frame.key_frame)
            if whole:
                yield int(np.abs(self.stamps - float(frame.time or 0.0)).argmin()), frame
