"""Coded films become a data set `folder`: each event that a person coded is a clip, cut out without loss."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.clip import Frames
from ..core.errors import DataError, MissingDataError, UsageError
from ..core.events import Event, unit_codes
from ..core.files import is_empty, unique_file_name, write_folder_atomically
from ..core.frame_times import FrameTimes
from ..core.progress import ProgressCallback, show_progress
from ..datasets.folder import KNOWN, LIST
from ..imaging.frames import open_frames
from ..imaging.timing import frame_rate
from ..imaging.video import VIDEO_SUFFIXES, VideoFrames, write_lossless_video
from ..metrics.agreement import ACCEPTED_STATUSES
from .coded_files import ASSUMED_FPS, film_times, read_event_file, readable_suffixes
from .formats._coded import APEX_UNKNOWN

COLUMNS = (*KNOWN, "emotion", "kind", "action_units", "coder", "film", "first_frame")
"""Columns of clips.csv: `first_frame` is the number in the film of the clip's frame 0."""

CLIPS = "clips"

ROUNDING = 1e-6
"""Seconds by which times differ that are the same."""


@dataclass(frozen=True)
class CodedFilm:
    """A film, the file that a coder made of it, and the people in it.

    Attributes:
        film: video file or folder of numbered images.
        coded: file in one of the readable `EVENT_FORMATS`.
        subjects: number of the face -> person.
        fps: frames per second of a folder of images; 0 for a film with time stamps.
    """

    film: Path
    coded: Path
    subjects: Mapping[int, str]
    fps: float = 0.0


@dataclass(frozen=True)
class CollectedClips:
    """What `collect_clips` wrote and what it left out.

    Attributes:
        clips: number of clips.
        subjects: the people.
        rejected: number of events that a coder rejected.
        unreviewed: number of events that no coder has seen.
    """

    clips: int
    subjects: tuple[str, ...]
    rejected: int
    unreviewed: int


def collect_clips(
    films: Sequence[CodedFilm], out: Path | str, margin: float = 0.2, progress: ProgressCallback | bool = True
) -> CollectedClips:
    """Write a data set `folder` with a clip for each event that a coder accepted.

    Clips are videos without loss, `clips/<subject>/<film>-<number>.mkv`; `clips.csv` lists them with onset, apex and
    offset in frames of the clip, and the columns emotion, kind, action_units, coder, film and first_frame. The apex is
    empty where the coder's file holds none, and the emotion where the class is `unknown`.

    Args:
        films: the films with their coded files.
        out: folder of the data set; must not exist, or be empty.
        margin: seconds of the film that a clip shows before the onset and after the offset.
        progress: True shows a progress bar, False nothing; or a function.

    Returns:
        The number of clips, and what was left out.

    Raises:
        UsageError: the folder holds something, or a face has no subject.
        DataError: a coded file cannot be read, or no event was accepted.
        MediaError: a film cannot be read.
    """
    out = Path(out)
    if out.exists() and not is_empty(out):
        raise UsageError(f"'{out}' is not an empty folder; give another one")
    rows: list[dict[str, str]] = []
    left: list[Event] = []
    with show_progress(progress) as callback, write_folder_atomically(out) as folder:
        for number, film in enumerate(films):
            callback("films", number, len(films))
            events = read_event_file(film.coded, film.film)
            left += [event for event in events if event.status not in ACCEPTED_STATUSES]
            rows += _cut(film, [event for event in events if event.status in ACCEPTED_STATUSES], folder, margin)
        callback("films", len(films), len(films))
        if not rows:
            raise DataError(f"no coder accepted an event: {len(left)} are rejected or not reviewed")
        _refuse_repeated(rows)
        (folder / LIST).write_text(_table(rows), encoding="utf-8")
    return CollectedClips(
        len(rows),
        tuple(sorted({row["subject"] for row in rows})),
        sum(event.status == "rejected" for event in left),
        sum(event.status == "found" for event in left),
    )


