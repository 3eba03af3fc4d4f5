"""What every data set shares. A new one writes two methods: `read` and `write_synthetic`."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

from ..core.clip import TIMES, Clip
from ..core.config import data_folder
from ..core.errors import AnnotationError, DataError, MediaError, MissingDataError, UsageError, did_you_mean
from ..core.files import write_folder_atomically
from ..core.registry import Registry
from ..imaging.video import open_frames

SYNTHETIC = "SYNTHETIC.json"
"""The file that marks a folder as made up; `check` fails on it and every report says so."""

CORRECTIONS = "corrections.csv"
"""A user's own corrections, beside the release: columns clip, field, expected, value, reason."""


@dataclass(frozen=True)
class DatasetInfo:
    """What the publication says of a release; `check` holds a folder against it.

    Attributes:
        title: full name of the release.
        citation: the paper.
        access: how to get it.
        fps: frames per second; 0 for still pictures, or where it varies.
        clips, subjects: how many; 0 where nothing is published.
        counts: label field -> word -> number of clips, e.g. `{"emotion": {"happiness": 32}}`.
        per_subject: subject -> number of clips.
        events: of long videos: `kind`, or a label of their intervals -> word -> number of intervals.
        source: where these numbers were read.
        megc_number: of the data set in the logs of the spotting challenges (MEGC); 0 where it has none.
    """

    title: str
    citation: str
    access: str
    fps: float
    clips: int = 0
    subjects: int = 0
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    per_subject: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    source: str = ""
    megc_number: int = 0


@dataclass(frozen=True)
class Correction:
    """A known annotation error: the value that must be found, and the one it should have been.

    `field` is a time or a label of the clip; `NAME.offset` is a time of its interval of that name.
    """

    clip: str
    field: str
    expected: str
    value: str
    reason: str


@dataclass(frozen=True)
class DatasetIssue:
    """One thing that is wrong with a folder: where, which value, why."""

    clip: str
    field: str
    value: str
    reason: str

    def __str__(self) -> str:
        return f"{self.clip}: {self.field} = {self.value}: {self.reason}"


