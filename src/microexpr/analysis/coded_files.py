"""Events in a file of any readable format: what a second coder saw, or the coded films of a data set."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import DataError, MissingDataError
from ..core.events import EVENT_FORMATS, Event, EventFormat
from ..core.frame_times import FrameTimes
from ..imaging.frames import open_frames
from .formats._text import MAX_BYTES
from .summary import frame_times

ASSUMED_FPS = 25.0
"""Rate from which the times of a broken film go on where its time stamps do not rise."""


def readable_suffixes() -> list[str]:
    """Return the suffixes of the files that `read_events` reads, sorted."""
    return sorted({form.suffix for _, form in EVENT_FORMATS if form.read is not None})


def read_events(content: bytes, name: str, times: FrameTimes | None = None) -> tuple[Event, ...]:
    """Read the events in the content of a file.

    Args:
        content: of the file, in one of the readable `EVENT_FORMATS`.
        name: of the file; its suffix tells the format, and its content where several formats have the suffix.
        times: of the frames of the film; most formats of other programs hold seconds only.

    Raises:
        DataError: the format cannot be read, the content is not of this format or too large, or the film must be known.
    """
    form = _format_of(content, name)
    if len(content) > MAX_BYTES:
        raise DataError(f"'{name}' has more than {MAX_BYTES // 2**20} MiB; no file of events is so large")
    assert form.read is not None
    return form.read(content, name, times)


def _format_of(content: bytes, name: str) -> EventFormat:
    lower = name.lower().removesuffix(".gz")
    fitting = [f for _, f in EVENT_FORMATS if f.read is not None and lower.endswith(f.suffix.lower())]
    told = [form for form in fitting if form.matches is not None and form.matches(content)]
    for form in (*told, *(form for form in fitting if form.matches is None)):
        return form
    raise DataError(f"'{name}' cannot be read; use a file that ends in {' or '.join(readable_suffixes())}")


def read_event_file(path: Path | str, film: Path | str | None = None) -> tuple[Event, ...]:
    """Read the events in a file.

    Args:
        path: of the file, in one of the readable `EVENT_FORMATS`.
        film: the film that was coded, whose frames give the events their numbers; not needed for the files that hold
            frame numbers.

    Raises:
        MissingDataError: there is no such file or film.
        DataError: the file cannot be read, is not of its format, or the film must be known.
        MediaError: the film cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"'{path}' is not a file")
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"'{path}' has more than {MAX_BYTES // 2**20} MiB; no file of events is so large")
    return read_events(path.read_bytes(), path.name, None if film is None else film_times(Path(film)))


def film_times(film: Path, fps: float = 0.0) -> FrameTimes:
    """Return the times of the frames of a film, or of a folder of images.

    Args:
        film: the film.
        fps: frames per second of a folder of images, which has no time stamps.

    Raises:
        MediaError: the film cannot be read.
    """
    frames = open_frames(film)
    if not fps > 0 and len(getattr(frames, "times", ())) == 0:
        return FrameTimes(film.name, numbers=frames.numbers[:1])
    numbers, times = frame_times(frames, fps or ASSUMED_FPS)
    return FrameTimes(film.name, times, numbers)
