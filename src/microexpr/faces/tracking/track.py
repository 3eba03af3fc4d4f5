"""Track the faces of a recording in one pass."""

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
from .covering import covered_share
from .identity import FaceSignature, match_identity
from .measures import blinks, eye_openness, quality, relative_noise
from .options import Tracking
from .prefetch import prefetch
from .recorder import Recorders, follow_faces
from .store import TrackStore

VERSION = 6
"""Version of the stored tracks; tracks of another version are made again."""


def track_faces(
    frames: Frames,
    options: Tracking | None = None,
    progress: ProgressCallback | None = None,
    folder: Path | None = None,
) -> list[FaceTrack]:
    """Track every face of a recording.

    BlazeFace detects faces in the first frame, then every `detect_interval` seconds, and when a face was lost. In
    between, the face mesh follows each face from its points in the previous frame (Kartynnik et al. 2019,
    arXiv:1907.06724). A person who comes back to about the same position after more than `max_gap` seconds gets a new
    track with the same `face`, if the faces look alike.

    Args:
        frames: of a video, a folder of images, or another source; read once, in order.
        options: settings; the defaults when None.
        progress: called with "faces", the number of frames done, and the number of all frames (0 if unknown).
        folder: where the tracks are stored; a temporary folder when None. A second call with the same folder, the same
            recording and the same settings reads them from there.

    Returns:
        The tracks in the order of their first frames; an empty list if there is no face.

    Raises:
        MediaError: the recording is missing or cannot be read.
        MissingDataError: the files of the face mesh are not on this machine and cannot be fetched.
        RunError: the folder cannot be written.
    """
    options = options or Tracking()
    source = _source(frames)
    key = f"{VERSION} {source} {options}"
    store = TrackStore(folder, options.size)
    try:
        if not (source and store.resume(key)):
            _track(frames, options, progress or no_progress, store, key)
        return _tracks(store, options)
    finally:
        store.remove_temporary()


def _source(frames: Frames) -> str:
    """A text that identifies a recording on disk; "" for frames in memory."""
    path = getattr(frames, "path", None) or getattr(frames, "folder", None)
    if path is None or not Path(path).exists():
        return ""
    return f"{path} {file_signature(Path(path))} {getattr(frames, 'camera_fps', None)}"


def _track(frames: Frames, options: Tracking, progress: ProgressCallback, store: TrackStore, key: str) -> None:
    """Track all faces into a store; decoding, following and recording run at once in three threads."""
    total = frames.estimated_frame_count() if isinstance(frames, VideoFrames) else len(frames.numbers)
    store.clear()
    recorders = Recorders(options, store)
    seconds, done = 0.0, 0
    with (
        closing(prefetch(iter_frames(frames, options.fps))) as images,
        closing(prefetch(follow_faces(images, options))) as tracked_frames,
    ):
        for done, frame in enumerate(tracked_frames, start=1):
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
        signature = FaceSignature.from_track(track)
        tracks.append(replace(track, face=match_identity(signature, signatures)))
        signatures.append(replace(signature, face=tracks[-1].face))
    return tracks


def make_track(rows: np.ndarray, crops: np.ndarray, options: Tracking) -> FaceTrack:
    """A track from what was recorded of it; its `face` is 0, since its person is not known yet.

    Args:
        rows: (T,) of `store.ROW`.
        crops: (T, S, S) uint8.
        options: settings.
    """
    times = np.array(rows["time"])
    opening = eye_openness(times, rows["ratios"])
    pose, boxes = np.array(rows["pose"]), np.array(rows["box"])
    covered = covered_share(times, crops, rows["points"], pose)
    noisy = relative_noise(times, rows["noise"], rows["contrast"])
    return FaceTrack(
        face=0,
        numbers=np.array(rows["number"]),
        times=times,
        crops=crops,
        points=rows["points"],
        quality=quality(rows["presence"], boxes[:, 2], pose, rows["sharp"], noisy, covered),
        pose=pose,
        eye_openness=opening,
        blink=blinks(times, opening, options.blink_margin),
        boxes=boxes,
        crop_matrices=np.array(rows["matrix"]),
        mesh=rows["mesh"],
        covered=covered,
        noise=noisy,
    )
