"""What the parts of CAS(ME)^3 share: where their sheets and frames lie, and what `check` looks for in all of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..core.clip import Clip, Interval
from ..core.errors import DataError, MediaError, MissingDataError
from ..imaging.frames import open_frames
from ..synthetic import Timing
from . import _sheets as sheets
from ._macro import subfolders
from ._passed_over import note_read
from ._records import DatasetIssue
from .synthetic.long_videos import VideoSpec

FPS = 30
CITATION = (
    "Li et al. 2023, CAS(ME)^3: A Third Generation Facial Spontaneous Micro-Expression Database With Depth Information "
    "and High Ecological Validity, IEEE TPAMI 45(3)"
)
ACCESS = "license agreement with the Institute of Psychology, Chinese Academy of Sciences; sheets: CAS-ME-3 on GitHub"
LETTERS = "abcdefghijklm"
"""Names of the 13 videos that each person of parts A and B watched."""


def find_sheet(root: Path, part: str, names: Sequence[str], what: str, outdated: Sequence[str] = ()) -> Path:
    """The sheet of a part, as xlsx or csv.

    Args:
        root: of the release.
        part: `A`, `B` or `C`.
        names: of the sheet, without its suffix; the first that is there is taken.
        what: what it is, for the error.
        outdated: names of an earlier version, which is not read.

    Raises:
        MissingDataError: it is not there.
        DataError: it is there as xls only, or in an earlier version only.
    """
    tops = (
        "",
        "annotation/",
        f"annotation/part{part}/",
        f"part_{part}/",
        f"part_{part}/annotation/",
        "supplementary_file/",
    )
    paths = [top + name for name in names for top in tops]
    try:
        return sheets.find_path(root, [path + suffix for path in paths for suffix in (".xlsx", ".csv")], what)
    except MissingDataError:
        first = [top + name + end for name in outdated for top in tops for end in (".xlsx", ".xls", ".csv")]
        if found := next((root / name for name in first if (root / name).is_file()), None):
            raise DataError(
                f"'{found}' is an earlier version with wrong rows, which is not read; get '{names[0]}.xlsx'"
            ) from None
        raise


def find_images(root: Path, part: str, clips: Sequence[str] = ()) -> Path:
    """The folder of a part's images: of its videos, or else of its micro-expressions.

    Args:
        root: of the release.
        part: `A`, `B` or `C`.
        clips: names of folders that hold micro-expressions only.

    Raises:
        MissingDataError: it is not there.
    """
    name = f"part_{part}"
    tops = [f"{top}{name}" for top in (f"{name}/data/", "data/", f"{name}/", "")]
    cut = [f"{top}{clip}" for clip in clips for top in (f"{name}/data/", f"{name}/", "")]
    # Last, because `part_A` may hold no more than the sheets, or the folder of the micro-expressions.
    return sheets.find_path(root, [*tops[:3], *cut, tops[3]], f"folder of the images of part {part}")


def child(folder: Path, name: str) -> Path:
    """The folder of that name in a folder, whatever the case of its letters; `folder / name` where there is none.

    The sheets write `spNO.1` and once `J` for a video that is `j`; folders are called `spNO.1` and `spNo.1`.
    """
    exact = folder / name
    if exact.is_dir() or not folder.is_dir():
        return exact
    return next((path for path in subfolders(folder) if path.name.casefold() == name.casefold()), exact)


def frames_of(video: Path) -> Path:
    """The color images of a video's folder: in its folder `color`, beside `depth`, or in itself."""
    color = child(video, "color")
    return color if color.is_dir() or not video.is_dir() else video


def note_unlabeled(images: Path, clips: Sequence[Clip]) -> None:
    """Note the depth images, and the videos that no clip comes from: they are of the release, so `check` is silent."""
    sources = {clip.source for clip in clips}
    used = sources.union(*(clip.source.parents for clip in clips))
    for person in subfolders(images):
        if person in sources:
            continue
        for video in subfolders(person):
            if video not in used:
                note_read(video)
            elif (depth := child(video, "depth")).is_dir():
                note_read(depth)


