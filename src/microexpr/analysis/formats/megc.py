"""Submission to the spotting challenges: a csv with the columns vid, onset, offset and type (`me` or `mae`)."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

from ...core.errors import DataError
from ...core.events import EVENT_FORMATS, Analysis, Event, EventFormat
from ...core.frame_times import FrameTimes
from ...metrics import megc_submission
from ...metrics.megc_submission import SubmittedInterval
from ._coded import CodedEvent, to_events
from ._text import decode, one_of_the_film, plain


def to_megc(analysis: Analysis, folder: Path | None = None) -> bytes:
    """Write the intervals in frame numbers; the video is named without its suffix.

    Events that a coder rejected are left out, because the form has no place to say so.

    Args:
        analysis: the events.
        folder: is not used.
    """
    events = sorted(analysis.events, key=lambda event: (event.onset, event.offset))
    video = plain(PurePath(analysis.recording.name).stem) or "film"
    return megc_submission.write({video: [event for event in events if event.status != "rejected"]}).encode()


def is_megc(content: bytes) -> bool:
    """Whether the first line names the columns of a submission."""
    head = content[:1000].decode("utf-8", errors="replace").lstrip("\ufeff\r\n ").lower()
    columns = {cell.strip(' "') for cell in re.split(r"[,;\t]", head.splitlines()[0])} if head else set()
    return {"onset", "offset"} <= columns and bool({"vid", "video"} & columns) and "score" not in columns


def from_megc(content: bytes, name: str = "megc_submission.csv", times: FrameTimes | None = None) -> tuple[Event, ...]:
    """Read the intervals of one video.

    Args:
        content: of the csv, of either form of submission.
        name: of the file, for error messages.
        times: of the frames of the film; chooses the lines of that film.

    Raises:
        DataError: a line cannot be read, none is of that film, or the film is not known.
    """
    times = times or FrameTimes()
    lines = [line for line in megc_submission.read(decode(content, name), name) if line.span is not None]
    if not lines:
        return ()
    video = one_of_the_film(list(dict.fromkeys(line.video for line in lines)), times.video, "video", f"'{name}'")
    return to_events([_coded(line, name, times) for line in lines if line.video == video], times, name)


def _coded(line: SubmittedInterval, name: str, times: FrameTimes) -> CodedEvent:
    where = f"'{name}', line {line.line}"
    assert line.span is not None
    try:
        start, end = (times.seconds(number) for number in line.span)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    return CodedEvent(where, start, end, kind=line.kind, label=line.emotion)


EVENT_FORMATS.add(
    "megc",
    EventFormat(
        *("megc", ".csv", "MEGC submission", to_megc, from_megc, is_megc), stem="megc_submission", default=False
    ),
)
