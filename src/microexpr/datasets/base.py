"""What every data set shares. A new one writes two methods: `read` and `write_synthetic`."""

from __future__ import annotations

import dataclasses
import hashlib
import html
import json
import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ..core.clip import TIMES, Clip
from ..core.config import cache_folder, data_folder
from ..core.errors import AnnotationError, DataError, MediaError, MicroexprError, MissingDataError, UsageError
from ..core.files import SYNTHETIC_MARK, write_folder_atomically
from ..core.registry import Registry
from ..imaging.frames import open_frames
from ._corrections import apply_corrections, read_corrections
from ._dates import DATE_REASON, is_date
from ._fingerprint import source_digest
from ._passed_over import note_read, passed_over, record_read
from ._reader_errors import explain
from ._records import Correction, DatasetInfo, DatasetIssue
from ._subjects import join_subjects
from ._unclear_units import unclear_action_units


class Dataset(ABC):
    """A release on disk.

    Args:
        root: its folder, laid out as its authors distribute it.

    Attributes:
        name: the name that it is registered under.
        info: what its publication states.
        corrections: known errors of its annotation.
        read_needs_images: whether `read` looks at the images; a release whose sheets name every clip and time can be
            read without them.
    """

    name: ClassVar[str]
    info: ClassVar[DatasetInfo]
    corrections: ClassVar[tuple[Correction, ...]] = ()
    read_needs_images: ClassVar[bool] = True

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} '{self.name}' in '{self.root}'>"

    def _repr_html_(self) -> str:
        """Return the facts of the release and where its folder is, for notebooks."""
        facts = {
            "folder": f"{self.root}{' (synthetic copy)' if self.synthetic else ''}",
            "clips of the release": self.info.clips or "not published",
            "subjects of the release": self.info.subjects or "not published",
            "frames per second": f"{self.info.fps:g}" if self.info.fps else "none, or not the same for all clips",
            "paper": self.info.citation,
        }
        rows = "".join(f"<tr><th>{key}</th><td>{html.escape(str(value))}</td></tr>" for key, value in facts.items())
        return f"<p><b>{html.escape(self.info.title)}</b> (<code>{self.name}</code>)</p><table>{rows}</table>"

    @abstractmethod
    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """Every clip that the annotation names, uncorrected, and an issue for every row that cannot be understood.

        A clip whose frames are missing is returned all the same; the base class looks for them.

        Raises:
            MissingDataError: the sheet or the folder of images is not there.
            DataError: the sheet cannot be read, or lacks a column.
        """

    @classmethod
    @abstractmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Write a synthetic copy with the release's folders, sheets and counts.

        Args:
            root: an empty folder.
            subjects: how many subjects, the first ones of the release; None for all, with the published counts.
            image_scale: size of the images as a fraction of the release's own, at most 1; 0 writes no image, where
                `read` needs none.
            seed: of everything that is drawn.
        """

    def landmarks(self, clip: Clip) -> Mapping[int, np.ndarray]:
        """The landmarks that the release publishes of a clip.

        Args:
            clip: of this data set.

        Returns:
            Frame number -> (68, 2) x and y in pixels, in the order of iBUG 300-W; empty where it publishes none.

        Raises:
            AnnotationError: a file of landmarks cannot be understood.
        """
        return {}

    def clips(self, allow_missing: bool = False) -> list[Clip]:
        """All clips, corrected and checked, sorted by id.

        Args:
            allow_missing: leave out clips without frames (`missing` lists them) instead of raising.

        Raises:
            AnnotationError: an annotation contradicts another one or the frames; the message names the first issue
                and how many there are.
        """
        clips, issues, missing, _ = self._load()
        if not allow_missing:
            issues += missing
        self._refuse(issues)
        without_frames = {issue.clip for issue in missing}
        return [clip for clip in clips if clip.id not in without_frames]

    def annotated_clips(self) -> list[Clip]:
        """All clips, corrected and checked, sorted by id, whether or not their frames are there.

        Raises:
            AnnotationError: as `clips`.
        """
        clips, issues, _, _ = self._load()
        self._refuse(issues)
        return clips

    def missing(self) -> list[DatasetIssue]:
        """An issue for each annotated clip whose frames are not there."""
        return self._load()[2]

    def check(self) -> list[DatasetIssue]:
        """Everything in this folder that is wrong, differs from what is published, is unclear or is passed over.

        Notes (`DatasetIssue.note`) stand last: what is no fault, and files and folders that are no clip and no
        annotation of a clip.
        """
        try:
            with record_read() as read:
                note_read(self.root / SYNTHETIC_MARK)
                clips, issues, missing, joined = self._load()
        except DataError as error:
            return [DatasetIssue(self.name, "folder", str(self.root), str(error))]
        mark = DatasetIssue(self.name, "folder", str(self.root), f"is synthetic ({SYNTHETIC_MARK})")
        marks = [mark] if self.synthetic else []
        issues = [*marks, *joined, *issues, *missing, *self.compare_with_published(clips)]
        issues += unclear_action_units(clips)
        named = {issue.value for issue in issues}
        notes = passed_over(self.name, self.root, clips, read)
        found = [*issues, *(note for note in notes if note.value not in named)]
        return sorted(found, key=lambda issue: issue.note)

    def fingerprint(self) -> str:
        """Hash of all labels and times, and of the content of the frames; equal for equal copies.

        Every image is read, and of each film of more than 1 MiB three parts (see `source_digest`): a release of
        some gigabytes takes as long as its disk needs to read it. Files that are no frames do not matter.
        """
        digest_of = cache(source_digest)  # clips of one video have one source
        return _digest([*_record(clip), digest_of(clip.source)] for clip in self.clips(allow_missing=True))

    def annotation_fingerprint(self) -> str:
        """Hash of all labels and times, also of clips whose frames are not there."""
        return _digest(map(_record, self.annotated_clips()))

    @property
    def synthetic(self) -> bool:
        """Whether this folder is a synthetic copy."""
        return (self.root / SYNTHETIC_MARK).is_file()

    @classmethod
    def make_synthetic(
        cls,
        root: Path | str,
        subjects: int | None = None,
        image_scale: float = 1.0,
        seed: int = 0,
        exist_ok: bool = False,
    ) -> Self:
        """Write a synthetic copy in the release's own layout, marked as synthetic, and open it.

        Args:
            root: a folder that is empty or not there.
            subjects: how many subjects, 1 or more; None for all, with the published counts.
            image_scale: size of the images as a fraction of the release's own, at most 1; 0 writes the sheets alone,
                where these name every clip and time (`read_needs_images`).
            seed: of everything that is drawn; equal arguments give equal files.
            exist_ok: open the copy that is already in `root` where it was made with the same arguments.

        Raises:
            UsageError: `root` holds something else, or an argument is out of range.
        """
        root = Path(root)
        if not 0 <= image_scale <= 1 or (image_scale == 0 and cls.read_needs_images):
            reason = ", since its clips are read from its images" if image_scale == 0 else ""
            raise UsageError(f"image_scale = {image_scale}: must be more than 0 and at most 1{reason}")
        if subjects is not None and subjects < 1:
            raise UsageError(f"subjects = {subjects}: must be 1 or more")
        mark = {"synthetic": True, "dataset": cls.name, "subjects": subjects, "image_scale": image_scale, "seed": seed}
        if exist_ok and (old := _read_mark(root)) is not None:
            if old == mark:
                return cls(root)
            differ = ", ".join(
                f"{key} = {old.get(key)} instead of {mark[key]}" for key in mark if old.get(key) != mark[key]
            )
            raise UsageError(f"'{root}' holds another synthetic copy ({differ}); take another folder or remove it")
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise UsageError(f"'{root}' is not an empty folder; a synthetic copy is never written over anything")
        with write_folder_atomically(root) as folder:
            cls.write_synthetic(folder, subjects, image_scale, seed)
            (folder / SYNTHETIC_MARK).write_text(json.dumps(mark, indent=2) + "\n", encoding="utf-8")
        return cls(root)

    def compare_with_published(self, clips: Sequence[Clip]) -> list[DatasetIssue]:
        """An issue for every published number that these clips do not have; numbers that are 0 or empty are unknown.

        A label field that no clip has is one issue, not one for each of its labels.
        """
        counts = [("clips", len(clips), self.info.clips)] if self.info.clips else []
        if self.info.subjects:
            counts.append(("subjects", len({clip.subject for clip in clips}), self.info.subjects))
        issues = []
        for field, published in self.info.counts.items():
            here = Counter(clip.labels.get(field, "") for clip in clips)
            if set(here) == {""}:
                listed = ", ".join(f"{label} {n}" for label, n in published.items())
                reason = f"no clip has it; the release has {listed} ({self.info.source}); is a sheet missing?"
                issues.append(DatasetIssue(self.name, field, "none", reason))
                continue
            counts += _label_counts(field, here, published)
            reason = f"is not a label of this release ({', '.join(published)})"
            issues += [
                DatasetIssue(clip.id, field, clip.labels[field], reason)
                for clip in clips
                if clip.labels.get(field) and clip.labels[field] not in published
            ]
        if self.info.per_subject:
            here = Counter(clip.subject for clip in clips)
            names = sorted({*here, *self.info.per_subject})
            counts += [(f"clips of {name}", here[name], self.info.per_subject.get(name, 0)) for name in names]
        intervals = [interval for clip in clips for interval in clip.intervals]
        for field, published in self.info.events.items():
            here = Counter(i.kind if field == "kind" else i.labels.get(field, "") for i in intervals)
            counts += [count for count in _label_counts(field, here, published) if count[0] != f"{field} ''"]
        different = [
            DatasetIssue(self.name, what, str(n), f"the release has {published_n} ({self.info.source})")
            for what, n, published_n in counts
            if n != published_n
        ]
        return [*different, *issues]

    def _load(self) -> tuple[list[Clip], list[DatasetIssue], list[DatasetIssue], list[DatasetIssue]]:
        """(clips, issues of the annotation, issues of missing frames, persons who are written in several ways)."""
        if not self.root.is_dir():
            raise MissingDataError(f"data set '{self.name}': '{self.root}' is not a folder")
        clips, issues = self._read()
        if not clips and not issues:
            raise DataError(f"data set '{self.name}': '{self.root}' holds no clip")
        clips, joined = join_subjects(clips)
        clips, unfit = apply_corrections(clips, self.corrections, read_corrections(self.root), self.info.counts)
        issues = [*issues, *unfit]
        outside = {clip.id for clip in clips if not self._holds(clip.source)}
        issues += [
            DatasetIssue(clip.id, "source", str(clip.source), "leads out of the folder")
            for clip in clips
            if clip.id in outside
        ]
        clips = [clip for clip in clips if clip.id not in outside]
        for clip_id, n in Counter(clip.id for clip in clips).items():
            if n > 1:
                issues.append(DatasetIssue(clip_id, "id", clip_id, f"stands {n} times in the sheet"))
        for clip in clips:
            issues += [DatasetIssue(clip.id, field, str(value), why) for field, value, why in clip.issues()]
        missing = [issue for clip in clips for issue in missing_frames(clip)]
        dates = [issue for issue in missing if issue.field == "source" and _is_named_by_date(issue)]
        issues += [dataclasses.replace(issue, reason=f"{issue.reason}; {DATE_REASON}") for issue in dates]
        missing = [issue for issue in missing if issue not in dates]
        return sorted(clips, key=lambda clip: clip.id), issues, missing, joined

    def _refuse(self, issues: Sequence[DatasetIssue]) -> None:
        """Raise the first of these issues."""
        if issues:
            more = f" ({len(issues)} issues; `microexpr check {self.name}` lists them)" if len(issues) > 1 else ""
            raise AnnotationError(f"{issues[0]}{more}")

    def _read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """What `read` returns; an exception that it does not expect is an error that says where it was raised."""
        try:
            return self.read()
        except (MicroexprError, OSError):
            raise
        except Exception as error:
            raise DataError(f"data set '{self.name}' in '{self.root}': its reader {explain(error)}") from error

    def _holds(self, source: Path) -> bool:
        """Whether a path stays in the data set's folder (or in what is unpacked of it); links are not followed."""
        path = Path(os.path.abspath(source))  # noqa: PTH100  (removes `..`, follows no link)
        folders = (os.path.abspath(self.root), cache_folder().absolute())  # noqa: PTH100
        return any(path.is_relative_to(folder) for folder in folders)


