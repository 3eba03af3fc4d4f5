"""Tracks in the cache: a recording is followed once, whatever looks for movements in it afterwards."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from ...core.config import cache_folder
from ...core.files import slug
from ...core.track import FaceTrack
from ...imaging.video import file_signature, open_frames
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
    place = _place(name, source, options)
    if not place.is_dir():
        unfinished = place.with_name(f"{place.name}.{os.getpid()}.tmp")
        _sweep(place)
        try:
            track_faces(open_frames(source), options, None, unfinished)
            unfinished.rename(place)
        except OSError:
            if not place.is_dir():  # else another process was faster
                raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return track_faces(open_frames(source), options, None, place)


def is_cached(name: str, source: Path, options: Tracking) -> bool:
    """Whether the cache has them."""
    return _place(name, source.absolute(), options).is_dir()


def main_face(tracks: list[FaceTrack]) -> list[FaceTrack]:
    """The tracks of the person who was longest in sight, in the order of time; the first of two equal ones."""
    seen: dict[int, int] = {}
    for track in tracks:
        seen[track.face] = seen.get(track.face, 0) + len(track)
    best = max(sorted(seen), key=lambda face: seen[face], default=None)
    return sorted((track for track in tracks if track.face == best), key=lambda track: float(track.times[0]))


def _place(name: str, source: Path, options: Tracking) -> Path:
    facts = f"{VERSION} {source} {file_signature(source)} {options}"
    return cache_folder() / "tracks" / f"{slug(name)}-{hashlib.sha256(facts.encode()).hexdigest()[:16]}"


def _sweep(place: Path) -> None:
    """Take away what killed processes left of this recording."""
    for left in place.parent.glob(f"{place.name}.*.tmp"):
        try:
            os.kill(int(left.name.split(".")[-2]), 0)
        except (ValueError, ProcessLookupError):
            shutil.rmtree(left, ignore_errors=True)
        except PermissionError:  # it lives, and is somebody else's
            continue
