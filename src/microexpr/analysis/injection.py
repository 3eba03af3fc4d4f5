"""Semi-synthetic films: a copy of a recording in which its face makes movements of known size and time."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..core.action_units import format_action_units, parse_action_units
from ..core.errors import RunError, UsageError
from ..core.files import write_atomically
from ..core.progress import ProgressCallback, show_progress
from ..core.track import FaceTrack
from ..faces.tracking import Tracking, track_faces
from ..faces.tracking.cache import main_face
from ..imaging.frames import open_frames
from ..imaging.images import write_image
from ..imaging.timing import iter_frames
from ..imaging.video import write_lossless_video
from ..synthetic import injection
from ..synthetic.script import Movement
from .detection_limit import quiet_places

COLUMNS = (
    *("film", "face", "onset", "apex", "offset", "action_units", "pixels"),
    *("onset_frame", "apex_frame", "offset_frame"),
)
"""Columns of the file of the truth; times are seconds since the first frame."""


def make_movement(action_units: str, pixels: float, milliseconds: float, at: float) -> Movement:
    """A movement to inject: it rises to its apex and falls again in equal times, as a raised cosine.

    Args:
        action_units: as FACS writes them, e.g. `1+2` or `L12`.
        pixels: how far the skin moves at the apex where it moves most, in pixels of a face 224 pixels wide.
        milliseconds: from onset to offset.
        at: time of the apex in seconds since the first frame of the film.

    Raises:
        UsageError: an action unit cannot be shown, or a number is out of range.
    """
    if not (milliseconds > 0 and 0 <= pixels < float("inf") and 0 <= at < float("inf")):
        raise UsageError(f"a movement of {pixels} px and {milliseconds} ms at {at} s: use numbers above 0")
    units, half = parse_action_units(action_units), milliseconds / 2000
    try:
        if not injection.sized_units(units, pixels):
            raise UsageError("a movement needs an action unit, e.g. 1+2")
    except ValueError as error:
        raise UsageError(str(error)) from None
    return Movement("micro", at - half, at, at, at + half, pixels, units)


def inject_movements(
    film: Path | str,
    out: Path | str,
    movements: Sequence[Movement] | None = None,
    *,
    tracking: Tracking | None = None,
    progress: ProgressCallback | bool = True,
    **movement: Any,
) -> list[Movement]:
    """Write a copy of a film in which its face also makes the given movements, and what they are.

    Everything else is that of the film: noise, compression, light, the motion of the head, speech. The face that is
    seen in most frames makes the movements. The frames of the copy are stored without loss.

    Args:
        film: a video or a folder of frames.
        out: a file that ends in .mkv; otherwise a folder, which gets a PNG file per frame. The truth is written beside
            it, as `<out>.truth.csv`: times in seconds, frame numbers, action units, sizes.
        movements: from `make_movement`.
        tracking: settings of the face tracker.
        progress: as for `analyze_video`.
        **movement: instead of `movements`, the arguments of `make_movement` for a single one; without `at` it is made
            where the film is quietest.

    Returns:
        The movements.

    Raises:
        MediaError: the film cannot be read.
        UsageError: there is no movement, or no face where one should be.
        RunError: `out` exists already, or cannot be written.
    """
    film, out, tracking = Path(film), Path(out), tracking or Tracking()
    if out.exists():
        raise RunError(f"'{out}' exists already; give another name")
    if (movements is None) == (not movement):
        raise UsageError("give either movements, or action_units, pixels and milliseconds of a single one")
    with show_progress(progress) as callback:
        track = _face_of(track_faces(open_frames(film), tracking, callback))
        if movements is None:
            movements = [make_movement(**{"at": _quietest(track, film), **movement})]
        for wanted in movements:
            _check_face(track, wanted)
        frames = injection.inject_movements(iter_frames(open_frames(film), tracking.fps), track, movements)
        _write(out, _reported(frames, callback, int(track.numbers[-1]) + 1), track.fps)
    write_atomically(out.with_name(f"{out.name}.truth.csv"), _truth(film, track, movements).encode())
    return list(movements)


def _face_of(tracks: list[FaceTrack]) -> FaceTrack:
    """The frames of the face that is seen most, as one track."""
    parts = main_face(tracks)
    if not parts:
        raise UsageError("no face was found that could make a movement")
    return max(parts, key=len)


def _quietest(track: FaceTrack, film: Path) -> float:
    places = quiet_places(track)
    if not places:
        raise UsageError(f"the face in '{film}' is nowhere at rest for a second; say where, with `at`")
    return places[0]


def _check_face(track: FaceTrack, movement: Movement) -> None:
    period = 1 / max(track.fps, 1e-6)
    inside = track.times[(track.times > movement.start - period) & (track.times < movement.end + period)]
    if len(inside) < 2 or np.diff([movement.start, *inside, movement.end]).max() > 1.75 * period:
        raise UsageError(
            f"the face is not in sight from {movement.start:.2f} to {movement.end:.2f} s; it is from "
            f"{track.times[0]:.2f} to {track.times[-1]:.2f} s, perhaps with gaps"
        )


def _reported(
    frames: Iterable[tuple[int, float, np.ndarray]], progress: ProgressCallback, total: int
) -> Iterator[tuple[int, float, np.ndarray]]:
    for done, frame in enumerate(frames, start=1):
        yield frame
        progress("frames", done, max(done, total))


def _write(out: Path, frames: Iterator[tuple[int, float, np.ndarray]], fps: float) -> None:
    """Write the file or folder under another name first, so that it is whole or not there."""
    unfinished = out.with_name(f".unfinished-{out.name}")
    try:
        if out.suffix.lower() == ".mkv":
            write_lossless_video(unfinished, ((seconds, image) for _, seconds, image in frames), fps)
        else:
            for number, _, image in frames:
                write_image(unfinished / f"{number:06d}.png", image)
        unfinished.rename(out)
    except OSError as error:
        raise RunError(f"'{out}' cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True) if unfinished.is_dir() else unfinished.unlink(missing_ok=True)


def _truth(film: Path, track: FaceTrack, movements: Sequence[Movement]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for movement in sorted(movements, key=lambda movement: movement.start):
        seconds = movement.start, movement.peak, movement.end
        frames = [int(track.numbers[int(np.abs(track.times - time).argmin())]) for time in seconds]
        times = [f"{time:.6g}" for time in seconds]
        units = format_action_units(movement.units)
        writer.writerow([film.name, track.face, *times, units, movement.amplitude, *frames])
    return text.getvalue()
