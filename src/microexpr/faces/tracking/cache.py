"""Tracks in the cache: a recording is followed once, whatever looks for movements in it afterwards."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ...core.config import cache_folder
from ...core.files import slug, write_folder_atomically
from ...core.track import FaceTrack
from ...imaging.frames import file_signature, open_frames
from .options import Tracking
from .track import VERSION, track_faces


def cached_tracks(name: str, source: Path, options: Tracking) -> list[FaceTrack]:
    """`track_faces`, from the cache where it is there; about 16 kB a frame and face are kept there.

    A folder of the cache is whole or not there, however many processes write it and whenever one is killed.

    Args:
        name: of the recording, for the folder's name.
        source: a video file or a folder of frames; what is kept holds for its path, size and time, and for `options`.
        options: settings.
    """
    source = source.absolute()
    folder = _folder(name, source, options)
    if not folder.is_dir():
        with write_folder_atomically(folder, shared=True) as unfinished:
            track_faces(open_frames(source), options, None, unfinished)
    return track_faces(open_frames(source), options, None, folder)


def is_cached(name: str, source: Path, options: Tracking) -> bool:
    """Whether the cache has them."""
    return _folder(name, source.absolute(), options).is_dir()


def main_face(tracks: list[FaceTrack]) -> list[FaceTrack]:
    """The tracks of the person who was longest in sight, in the order of time; the first of two equal ones."""
    seen: dict[int, int] = {}
    for track in tracks:
        seen[track.face] = seen.get(track.face, 0) + len(track)
    best = max(sorted(seen), key=lambda face: seen[face], default=None)
    return sorted((track for track in tracks if track.face == best), key=lambda track: float(track.times[0]))


def _folder(name: str, source: Path, options: Tracking) -> Path:
    facts = f"{VERSION} {source} {file_signature(source)} {options}"
    return cache_folder() / "tracks" / f"{slug(name)}-{hashlib.sha256(facts.encode()).hexdigest()[:16]}"
