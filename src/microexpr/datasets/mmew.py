"""MMEW: 300 micro-expressions at 90 frames per second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..core.clip import Clip
from ..synthetic import Timing
from . import _sheets as sheets
from ._corrections import write_corrections
from ._known_rows import MEB, WrongRow, wrong_row_issues
from ._records import Correction, DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.action_units import deal_action_units
from .synthetic.clips import ClipSpec, Labels, RecordingSpec, assign_labels, clip_spec, split_evenly, subsample_counts

SHEETS = tuple(
    f"{top}MMEW_Micro_Exp{end}" for top in ("", "MMEW_Final/", "MMEW/") for end in (".xlsx", "_v2.xlsx", ".csv")
)
IMAGE_FOLDERS = ("Micro_Expression", "MMEW_Final/Micro_Expression", "MMEW/Micro_Expression")
COLUMNS = (
    "Subject",
    "Filename",
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    "Action Units",
    "Estimated Emotion",
)
SUBJECTS = 36
CLIPS = 300

EMOTION_NUMBERS = {"happiness": 1, "surprise": 2, "disgust": 3, "others": 4, "fear": 5, "sadness": 6, "anger": 7}
"""Number of each emotion in the names of clips: in a copy, the order in which the release's page lists them."""


# fmt: off
WRONG_TIMES = {
    33: (40, 75), 35: (15, 54), 36: (46, 59), 37: (20, 98), 38: (25, 80), 39: (20, 93), 40: (23, 58), 41: (28, 61),
    42: (32, 68), 142: (56, 88), 143: (32, 80), 145: (27, 85), 146: (22, 61), 148: (29, 108), 154: (31, 72),
    156: (38, 106),
}
# fmt: on
"""Row of the sheet, counted from 0 -> its right (apex, offset), by the reader of Varanka et al."""

WRONG_ROWS = tuple(
    WrongRow(row, field, str(value))
    for row, times in WRONG_TIMES.items()
    for field, value in zip(("apex", "offset"), times, strict=True)
)

LABELS: dict[Labels, int] = {
    ("happiness", "I"): 36,
    ("surprise", "II"): 89,
    ("disgust", "III"): 26,
    ("others", "III"): 36,
    ("anger", "III"): 8,
    ("disgust", "IV"): 46,
    ("sadness", "V"): 13,
    ("fear", "VI"): 8,
    ("fear", "VII"): 8,
    ("others", "VII"): 30,
}
"""Clips of a synthetic copy by emotion, and by the objective class whose action units they show.

The release has no objective classes; how emotions are divided among them is our choice.
"""

POSITIVES = {1: 50, 2: 41, 4: 109, 5: 70, 6: 10, 7: 47, 9: 8, 10: 38, 12: 37, 14: 17, 15: 6, 17: 11}
"""Action unit -> clips that show it, of those that CD6ME counts (Varanka et al. 2022)."""


