"""CASME: micro-expressions at 60 frames per second, 189 of them in the sheet that others use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..core.clip import Clip
from ..synthetic import Timing
from . import _sheets as sheets
from ._known_rows import MEB, WrongRow, wrong_row_issues
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.action_units import deal_action_units
from .synthetic.clips import ClipSpec, Labels, RecordingSpec, assign_labels, clip_spec, split_evenly, subsample_counts

SHEET = "CASME-coding.xlsx"
IMAGE_FOLDERS = ("Cropped", "casme1_cropped", "CASME_raw_selected")
COLUMNS = ("Subject", "Filename", "Emotion", "OnsetF", "ApexF1", "OffsetF", "AU")
SUBJECTS = 19
CLIPS = 189

ZERO_PADDED_FROM = 92
"""Row of the sheet, counted from 0, from which on the numbers of frames have three digits in the names of files."""


WRONG_TIMES = {
    40: {"onset": 100, "apex": 120, "offset": 149},
    42: {"onset": 101, "apex": 110, "offset": 119},
    43: {"onset": 57, "apex": 65, "offset": 74},
    54: {"offset": 40},
    140: {"offset": 142},
}
"""Row of the sheet, counted from 0 -> its right times, by the reader of Varanka et al., who compared the sheet with the
images; the apexes are frames in the middle."""

LABELS: dict[Labels, int] = {
    ("tense", "III"): 35,
    ("tense", "VII"): 34,
    ("disgust", "IV"): 43,
    ("disgust", "VII"): 1,
    ("repression", "VII"): 38,
    ("surprise", "II"): 20,
    ("happiness", "I"): 9,
    ("sadness", "V"): 6,
    ("fear", "VI"): 2,
    ("contempt", "VII"): 1,
}
"""Clips of a synthetic copy by emotion, and by the objective class whose action units they show.

The release has no objective classes. Disgust, repression, surprise and tense are as frequent as where 171 clips of
these four emotions are used; how the other 18 are divided is our choice.
"""

POSITIVES = {1: 23, 2: 17, 4: 70, 5: 0, 6: 1, 7: 4, 9: 40, 10: 3, 12: 9, 14: 23, 15: 14, 17: 13}
"""Action unit -> clips that show it, of the twelve that Varanka et al. evaluate across data sets (CD6ME)."""


@DATASETS.register("casme")
class Casme(Dataset):
    """`Cropped/sub01/EP01_3/reg_EP01_3-1.jpg`, or `EP01_3-1.jpg` in `CASME_raw_selected`; folders of people may be
    the root's.

    The sheet is the only xlsx file of the root that is there. The apex is its column `ApexF1`; an apex range's second
    frame, `ApexF2`, is not read. Copies of the sheet have wrong frame numbers in five rows. They are known by the
    number of the row only (`WRONG_TIMES`), so they are not corrected: `check` names each with the line of a
    `corrections.csv` that corrects it.

    People of CASME and of CASME II were recorded by one laboratory, and nothing says who took part in both:
    `casme/sub01` and `casme2/sub01` count as two people.
    """

    read_needs_images = False
    info = DatasetInfo(
        title="CASME",
        citation="Yan et al. 2013, CASME Database: A Dataset of Spontaneous Micro-Expressions, FG Workshops",
        access="license agreement with the Institute of Psychology, Chinese Academy of Sciences",
        fps=60,
        clips=CLIPS,
        subjects=SUBJECTS,
        source="rows of the sheet that Varanka et al. use; the paper has 195",
        more_labels=("emotion", "action_units"),
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The rows of the sheet; the name of a clip is that of its folder."""
        rows, issues = sheets.read_subject_rows(sheets.only_sheet(self.root), COLUMNS)
        images = next((self.root / n for n in IMAGE_FOLDERS if (self.root / n).is_dir()), self.root)
        clips: list[Clip] = []
        for number, row in rows:
            subject, name = f"sub{number:02d}", row["Filename"]
            clip_id = f"casme/{subject}/{name}"
            labels = {"emotion": row["Emotion"].lower(), "action_units": row["AU"]}
            columns = ("OnsetF", "ApexF1", "OffsetF")
            times, time_issues = sheets.parse_times(clip_id, row, columns, unknown=("/",), needed=("onset", "offset"))
            issues += time_issues
            source = images / subject / name
            clips.append(Clip(clip_id, "casme", f"casme/{subject}", source, self.info.fps, *times, labels))
        return clips, issues

    def compare_with_published(self, clips: Sequence[Clip]) -> list[DatasetIssue]:
        """An issue for every published number that these clips do not have, and for every row of `WRONG_TIMES`."""
        wrong = [WrongRow(row, name, str(n)) for row, times in WRONG_TIMES.items() for name, n in times.items()]
        sheet = [clip.id for clip in self.read()[0]]
        return [*super().compare_with_published(clips), *wrong_row_issues(wrong, sheet, clips, CLIPS, MEB)]

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """The sheet and the cropped images, 280x340; in a whole copy the rows of `WRONG_TIMES` have the right times."""
        rows = []
        recording = RecordingSpec("casme", fps=60, size=(340, 280), image_scale=image_scale)
        for row, spec in enumerate(clip_specs(subjects, seed)):
            number = "{}" if row < ZERO_PADDED_FROM else "{:03d}"
            folder = root / "Cropped" / spec.subject / spec.name
            known = WRONG_TIMES.get(row) if subjects is None else None
            recorded, timing = _timed(recording, known) if known else (recording, None)
            onset, apex, offset = recorded.write_frames(spec, folder, f"reg_{spec.name}-{number}.jpg", timing)
            subject = int(spec.subject.removeprefix("sub"))
            rows.append((subject, spec.name, None, spec.emotion, onset, apex, apex, offset, None, spec.action_units))
        header = ("Subject", "Filename", None, "Emotion", "OnsetF", "ApexF1", "ApexF2", "OffsetF", None, "AU")
        sheets.write_rows(root / SHEET, header, rows)


def _timed(recording: RecordingSpec, times: Mapping[str, int]) -> tuple[RecordingSpec, Timing]:
    """The recording and the timing of a clip with these times; 20 frames long where only the offset is known."""
    offset, pad = times["offset"], recording.pad
    onset, apex = times.get("onset", offset - 20), times.get("apex", offset - 10)
    length = offset - onset
    return replace(recording, first_number=onset - pad), Timing(
        pad, pad + apex - onset, pad + length, 2 * pad + length + 1, recording.fps
    )


def clip_specs(subjects: int | None, seed: int) -> list[ClipSpec]:
    """The clips of a synthetic copy; a whole one has 189, which are dealt to 19 people as evenly as can be."""
    names = [f"sub{i:02d}" for i in range(1, SUBJECTS + 1)][:subjects]
    counts = dict(zip(names, split_evenly(CLIPS, SUBJECTS), strict=False))
    labels = subsample_counts(LABELS, sum(counts.values()))
    specs, used = [], Counter[str]()
    for subject, own in assign_labels(labels, counts, seed):
        used[subject] += 1
        name = f"EP{1 + used[subject] // 9:02d}_{1 + used[subject] % 9}"
        specs.append(clip_spec("casme", subject, name, own, seed))
    return deal_action_units(specs, LABELS, POSITIVES, seed)