DATASETS: Registry[Dataset] = Registry("data set", "microexpr.datasets")
"""All data sets. One more: a subclass of `Dataset` with `@DATASETS.register("name")`."""


def open_dataset(name: str, root: Path | str | None = None) -> Dataset:
    """Open a data set on this machine.

    Args:
        name: of the data set; `DATASETS.names()` lists them.
        root: its folder; None looks for it as `microexpr.core.config` describes: in the folder `$MICROEXPR_DATA`, or
            the folder named in `paths.toml`.

    Raises:
        UnknownNameError: no such data set.
        MissingDataError: its folder is not found.
    """
    cls = DATASETS.get(name)
    return cls(data_folder(name, None if root is None else {name: Path(root)}))


def synthesize(
    name: str,
    root: Path | str,
    subjects: int | None = None,
    image_scale: float = 1.0,
    seed: int = 0,
    exist_ok: bool = False,
) -> Dataset:
    """Write a synthetic copy of a release, with the folders and sheets of the release, and open it.

    The faces are synthetic, their movements, times and labels known; see `microexpr.synthetic`.

    Args:
        name: of the data set; `DATASETS.names()` lists them.
        root: a folder that is empty or not there.
        subjects: how many subjects, 1 or more; None for all, with the published counts.
        image_scale: size of the images as a fraction of the release's own, above 0 and at most 1.
        seed: of everything that is drawn; equal arguments give equal files.
        exist_ok: open the copy that is already in `root` where it was made with the same arguments.

    Raises:
        UnknownNameError: no such data set.
        UsageError: `root` holds something else, or an argument is out of range.
    """
    return DATASETS.get(name).make_synthetic(root, subjects, image_scale, seed, exist_ok)