@DATASETS.register("mmew")
class Mmew(Dataset):
    """`Micro_Expression/happiness/S03-01-002/1.jpg`, or with folders of people, `S03/happiness/S03-01-002/1.jpg`.

    The emotion `others` of the sheet is the folder `repression`; a sheet that writes `repression` is read as `others`.
    The release's page says what the parts of a clip's name are: person, emotion and number of the sample.

    Sixteen rows have wrong apex and offset frames. They are known by their numbers only (`WRONG_ROWS`), so they are not
    corrected: `check` names each with the line of a `corrections.csv` that corrects it.

    How many people have clips was not seen; the paper names 36, and a synthetic copy has them.
    """

    read_needs_images = False
    info = DatasetInfo(
        title="MMEW, micro-expressions",
        citation="Ben et al. 2021, Video-based Facial Micro-Expression Analysis: A Survey of Datasets, Features and "
        "Algorithms, IEEE TPAMI 44(9)",
        access="license agreement with Shandong University (dpailab.com)",
        fps=90,
        clips=CLIPS,
        counts={
            "emotion": {
                "surprise": 89,
                "disgust": 72,
                "others": 66,
                "happiness": 36,
                "fear": 16,
                "sadness": 13,
                "anger": 8,
            }
        },
        source="as papers quote Ben et al. 2021; not compared with the sheet",
        more_labels=("action_units",),
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The rows of the sheet; the name of a clip is that of its folder."""
        rows, issues = sheets.read_subject_rows(sheets.find_path(self.root, SHEETS, "sheet"), COLUMNS)
        images = next((self.root / n for n in IMAGE_FOLDERS if (self.root / n).is_dir()), self.root)
        clips: list[Clip] = []
        for number, row in rows:
            subject, name = f"S{number:02d}", row["Filename"]
            clip_id, emotion = f"mmew/{subject}/{name}", row["Estimated Emotion"].lower()
            emotion = "others" if emotion == "repression" else emotion
            columns = ("OnsetFrame", "ApexFrame", "OffsetFrame")
            times, time_issues = sheets.parse_times(clip_id, row, columns, needed=("onset", "offset"))
            issues += time_issues
            labels = {"emotion": emotion, "action_units": row["Action Units"]}
            source = _image_folder(images, subject, emotion, name)
            clips.append(Clip(clip_id, "mmew", f"mmew/{subject}", source, self.info.fps, *times, labels))
        return clips, issues

    def compare_with_published(self, clips: Sequence[Clip]) -> list[DatasetIssue]:
        """An issue for every published number that these clips do not have, and for every row of `WRONG_ROWS`."""
        sheet = [clip.id for clip in self.read()[0]]
        return [*super().compare_with_published(clips), *wrong_row_issues(WRONG_ROWS, sheet, clips, CLIPS, MEB)]

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """The sheet and the images, 231x231.

        In a whole copy the known rows are wrong as well, apex and offset being exchanged (what the release has instead
        is not known to us), and a `corrections.csv` corrects them.
        """
        rows, corrections = [], []
        recording = RecordingSpec("mmew", fps=90, size=(231, 231), image_scale=image_scale)
        for row, spec in enumerate(clip_specs(subjects, seed)):
            word = "repression" if spec.emotion == "others" else spec.emotion
            folder = root / IMAGE_FOLDERS[0] / word / spec.name
            wrong = WRONG_TIMES.get(row) if subjects is None else None
            timing = Timing(recording.pad, wrong[0] - 1, wrong[1] - 1, wrong[1] + recording.pad, 90) if wrong else None
            onset, apex, offset = recording.write_frames(spec, folder, "{}.jpg", timing)
            if wrong:
                clip_id = f"mmew/{spec.subject}/{spec.name}"
                corrections.append(Correction(clip_id, "apex", str(offset), str(apex), f"row {row}: {MEB}"))
                corrections.append(Correction(clip_id, "offset", str(apex), str(offset), f"row {row}: {MEB}"))
                apex, offset = offset, apex
            labels = (spec.action_units, spec.emotion, "")
            rows.append((int(spec.subject[1:]), spec.name, onset, apex, offset, *labels))
        sheets.write_rows(root / SHEETS[0], (*COLUMNS, "remarks"), rows)
        if corrections:
            write_corrections(root, corrections)


def _image_folder(images: Path, subject: str, emotion: str, name: str) -> Path:
    """The folder of a clip, whichever way its emotion is written, below its person or not."""
    words = ("repression", "others") if emotion == "others" else (emotion,)
    folders = [images / above / word / name for above in (".", subject) for word in words]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def clip_specs(subjects: int | None, seed: int) -> list[ClipSpec]:
    """The clips of a synthetic copy; a whole one has the published counts of emotions and action units.

    Its 300 clips are dealt to 36 people as evenly as can be.
    """
    names = [f"S{i:02d}" for i in range(1, SUBJECTS + 1)][:subjects]
    counts = dict(zip(names, split_evenly(CLIPS, SUBJECTS), strict=False))
    labels = subsample_counts(LABELS, sum(counts.values()))
    specs, used = [], Counter[tuple[str, str]]()
    for subject, own in assign_labels(labels, counts, seed):
        used[subject, own[0]] += 1
        name = f"{subject}-{EMOTION_NUMBERS[own[0]]:02d}-{used[subject, own[0]]:03d}"
        specs.append(clip_spec("mmew", subject, name, own, seed))
    return deal_action_units(specs, LABELS, POSITIVES, seed)
