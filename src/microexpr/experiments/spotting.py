"""The folder of a spotting run: what was to be done, and what was found in each video.

    <run>/run.json                  kind "spotting", recipe, data, people, videos, seed; written first
    <run>/videos/<video>.json       the true and the found intervals, which face was judged; written when it is done
    <run>/videos/<video>.error      why a video gave nothing; goes away when it succeeds
    <run>/recognized/<video>.json   what the recognizer says of the true positives
    <run>/logs/<data>-<kind>.txt    the same as logs of the MEGC challenges
    <run>/models/<person>.safetensors   what was learned without that person, where that was asked for

Scores are computed from the videos whenever they are asked for, and never stored instead of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..core.clip import Interval
from ..core.errors import MissingDataError, RunError, UsageError
from ..core.files import slug, write_atomically
from .recognition import begin_folder

KIND, FORMAT = "spotting", 1


@dataclass(frozen=True)
class SpottingMetadata:
    """What a run is. Two runs with equal headers find the same.

    Attributes:
        recipe: the whole recipe; `key` changes with any of its settings.
        data: data set -> {fingerprint, synthetic}.
        videos: clip id, data set and subject of each.
        trained: whether the spotter is fitted on the other people of a data set.
        model: what names the true positives: a file and its stamp, or "" for nothing.
        seed: of the run.
        subset: each difference to the published counts; a run with any is a subset and says so.
        left_out: videos without pictures, and why.
        quick: made smaller by `--quick`.
    """

    recipe: dict[str, Any]
    key: str
    data: dict[str, dict[str, Any]]
    videos: list[dict[str, str]]
    trained: bool = False
    model: str = ""
    seed: int = 0
    subset: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    quick: bool = False
    kind: str = KIND
    format: int = FORMAT
    version: str = ""

    @property
    def identity(self) -> dict[str, Any]:
        """What must be equal for a run to be continued."""
        return {
            "recipe": self.key,
            "data": self.data,
            "videos": self.videos,
            "seed": self.seed,
            "recognizer": self.model,
            "left out": self.left_out,
        }


@dataclass(frozen=True)
class VideoResult:
    """One video.

    Attributes:
        id, dataset, subject: of the clip.
        fps: frames per second.
        frames, seconds: how long it is.
        truth: the release's intervals.
        found: the spotter's, of the judged face.
        faces: how many people were seen.
        face: number of the one that was judged, which was longest in sight; None where none was seen.
        seen: in how many frames it was in sight.
    """

    id: str
    dataset: str
    subject: str
    fps: float
    frames: int
    seconds: float
    ground_truth: tuple[Interval, ...]
    found: tuple[Interval, ...] = ()
    faces: int = 0
    face: int | None = None
    seen: int = 0

    @property
    def name(self) -> str:
        """The release's own name of the video."""
        return self.id.rpartition("/")[2]


@dataclass(frozen=True)
class EventPrediction:
    """What a recognizer says of one true positive.

    Attributes:
        label: the release's word.
        onset, offset: of the found interval, by which it was looked at.
        predicted: the recognizer's word, "" where no face was found.
        probabilities: word -> share.
    """

    label: str
    onset: int
    offset: int
    predicted: str
    probabilities: dict[str, float]