def missing_frames(clip: Clip) -> list[DatasetIssue]:
    """What is missing of a clip's frames: the source itself, or a frame that the annotation names."""
    if not clip.source.exists():
        return [DatasetIssue(clip.id, "source", str(clip.source), "is not there")]
    try:
        numbers = set(open_frames(clip.source).numbers)
    except MediaError as error:
        return [DatasetIssue(clip.id, "source", str(clip.source), str(error))]
    if not numbers:
        return [DatasetIssue(clip.id, "source", str(clip.source), "holds no image")]
    times = {time: getattr(clip, time) for time in TIMES}
    times |= {f"{name}.{time}": getattr(i, time) for name, i in clip.named_intervals().items() for time in TIMES}
    return [
        DatasetIssue(clip.id, name, str(n), f"no such frame in '{clip.source}' ({min(numbers)} to {max(numbers)})")
        for name, n in times.items()
        if n is not None and n not in numbers
    ]


def _record(clip: Clip) -> list[object]:
    """Labels and times of a clip, for a fingerprint."""
    record = [clip.id, clip.subject, clip.fps, clip.onset, clip.apex, clip.offset, sorted(clip.labels.items())]
    return [*record, *([i.onset, i.apex, i.offset, i.kind, sorted(i.labels.items())] for i in clip.intervals)]


def _digest(records: Iterable[list[object]]) -> str:
    digest = hashlib.sha256()
    for record in records:
        digest.update(json.dumps(record).encode())
    return digest.hexdigest()[:16]


def _is_named_by_date(issue: DatasetIssue) -> bool:
    """Whether the name of a clip without a source, or that of its source, is a date."""
    return is_date(issue.clip.split("/", 2)[-1]) or is_date(Path(issue.value).name)


def _label_counts(field: str, here: Counter[str], published: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """(what, number here, published number) of each label of a field."""
    return [(f"{field} '{label}'", here[label], published.get(label, 0)) for label in sorted({*here, *published})]


def _read_mark(root: Path) -> dict[str, object] | None:
    """The arguments that the synthetic copy in a folder was made with; None if there is no such copy."""
    try:
        mark = json.loads((root / SYNTHETIC_MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return mark if isinstance(mark, dict) else None
