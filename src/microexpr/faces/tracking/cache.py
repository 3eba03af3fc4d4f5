"""Tracks in the cache: the faces of a recording are tracked once, and every spotter reads the same tracks."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ...core.cache_files import cached_folder, is_intact
from ...core.config import cache_folder
from ...core.files import unique_file_name
from ...core.track import FaceTrack
from ...imaging.frames import file_signature, open_frames
from .options import Tracking
from .track import VERSION, track_faces


def cached_tracks(name: str, source: Path, options: Tracking) -> list[FaceTrack]:
    """The tracks of a recording from the cache; `track_faces` makes them first where the cache does not have them.

    The cache stores about 16 kB per frame and face. A folder in it is always complete, even if several processes write
    it at once or one of them is killed.

    Args:
        name: of the recording, for the name of the folder.
        source: a video file or a folder of frames. If its path, size or time of change differ, or `options` do, its
            faces are tracked again.
        options: settings of the tracker.
    """
    source = source.absolute()
    folder = _folder(name, source, options)
    cached_folder(folder, lambda unfinished: track_faces(open_frames(source), options, None, unfinished))
    return track_faces(open_frames(source), options, None, folder)


def is_cached(name: str, source: Path, options: Tracking) -> bool:
    """Whether the cache has the tracks of a recording; arguments as in `cached_tracks`."""
    return is_intact(_folder(name, source.absolute(), options))


def main_face(tracks: list[FaceTrack]) -> list[FaceTrack]:
    """The tracks of the person with the most frames, in the order of time; of two equal ones the first person."""
    frames: dict[int, int] = {}
    for track in tracks:
        frames[track.face] = frames.get(track.face, 0) + len(track)
    best = max(sorted(frames), key=lambda face: frames[face], default=None)
    return sorted((track for track in tracks if track.face == best), key=lambda track: float(track.times[0]))


def _folder(name: str, source: Path, options: Tracking) -> Path:
    key = f"{VERSION} {source} {file_signature(source)} {options}"
    return cache_folder() / "tracks" / f"{unique_file_name(name)}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