class SpottingRun:
    """A run on disk."""

    kind = KIND

    def __init__(self, folder: Path, header: SpottingMetadata) -> None:
        self.folder = folder
        self.metadata = header

    @classmethod
    def begin(cls, folder: Path, header: SpottingMetadata) -> SpottingRun:
        """A new run, or the one that is already there if it is the same.

        Raises:
            RunError: the folder holds another run, or something that is none.
        """
        return cls(folder, begin_folder(folder, header, lambda there: cls.open(there).metadata))

    @classmethod
    def open(cls, folder: Path) -> SpottingRun:
        """A run that is there.

        Raises:
            MissingDataError: there is none.
            RunError: it is a run of another kind, damaged, or from a later version.
        """
        path = folder / "run.json"
        if not path.is_file():
            raise MissingDataError(f"'{folder}' is not a run: it has no run.json")
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            if table.get("kind") != KIND:
                raise RunError(f"'{folder}' holds a run of recognition, not of spotting; choose another --out")
            if table["format"] > FORMAT:
                raise RunError(f"'{path}' has format {table['format']}, this version reads {FORMAT}: update microexpr")
            return cls(folder, SpottingMetadata(**table))
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise RunError(f"'{path}' is damaged ({type(fault).__name__}: {fault}); delete the run") from None

    @property
    def synthetic(self) -> bool:
        """Whether any of its faces are synthetic."""
        return any(data["synthetic"] for data in self.metadata.data.values())

    @property
    def unit_names(self) -> list[str]:
        """Ids of all videos, whether or not they are done."""
        return [video["id"] for video in self.metadata.videos]

    def done(self) -> list[str]:
        """Ids of the videos that are done."""
        return [name for name in self.unit_names if self._path(name, "json").is_file()]

    @property
    def complete(self) -> bool:
        """Whether every video is done."""
        return len(self.done()) == len(self.unit_names)

    def failed(self) -> dict[str, str]:
        """Video -> first line of why it gave nothing."""
        paths = {name: self._path(name, "error") for name in self.unit_names}
        return {n: (p.read_text(encoding="utf-8").splitlines() or ["?"])[0] for n, p in paths.items() if p.is_file()}

    def write(self, video: VideoResult) -> None:
        """Keep what was found in a video."""
        write_atomically(self._path(video.id, "json"), (json.dumps(asdict(video), indent=1) + "\n").encode())
        self._path(video.id, "error").unlink(missing_ok=True)

    def write_failure(self, name: str, reason: str, details: str) -> None:
        """Keep why a video gave nothing."""
        write_atomically(self._path(name, "error"), f"{reason}\n\n{details}".encode())

    def videos(self) -> list[VideoResult]:
        """The videos that are done, in the order of the header.

        Raises:
            RunError: a file is damaged.
        """
        return [self._video(self._path(name, "json")) for name in self.done()]

    def write_recognized(self, name: str, events: Sequence[EventPrediction]) -> None:
        """Keep what the recognizer says of the true positives of a video."""
        path = self.folder / "recognized" / f"{slug(name)}.json"
        write_atomically(path, (json.dumps([asdict(one) for one in events], indent=1) + "\n").encode())

    def recognized(self, name: str) -> list[EventPrediction] | None:
        """What `write_recognized` kept; None where nothing was asked yet."""
        path = self.folder / "recognized" / f"{slug(name)}.json"
        if not path.is_file():
            return None
        table = _read(path)
        try:
            return [EventPrediction(**one) for one in table]
        except TypeError as fault:
            raise RunError(f"'{path}' is damaged ({fault}); delete it and run again") from None

    def _video(self, path: Path) -> VideoResult:
        table = _read(path)
        try:
            for side in ("ground_truth", "found"):
                table[side] = tuple(Interval(**one) for one in table[side])
            return VideoResult(**table)
        except (TypeError, KeyError) as fault:
            raise RunError(f"'{path}' is damaged ({fault}); delete it and run again") from None

    def _path(self, name: str, kind: str) -> Path:
        return self.folder / "videos" / f"{slug(name)}.{kind}"


def find_spotting(folders: Sequence[Path]) -> list[SpottingRun]:
    """The spotting runs in folders or just below them; [] where these are runs of another kind.

    Raises:
        UsageError: some are runs of spotting and some are not: they have no table in common.
    """
    found: list[SpottingRun] = []
    others = 0
    for folder in folders:
        here = [folder / "run.json"] if (folder / "run.json").is_file() else sorted(folder.glob("*/run.json"))
        own = [path.parent for path in here if _is_spotting(path)]
        others += len(here) - len(own)
        found += [SpottingRun.open(path) for path in own]
    if found and others:
        raise UsageError("some of these are runs of spotting, others of recognition; report them one by one")
    return found


def _is_spotting(path: Path) -> bool:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(table, Mapping) and table.get("kind") == KIND


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise RunError(f"'{path}' is damaged ({fault}); delete it and run again") from None