def _refuse_repeated(rows: Sequence[Mapping[str, str]]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for row in rows:
        if (key := (row["subject"], row["clip"])) in seen:
            raise UsageError(f"two films of '{row['subject']}' are called '{row['film']}'; rename one")
        seen[key] = row["film"]


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _cut(film: CodedFilm, events: Sequence[Event], folder: Path, margin: float) -> list[dict[str, str]]:
    """Write the clips of a film and return their rows."""
    times = film_times(film.film, film.fps)
    if len(times.times) == 0:
        raise UsageError(f"'{film.film}' is a folder of images: give its frames per second")
    frames, numbers = open_frames(film.film), [int(number) for number in times.numbers]
    seconds = np.asarray(times.times)
    spans, rows = [], []
    for count, event in enumerate(sorted(events, key=lambda event: (event.onset, event.face)), start=1):
        if event.onset not in numbers or event.offset not in numbers:
            raise DataError(
                f"'{film.coded}': the event from {event.start:.3f} to {event.end:.3f} s does not lie in '{film.film}'"
            )
        if event.face not in film.subjects:
            raise UsageError(f"who is face {event.face} of '{film.film}'? Give its subject")
        onset, offset = (numbers.index(n) for n in (event.onset, event.offset))
        first = int(np.searchsorted(seconds, seconds[onset] - margin - ROUNDING))
        last = int(np.searchsorted(seconds, seconds[offset] + margin + ROUNDING)) - 1
        subject, clip = film.subjects[event.face], f"{film.film.stem}-{count}"
        source = f"{CLIPS}/{unique_file_name(subject)}/{unique_file_name(clip)}.mkv"
        spans.append((first, last, folder / source))
        apex = "" if APEX_UNKNOWN in event.warnings else str(numbers.index(event.apex) - first)
        rows.append(
            {
                "clip": clip,
                "subject": subject,
                "source": source,
                "fps": f"{(frame_rate(times.times) or ASSUMED_FPS):.6g}",
                "onset": str(onset - first),
                "apex": apex,
                "offset": str(offset - first),
                "emotion": "" if event.label == "unknown" else event.label,
                "kind": event.kind,
                "action_units": unit_codes(event),
                "coder": event.coder,
                "film": film.film.name,
                "first_frame": str(numbers[first]),
            }
        )
    _write_clips(frames, times, spans)
    return rows


def _write_clips(frames: Frames, times: FrameTimes, spans: Sequence[tuple[int, int, Path]]) -> None:
    """Write parts of a film; the film is read once for all parts that do not overlap."""
    left = sorted(spans, key=lambda span: span[:2])
    while left:
        chosen: list[tuple[int, int, Path]] = []
        later: list[tuple[int, int, Path]] = []
        for span in left:
            (later if chosen and span[0] <= chosen[-1][1] else chosen).append(span)
        stream = _images(frames, times, [(first, last) for first, last, _ in chosen])
        for first, last, path in chosen:
            start = times.times[first]
            part = ((float(times.times[i] - start), image) for i, image in itertools.islice(stream, last - first + 1))
            write_lossless_video(path, part, (frame_rate(times.times) or ASSUMED_FPS))
        left = later


def _images(frames: Frames, times: FrameTimes, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (index, image) of the frames of parts that rise and do not overlap."""
    wanted = {index for first, last in spans for index in range(first, last + 1)}
    if isinstance(frames, VideoFrames):
        yield from frames.iter_selected(wanted.__contains__)
        return
    for index in sorted(wanted):
        yield index, frames.read(int(times.numbers[index]))


def find_coded_films(
    folder: Path | str,
    coded: Path | str | None = None,
    people: Callable[[Path], Mapping[int, str]] | None = None,
) -> tuple[list[CodedFilm], list[str]]:
    """Find the films of a folder and the coded file of each.

    A coded file belongs to the film whose name it begins with: `talk.eaf` and `talk-Ada-events.csv` to `talk.mp4`. A
    film lies in a folder that is named like its person, unless `people` tells who is in it.

    Args:
        folder: with the films, also in folders below it.
        coded: folder of the coded files; that of the film if None.
        people: film -> number of the face -> person.

    Returns:
        The films, and a line for each film without a coded file.

    Raises:
        MissingDataError: there is no such folder.
        UsageError: a film has several coded files, or nothing tells who is in it.
    """
    folder = Path(folder)
    for named in (folder, folder if coded is None else Path(coded)):
        if not named.is_dir():
            raise MissingDataError(f"'{named}' is not a folder")
    films = sorted(p for p in folder.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES and not p.name.startswith("."))
    found, without = [], []
    for film in films:
        files = _coded_files(film, film.parent if coded is None else Path(coded), films)
        if not files:
            without.append(f"'{film.relative_to(folder)}' has no coded file and is left out")
            continue
        if len(files) > 1:
            raise UsageError(f"'{film.name}' has several coded files: {', '.join(f.name for f in files)}; keep one")
        found.append(CodedFilm(film, files[0], people(film) if people else _person_of_folder(film, folder)))
    return found, without


def _coded_files(film: Path, folder: Path, films: Collection[Path]) -> list[Path]:
    """Return the files whose name begins with that of a film and of no film with a longer name."""
    suffixes = tuple(suffix.lower() for suffix in readable_suffixes())

    def begins(file: Path, stem: str) -> bool:
        rest = file.name[len(stem) :]
        return file.name.startswith(stem) and rest[:1] in ("", ".", "-", "_", " ")

    longer = [other.stem for other in films if other.stem != film.stem and other.stem.startswith(film.stem)]
    return [
        file
        for file in sorted(folder.iterdir())
        if file.name.lower().removesuffix(".gz").endswith(suffixes)
        and begins(file, film.stem)
        and not any(begins(file, stem) for stem in longer)
    ]


def _person_of_folder(film: Path, folder: Path) -> Mapping[int, str]:
    if film.parent == folder:
        raise UsageError(
            f"who is in '{film.name}'? Put the films of each person into a folder named like the person, or name the "
            "people in a table with the columns film, face and subject (--subjects)"
        )
    return {1: film.parent.name}


def read_people(table: Path) -> Callable[[Path], Mapping[int, str]]:
    """Read who is in which film from a csv with the columns film, face and subject.

    Args:
        table: the csv; `face` may be empty or missing where a film shows one person.

    Returns:
        A function film -> number of the face -> person.

    Raises:
        MissingDataError: there is no such file.
        DataError: it lacks a column, or a face is no number.
    """
    from ..datasets._sheets import read_rows

    people: dict[str, dict[int, str]] = {}
    for row in read_rows(table, ("film", "subject")):
        face = row.get("face", "") or "1"
        if not face.isdecimal():
            raise DataError(f"'{table}': face '{face}' of '{row['film']}' is not a number")
        people.setdefault(row["film"], {})[int(face)] = row["subject"]

    def of_film(film: Path) -> Mapping[int, str]:
        for name in (film.name, film.stem):
            if name in people:
                return people[name]
        raise UsageError(f"'{table}' does not say who is in '{film.name}'")

    return of_film
