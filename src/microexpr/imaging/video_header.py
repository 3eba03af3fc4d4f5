"""What the header of a video file says: which track is the film, how wide a pixel is, how fast the camera was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from ..core.errors import MediaError
from .images import MAX_PIXELS

LOCAL_FILE_ONLY = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpeg,mpegts,asf,flv,ogg",
}
"""FFmpeg decides by the content of a file: a playlist called .mp4 must not make it open other files or addresses."""

CAPTURE_RATE = "com.android.capture.fps"
"""Metadata in which telephones write the frames per second of the camera; the time stamps are those of playing it."""

SAME_RATE = 0.01
"""Two frame rates that differ by less than this fraction are the same: 29.97 and 30."""

FILM_PACKETS = 25
"""A track with this many frames is a film. Of several tracks, those with half as many at that point are films too."""

MAX_PIXEL_ASPECT = 4.0
"""Pixels that are wider or higher than this come from a damaged header."""


@dataclass(frozen=True)
class VideoHeader:
    """What the header of a video file says.

    Attributes:
        track: index of the video track to read; a cover image is none.
        only_track: whether the file has no other image track.
        fps: frames per second of the time stamps; 0 where the header does not have it.
        time_scale: seconds of the camera per second of the file; 1 unless the film is slow motion or time lapse.
        pixel_aspect: width of a pixel over its height.
        frames: approximate number of frames; 0 where the header does not have it.
        seconds: time stamp at which the longest track ends; 0 where the header does not have it.
        decoding_order: whether the time stamps of the file are in the order of decoding, which differs from the order
            of showing where frames are predicted from later ones.
        notes: what a user should know of it.
    """

    track: int
    only_track: bool
    fps: float
    time_scale: float
    pixel_aspect: float
    frames: int
    seconds: float
    decoding_order: bool
    notes: tuple[str, ...]


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


def read_header(path: Path, camera_fps: float | None = None) -> VideoHeader:
    """Read the header of a video file.

    Args:
        path: of the file.
        camera_fps: frames per second of the camera, where the user gives them; None takes what the file says.

    Raises:
        MediaError: the file has no video track, or one that cannot be decoded.
        av.error.FFmpegError: the file cannot be opened.
    """
    with open_video(path) as container:
        film, film_notes = _film(path, container)
        fps = float(film.guessed_rate or film.average_rate or 0)
        avi = container.format.name == "avi"
        seconds = (container.duration or 0) / 1e6
        if avi and fps:  # FFmpeg estimates the duration of a file that was cut from its size
            seconds = float(film.frames / fps)
        scale, rate_notes = _time_scale(fps, container.metadata, camera_fps)
        aspect, pixel_notes = _pixel_aspect(film)
        return VideoHeader(
            track=film.index,
            only_track=len(container.streams.video) == 1,
            fps=fps,
            time_scale=scale,
            pixel_aspect=aspect,
            frames=int(film.frames or seconds * fps),
            seconds=seconds,
            decoding_order=avi and bool(film.codec_context.has_b_frames),
            notes=(*film_notes, *rate_notes, *pixel_notes),
        )


def shown_size(pixel_aspect: float, width: int, height: int) -> tuple[int, int]:
    """Width and height of a frame with square pixels; the shorter side of a pixel is enlarged, so that none is lost."""
    shown = round(width * max(1.0, pixel_aspect)), round(height / min(1.0, pixel_aspect))
    return shown if shown[0] * shown[1] <= MAX_PIXELS else (width, height)


def _film(path: Path, container: Any) -> tuple[Any, tuple[str, ...]]:
    """The first track that is a film, and a note about other films.

    Cover images are marked as attached in some files; in others they are a track of one frame.
    """
    import av

    if not container.streams.video:
        raise MediaError(f"'{path}' has no video track")
    attached = av.stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & attached]
    if not streams:
        raise MediaError(f"'{path}' has no video track, only a cover image")
    indices = _film_indices(path, [stream.index for stream in streams]) if len(streams) > 1 else [streams[0].index]
    film = container.streams[indices[0]]
    if film.codec_context is None:
        raise MediaError(f"'{path}' has a video track that this FFmpeg cannot decode; is the file complete?")
    if len(indices) == 1:
        return film, ()
    size = f"{film.codec_context.width} x {film.codec_context.height} pixels"
    return film, (f"the file holds {len(indices)} films; the first one ({size}) was read, the others were not",)


def _film_indices(path: Path, tracks: Sequence[int]) -> list[int]:
    """Those of several video tracks that have frames about as often as the one that has most."""
    counts = dict.fromkeys(tracks, 0)
    with open_video(path) as container:
        for packet in container.demux([container.streams[index] for index in tracks]):
            counts[packet.stream.index] += packet.size > 0
            if counts[packet.stream.index] == FILM_PACKETS:
                break
    return [index for index in tracks if counts[index] >= max(counts.values()) / 2]


def _time_scale(fps: float, metadata: Any, camera_fps: float | None) -> tuple[float, tuple[str, ...]]:
    """Seconds of the camera per second of the file, and a note where it is not 1."""
    said, source = (_number(metadata.get(CAPTURE_RATE)), CAPTURE_RATE) if camera_fps is None else (camera_fps, "--fps")
    if said is None or not 0 < said <= 10_000 or abs(said / fps - 1 if fps else 1) < SAME_RATE:
        return 1.0, ()
    if not fps:
        return 1.0, (f"the file does not say its frame rate, so {said:g} frames per second ({source}) were not used",)
    return fps / said, (
        f"the time stamps of the file say {fps:.4g} frames per second, but the camera recorded {said:.4g} ({source}): "
        f"all times are the camera's, {max(said / fps, fps / said):.3g} times {'shorter' if said > fps else 'longer'}",
    )


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if isfinite(value) else None


def _pixel_aspect(stream: Any) -> tuple[float, tuple[str, ...]]:
    """Width of a pixel over its height, and a note where it is not 1."""
    aspect = float(stream.sample_aspect_ratio or 0) or 1.0
    width, height = stream.codec_context.width, stream.codec_context.height
    if aspect == 1:
        return 1.0, ()
    if not 1 / MAX_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT:
        return 1.0, (f"pixels that are {aspect:.3g} times as wide as high are taken for square ones",)
    shown = shown_size(aspect, width, height)
    return aspect, (
        f"the pixels of the file are not square ({width} x {height}, each {aspect:.3g} times as wide as high): its "
        f"frames were enlarged to {shown[0]} x {shown[1]}",
    )