class Dataset(ABC):
    """A release on disk.

    Args:
        root: its folder, laid out as its authors distribute it.
    """

    name: ClassVar[str]
    info: ClassVar[DatasetInfo]
    corrections: ClassVar[tuple[Correction, ...]] = ()

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    @abstractmethod
    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """Every clip that the sheet names, as the sheet has it, and every row that could not be understood.

        A clip whose pictures are missing is returned all the same: the base class finds that out.

        Raises:
            MissingDataError: the sheet or the picture folder is not there.
            DataError: the sheet cannot be read, or lacks a column.
        """

    @classmethod
    @abstractmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Write a synthetic copy with the release's folders, sheet and counts into the empty folder `root`.

        Args:
            root: where to.
            people: the first so many people only; None for all, and thus for the published counts.
            scale: size of the pictures as a share of the release's own, 0 to 1.
            seed: of everything that is drawn.
        """

    def clips(self, allow_missing: bool = False) -> list[Clip]:
        """All clips, corrected and checked, sorted by id.

        Args:
            allow_missing: leave out clips without pictures (`missing` lists them) instead of raising.

        Raises:
            AnnotationError: anything contradicts anything; the message names the first fault and how many there are.
        """
        clips, faults, missing = self._load()
        if not allow_missing:
            faults += missing
        if faults:
            more = f" ({len(faults)} faults; `microexpr check {self.name}` lists them)" if len(faults) > 1 else ""
            raise AnnotationError(f"{faults[0]}{more}")
        gone = {fault.clip for fault in missing}
        return [clip for clip in clips if clip.id not in gone]

    def missing(self) -> list[DatasetIssue]:
        """The clips named by the sheet whose pictures are not there."""
        return self._load()[2]

    def check(self) -> list[DatasetIssue]:
        """This folder against the published facts: every difference, an empty list if there is none."""
        try:
            clips, faults, missing = self._load()
        except DataError as fault:
            return [DatasetIssue(self.name, "folder", str(self.root), str(fault))]
        return [*self._made_up_fault(), *faults, *missing, *self.compare_with_published(clips)]

    def fingerprint(self) -> str:
        """Changes when a label, a time, or the number or size of a clip's pictures does; equal for equal copies."""
        digest = hashlib.sha256()
        for clip in self.clips(allow_missing=True):
            size, count = _bytes_of(clip.source)
            record = [clip.id, clip.subject, clip.fps, clip.onset, clip.apex, clip.offset, sorted(clip.labels.items())]
            record += [[i.onset, i.apex, i.offset, i.kind, sorted(i.labels.items())] for i in clip.intervals]
            digest.update(json.dumps([*record, size, count]).encode())
        return digest.hexdigest()[:16]

    @property
    def synthetic(self) -> bool:
        """Whether this folder is a synthetic copy."""
        return (self.root / SYNTHETIC).is_file()

    @classmethod
    def make_synthetic(
        cls, root: Path | str, subjects: int | None = None, image_scale: float = 1.0, seed: int = 0
    ) -> Self:
        """A synthetic copy in the release's own layout, marked as such; `root` must not exist or be empty.

        Faces move as `synthesis` says; with `people=None` the counts are the published ones.

        Raises:
            UsageError: `root` holds something, or an argument is out of range.
        """
        root = Path(root)
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise UsageError(f"'{root}' is not an empty folder; a synthetic copy is never written over anything")
        if not 0 < image_scale <= 1:
            raise UsageError(f"image_scale = {image_scale}: must be more than 0 and at most 1")
        if subjects is not None and subjects < 1:
            raise UsageError(f"subjects = {subjects}: must be 1 or more")
        facts = {"synthetic": True, "dataset": cls.name, "subjects": subjects, "image_scale": image_scale, "seed": seed}
        with write_folder_atomically(root) as folder:
            cls.write_synthetic(folder, subjects, image_scale, seed)
            (folder / SYNTHETIC).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        return cls(root)

    def _load(self) -> tuple[list[Clip], list[DatasetIssue], list[DatasetIssue]]:
        """(clips, faults of annotation, faults of missing pictures)."""
        if not self.root.is_dir():
            raise MissingDataError(f"data set '{self.name}': '{self.root}' is not a folder")
        clips, faults = self.read()
        if not clips and not faults:
            raise DataError(f"data set '{self.name}': '{self.root}' holds no clip")
        clips, wrong = self._corrected(clips)
        faults = [*faults, *wrong]
        seen = Counter(clip.id for clip in clips)
        faults += [
            DatasetIssue(clip, "id", clip, f"stands {n} times in the sheet") for clip, n in seen.items() if n > 1
        ]
        faults += [DatasetIssue(c.id, name, str(value), why) for c in clips for name, value, why in c.issues()]
        return sorted(clips, key=lambda c: c.id), faults, [f for clip in clips for f in picture_faults(clip)]

    def _corrected(self, clips: list[Clip]) -> tuple[list[Clip], list[DatasetIssue]]:
        """The clips with the shipped corrections and the user's own, and a fault for each that does not fit."""
        own = self._own_corrections()
        places = {clip.id: i for i, clip in enumerate(clips)}
        fields = {*TIMES, *self.info.counts}.union(*(clip.labels for clip in clips))
        corrected, faults = list(clips), []
        for correction in (*self.corrections, *own):
            if correction.clip in places:
                result = _apply(correction, corrected[places[correction.clip]], fields)
                if isinstance(result, DatasetIssue):
                    faults.append(result)
                else:
                    corrected[places[correction.clip]] = result
            elif correction in own:
                faults.append(DatasetIssue(CORRECTIONS, "clip", correction.clip, "is no clip of this folder"))
        return corrected, faults

    def _own_corrections(self) -> list[Correction]:
        path = self.root / CORRECTIONS
        if not path.is_file():
            return []
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                rows = list(csv.DictReader(file))
        except (OSError, UnicodeError, csv.Error) as fault:
            raise DataError(f"'{path}' cannot be read ({fault}); save it as csv in UTF-8") from None
        names = [f.name for f in dataclasses.fields(Correction)]
        for row in rows:
            if absent := [name for name in names if row.get(name) is None]:
                raise DataError(f"'{path}' lacks the column '{absent[0]}'; it needs {', '.join(names)}")
        return [Correction(**{name: row[name].strip() for name in names}) for row in rows]

    def _made_up_fault(self) -> list[DatasetIssue]:
        return (
            [DatasetIssue(self.name, "folder", str(self.root), f"is synthetic ({SYNTHETIC})")] if self.synthetic else []
        )

    def compare_with_published(self, clips: Sequence[Clip]) -> list[DatasetIssue]:
        """Every published number that this folder does not have; a number that is not published (0, empty) is no fault.

        What a folder lacks as a whole is one line: a label that no clip has is not counted word by word.
        """
        facts = self.info
        found = [
            ("clips", len(clips), facts.clips),
            ("subjects", len({clip.subject for clip in clips}), facts.subjects),
        ]
        found = [one for one in found if one[2]]
        lines = []
        for name, words in facts.counts.items():
            have = Counter(clip.labels.get(name, "") for clip in clips)
            if set(have) == {""}:
                reason = f"no clip has it; the release has {_listed(words)} ({facts.source}); is a sheet missing?"
                lines.append(DatasetIssue(self.name, name, "none", reason))
                continue
            found += [(f"{name} '{w}'", have[w], words.get(w, 0)) for w in sorted({*have, *words})]
            strange = [(c.id, word) for c in clips if (word := c.labels.get(name, "")) and word not in words]
            lines += [
                DatasetIssue(clip, name, word, f"is no word of this release ({', '.join(words)})")
                for clip, word in strange
            ]
        if facts.per_subject:
            have = Counter(clip.subject for clip in clips)
            names = sorted({*have, *facts.per_subject})
            found += [(f"clips of {name}", have[name], facts.per_subject.get(name, 0)) for name in names]
        for name, words in facts.events.items():
            every = [one for clip in clips for one in clip.intervals]
            have = Counter(one.kind if name == "kind" else one.labels.get(name, "") for one in every)
            found += [(f"{name} '{w}'", have[w], words.get(w, 0)) for w in sorted({*have, *words} - {""})]
        differ = [
            DatasetIssue(self.name, what, str(here), f"the release has {published} ({facts.source})")
            for what, here, published in found
            if here != published
        ]
        return [*differ, *lines]


