"""CAS(ME)^3, part C: 165 micro-expressions of 30 people who were questioned about a mock crime, without apex."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..core.clip import Clip
from . import _sheets as sheets
from ._casme3 import (
    ACCESS,
    CITATION,
    FPS,
    child,
    draw_timing,
    dropped_frames,
    find_images,
    find_sheet,
    frames_of,
    note_unlabeled,
)
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.clip_videos import ClipVideos
from .synthetic.clips import ClipSpec, Labels, RecordingSpec, assign_labels, clip_spec, split_evenly, subsample_counts

SHEETS = ("CAS(ME)3_part_C_ME",)
HEADER = ("sub", "count", "onset", "offset", "au", "emotion")
VIDEO = "a"
"""Name of the one video of each person."""

SUBJECTS = 30
LABELS: Mapping[Labels, int] = {
    ("negative", ""): 99,
    ("surprise", ""): 30,
    ("others", ""): 20,
    ("positive", ""): 16,
}
"""Micro-expressions by emotion; the part has no objective classes."""


@DATASETS.register("casme3c")
class Casme3C(Dataset):
    """`part_C/01/a/color/1.jpg`, or the micro-expressions alone, `ME_C/01/1/color/1.jpg` with the number that the
    sheet's column `count` has.

    Everybody has one video of about eight minutes, which is the source of all clips of a person; a clip is named by its
    number (`casme3c/01/1`). There is no apex. Action units are separated by commas, also by one behind the last, and
    `check` names the texts that cannot be read (one has a Chinese comma) and those with a question mark.
    """

    info = DatasetInfo(
        title="CAS(ME)^3, part C, micro-expressions",
        citation=CITATION,
        access=ACCESS,
        fps=FPS,
        clips=sum(LABELS.values()),
        subjects=SUBJECTS,
        counts={"emotion": {emotion: n for (emotion, _), n in LABELS.items()}},
        source="sheet of the micro-expressions",
        more_labels=("action_units",),
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The rows of the sheet."""
        path = find_sheet(self.root, "C", SHEETS, "sheet of micro-expressions")
        images = find_images(self.root, "C", ("ME_C", "ME_C_cropped"))
        rows, issues = sheets.read_subject_rows(path, HEADER)
        clips: list[Clip] = []
        for number, row in rows:
            subject = f"{number:02d}"
            clip_id = f"casme3c/{subject}/{row['count']}"
            columns = ("onset", "", "offset")
            times, time_issues = sheets.parse_times(clip_id, row, columns, needed=("onset", "offset"))
            issues += time_issues
            person = child(images, subject)
            alone = child(person, row["count"])
            source = frames_of(alone if alone.is_dir() else child(person, VIDEO))
            labels = {"emotion": row["emotion"].lower(), "action_units": row["au"]}
            clips.append(Clip(clip_id, "casme3c", f"casme3c/{subject}", source, FPS, *times, labels))
        note_unlabeled(images, clips)
        return clips, issues

    def compare_with_published(self, clips: Sequence[Clip]) -> list[DatasetIssue]:
        """As for every data set, and frames that the camera dropped."""
        return [*super().compare_with_published(clips), *dropped_frames(clips)]

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """The sheet, and of each video the frames around its micro-expressions: head and shoulders, 480x640."""
        videos = ClipVideos(RecordingSpec("casme3c", FPS, (480, 640), image_scale, framing="wide"), pause=FPS)
        rows: list[tuple[object, ...]] = []
        for spec in clip_specs(subjects, seed):
            rng = np.random.default_rng([spec.seed, 1])
            timing = draw_timing(rng, videos.recording.pad, median=12, longest=35, latest_apex=17)
            folder = root / "part_C" / spec.subject / VIDEO / "color"
            onset, _, offset = videos.write(spec, folder, "{}.jpg", timing)
            units = spec.action_units.replace("+", ",")
            rows.append((int(spec.subject), int(spec.name), onset, offset, units, spec.emotion))
        sheets.write_rows(root / "annotation" / f"{SHEETS[0]}.xlsx", HEADER, rows)


def clip_specs(subjects: int | None, seed: int) -> list[ClipSpec]:
    """The clips of a synthetic copy; a whole one has 165, dealt to 30 people as evenly as can be."""
    names = [f"{i:02d}" for i in range(1, SUBJECTS + 1)][:subjects]
    counts = dict(zip(names, split_evenly(sum(LABELS.values()), SUBJECTS), strict=False))
    specs, used = [], Counter[str]()
    for subject, labels in assign_labels(subsample_counts(LABELS, sum(counts.values())), counts, seed):
        used[subject] += 1
        specs.append(clip_spec("casme3c", subject, str(used[subject]), labels, seed))
    return specs