def dropped_frames(clips: Sequence[Clip]) -> Iterator[DatasetIssue]:
    """A note for each clip that lacks frames between its onset and its offset: the camera dropped some."""
    numbers: dict[Path, frozenset[int]] = {}
    for clip in clips:
        if clip.onset is None or clip.offset is None or not clip.source.exists():
            continue
        if clip.source not in numbers:
            numbers[clip.source] = _numbers(clip.source)
        wanted = range(clip.onset, clip.offset + 1)
        absent = len(wanted) - len(numbers[clip.source].intersection(wanted))
        if absent and numbers[clip.source]:
            reason = f"of {len(wanted)} frames from onset to offset are not there"
            yield DatasetIssue(clip.id, "frames", str(absent), reason, note=True)


def _numbers(source: Path) -> frozenset[int]:
    try:
        return frozenset(open_frames(source).numbers)
    except MediaError:  # `Dataset.check` reports it
        return frozenset()


def draw_timing(rng: np.random.Generator, pad: int, median: int, longest: int, latest_apex: int = 8) -> Timing:
    """Draw a timing as those of the sheets.

    Args:
        rng: draws it.
        pad: number of neutral frames before the onset and after the offset.
        median, longest: number of frames from onset to offset.
        latest_apex: largest number of frames from onset to apex.
    """
    whole = int(np.clip(round(median * math.exp(rng.normal(0, 0.5))), 4, longest)) - 1
    rise = int(rng.integers(1, min(latest_apex, whole) + 1))
    return Timing(pad, pad + rise, pad + whole, 2 * pad + whole + 1, FPS)


def video_clips(
    dataset: str, images: Path, events: Mapping[tuple[str, str], Sequence[Interval]], spelling: str
) -> list[Clip]:
    """A clip for each video of a part: of each that has a folder, and of each that the sheet names.

    Args:
        dataset: name of the data set.
        images: folder of the part, with a folder for each person.
        events: (person, video) -> annotated intervals; a video without any has no entry.
        spelling: of a person, e.g. `spNO.{}`, whose place is taken by the number.
    """
    sources = {}
    for person in subfolders(images):
        if not any(map(str.isdigit, person.name)):
            continue  # a folder of sheets
        subject = spelling.format(sheets.subject_number(person.name))
        for video in subfolders(person):
            sources[subject, video.name.lower()] = frames_of(video)
            if (depth := child(video, "depth")).is_dir():
                note_read(depth)
    for subject, video_name in events:
        sources.setdefault((subject, video_name), images / subject / video_name / "color")
    return [
        Clip(
            f"{dataset}/{subject}/{name}",
            dataset,
            f"{dataset}/{subject}",
            source,
            FPS,
            intervals=tuple(events.get((subject, name), ())),
        )
        for (subject, name), source in sources.items()
    ]


def interval(
    clip_id: str, times: Mapping[str, str], kind: str, labels: Mapping[str, str]
) -> tuple[Interval | None, list[DatasetIssue]]:
    """The interval of a row, or its issues.

    Args:
        clip_id: of its video.
        times: the cells `onset` and `offset`, and `apex` where the sheet has one.
        kind: `micro`, `macro` or `blink`; empty for another word, which is an issue of its own.
        labels: of the interval; `name` is its name.
    """
    name = labels["name"]
    (onset, apex, offset), issues = sheets.parse_interval_times(clip_id, name, times)
    for time, number in (("onset", onset), ("offset", offset)):
        if number is None and not times[time]:
            issues.append(DatasetIssue(clip_id, f"{name}.{time}", "", "is empty"))
    if issues or not kind or onset is None or offset is None:
        return None, issues
    return Interval(onset, offset, apex, kind, labels), []


def video_seconds(spec: VideoSpec) -> float:
    """Length of a synthetic video into which its expressions fit at the first or second try."""
    return 2 + 0.9 * spec.micro + 2 * spec.macro