DATASETS: Registry[Dataset] = Registry("data set", "microexpr.datasets")


def open_dataset(name: str, roots: Mapping[str, Path] | None = None) -> Dataset:
    """The data set of that name where this machine keeps it (see `config`)."""
    return DATASETS.get(name)(data_folder(name, roots))


def picture_faults(clip: Clip) -> list[DatasetIssue]:
    """What is missing of a clip's pictures: the source itself, or a frame that the annotation names."""
    if not clip.source.exists():
        return [DatasetIssue(clip.id, "source", str(clip.source), "is not there")]
    try:
        numbers = set(open_frames(clip.source).numbers)
    except MediaError as fault:
        return [DatasetIssue(clip.id, "source", str(clip.source), str(fault))]
    if not numbers:
        return [DatasetIssue(clip.id, "source", str(clip.source), "holds no picture")]
    times = {name: getattr(clip, name) for name in TIMES}
    times |= {f"{name}.{t}": getattr(one, t) for name, one in clip.named_intervals().items() for t in TIMES}
    return [
        DatasetIssue(clip.id, name, str(t), f"no such frame in '{clip.source}' ({min(numbers)} to {max(numbers)})")
        for name, t in times.items()
        if t is not None and t not in numbers
    ]


def _apply(correction: Correction, clip: Clip, fields: Collection[str]) -> Clip | DatasetIssue:
    """The corrected clip, or why the correction does not fit; an empty text stands for an unknown frame number."""
    inner, _, time = correction.field.rpartition(".")
    if inner in (named := clip.named_intervals()) and time in TIMES:
        one = named[inner]
        part = Clip(clip.id, clip.dataset, clip.subject, clip.source, clip.fps, one.onset, one.apex, one.offset)
        done = _apply(dataclasses.replace(correction, field=time), part, TIMES)
        if isinstance(done, DatasetIssue):
            return dataclasses.replace(done, field=correction.field)
        changed = dataclasses.replace(one, **{time: getattr(done, time)})
        return dataclasses.replace(clip, intervals=tuple(changed if i is one else i for i in clip.intervals))
    name, value, why = correction.field, correction.value, f"the correction to {correction.value} ({correction.reason})"
    if name not in fields:
        return DatasetIssue(clip.id, name, value, f"{why} names no field{did_you_mean(name, fields)}")
    old: Any = getattr(clip, name) if name in TIMES else clip.labels.get(name)
    text = "" if old is None else str(old)
    if text == value:
        return clip  # this copy of the release has it right already
    if text != correction.expected:
        reason = f"{why} expects '{correction.expected}'; this is another version of the sheet"
        return DatasetIssue(clip.id, name, text, reason)
    if name not in TIMES:
        return dataclasses.replace(clip, labels={**clip.labels, name: value})
    if value and not value.isdecimal():
        return DatasetIssue(clip.id, name, value, f"{why} is not a frame number")
    return dataclasses.replace(clip, **{name: int(value) if value else None})  # type: ignore[arg-type]


def _listed(words: Mapping[str, int]) -> str:
    return ", ".join(f"{word} {n}" for word, n in words.items())


def _bytes_of(source: Path) -> tuple[int, int]:
    files: Iterable[Path] = [p for p in source.iterdir() if p.is_file()] if source.is_dir() else [source]
    sizes = [p.stat().st_size for p in files]
    return sum(sizes), len(sizes)
