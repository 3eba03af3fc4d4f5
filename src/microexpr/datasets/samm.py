"""SAMM: 159 micro-movements of 29 of its 32 subjects at 200 frames per second, in gray."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from ..core.clip import Clip
from . import _sheets as sheets
from ._objective import objective_class
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.action_units import deal_action_units
from .synthetic.clips import (
    ClipSpec,
    Labels,
    RecordingSpec,
    assign_labels,
    clip_spec,
    subsample_counts,
    two_labels_per_subject,
)

SHEET = "SAMM_Micro_FACS_Codes_v2.xlsx"
SHEETS = tuple(
    top + name for name in (SHEET, "SAMM_20181215_Micro_FACS_Codes_v2.xlsx") for top in ("", "SAMM/", "SAMM_CROP/")
)
COLUMNS = ("Subject", "Filename", "Onset Frame", "Apex Frame", "Offset Frame", "Action Units", "Estimated Emotion")
HEADER = (
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset Frame",
    "Apex Frame",
    "Offset Frame",
    "Duration",
    "Micro",
    "Action Units",
    "Estimated Emotion",
    "Objective Classes",
    "Notes",
)
TEXT_ABOVE = ("synthetic codes in the layout of the release",) + ("-",) * 12

# fmt: off
MEGC2019_CLIPS_PER_SUBJECT = {
    "006": 11, "007": 8, "009": 4, "010": 4, "011": 20, "012": 3, "013": 6, "014": 10, "015": 3, "016": 5,
    "017": 4, "018": 3, "019": 1, "020": 4, "021": 2, "022": 5, "023": 1, "024": 1, "026": 9, "028": 3,
    "030": 3, "031": 1, "032": 4, "033": 5, "034": 3, "035": 8, "036": 1, "037": 1,
}
# fmt: on
"""Clips of each subject in the list of MEGC 2019: all but those of emotion Other."""

ONLY_OTHER = "025"
"""The subject of the release who is not in the list of MEGC 2019: all clips have the emotion Other."""

LABELS: Mapping[Labels, int] = {
    ("Happiness", "I"): 24,
    ("Happiness", "VII"): 2,
    ("Surprise", "II"): 13,
    ("Surprise", "VII"): 2,
    ("Anger", "III"): 20,
    ("Anger", "VII"): 37,
    ("Disgust", "IV"): 8,
    ("Disgust", "VII"): 1,
    ("Sadness", "V"): 3,
    ("Sadness", "VII"): 3,
    ("Fear", "VI"): 7,
    ("Fear", "VII"): 1,
    ("Contempt", "VII"): 12,
    ("Other", "VII"): 26,
}
"""Clips by emotion and objective class: classes I to VI are one emotion each; VII has all others."""

POSITIVES = {1: 6, 2: 18, 4: 23, 5: 10, 6: 3, 7: 46, 9: 5, 10: 6, 12: 28, 14: 13, 15: 4, 17: 6}
"""Action unit -> clips that show it, of the twelve that Varanka et al. evaluate across data sets (CD6ME)."""

MEGC2018_CLASSES = frozenset({"I", "II", "III", "IV", "V"})


@DATASETS.register("samm")
class Samm(Dataset):
    """`006/006_1_2/006_05562.jpg`, below the root, `SAMM/` or `SAMM_CROP/`.

    The sheet has 13 rows of text above its header. Copies of it differ in a few apex and offset frames, and reading
    reports times that contradict each other: correct them with a `corrections.csv` beside the sheet. The package has no
    corrections of its own, because the wrong value depends on the copy. A few rows leave open which of two action units
    is shown, with `or` between them: `check` names them, and no protocol of action units has them until they are
    corrected.
    """

    read_needs_images = False
    info = DatasetInfo(
        title="SAMM",
        citation="Davison et al. 2018, SAMM: A Spontaneous Micro-Facial Movement Dataset, IEEE TAC 9(1)",
        access="license agreement with Manchester Metropolitan University",
        fps=200,
        clips=159,
        subjects=29,
        counts={
            "emotion": {
                "Anger": 57,
                "Happiness": 26,
                "Other": 26,
                "Surprise": 15,
                "Contempt": 12,
                "Disgust": 9,
                "Fear": 8,
                "Sadness": 6,
            },
            "objective": {"I": 24, "II": 13, "III": 20, "IV": 8, "V": 3, "VI": 7, "VII": 84},
        },
        source="sheet v2",
        more_labels=("action_units",),
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The rows of the sheet; the name of a clip is that of its folder."""
        sheet = sheets.find_path(self.root, SHEETS, "sheet of codes")
        rows, issues = sheets.read_subject_rows(sheet, (*COLUMNS, "Objective Classes"))
        clips: list[Clip] = []
        for number, row in rows:
            subject, name = f"{number:03d}", row["Filename"]
            clip_id = f"samm/{subject}/{name}"
            emotion = "Other" if row["Estimated Emotion"] == "Others" else row["Estimated Emotion"]
            labels = {
                "emotion": emotion,
                "objective": objective_class(row["Objective Classes"]),
                "action_units": row["Action Units"],
            }
            columns = ("Onset Frame", "Apex Frame", "Offset Frame")
            times, time_issues = sheets.parse_times(clip_id, row, columns, needed=("onset", "offset"))
            issues += time_issues
            source = self._image_folder(subject, name)
            clips.append(Clip(clip_id, "samm", f"samm/{subject}", source, self.info.fps, *times, labels))
        return clips, issues

    def _image_folder(self, subject: str, name: str) -> Path:
        folders = [self.root / top / subject / name for top in (".", "SAMM", "SAMM_CROP")]
        return next((folder for folder in folders if folder.is_dir()), folders[0])

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Gray images of the face as in the cropped release, 400x400, and the sheet."""
        rows = []
        recording = RecordingSpec(
            "samm", fps=200, size=(400, 400), image_scale=image_scale, gray=True, first_number=1000
        )
        for spec in clip_specs(subjects, seed):
            folder = root / spec.subject / spec.name
            onset, apex, offset = recording.write_frames(spec, folder, spec.subject + "_{:05d}.jpg")
            times = (onset, apex, offset, offset - onset + 1)
            labels = (spec.action_units, spec.emotion, spec.objective)
            rows.append((spec.subject, spec.name, "", *times, "Micro - 1/2", *labels, ""))
        sheets.write_rows(root / SHEET, HEADER, rows, TEXT_ABOVE)


def clip_specs(subjects: int | None, seed: int) -> list[ClipSpec]:
    """The clips of a synthetic copy; a whole one has the published counts.

    Those are the counts of emotions, objective classes and action units, the clips per subject of MEGC 2019, and the 21
    subjects of MEGC 2018.
    """
    specs, used = [], Counter[str]()
    for subject, labels in sorted(_subject_labels(subjects, seed)):
        used[subject] += 1
        name = f"{subject}_{1 + used[subject] // 8}_{1 + used[subject] % 8}"
        specs.append(clip_spec("samm", subject, name, labels, seed))
    return deal_action_units(specs, LABELS, POSITIVES, seed)


def _subject_labels(subjects: int | None, seed: int) -> list[tuple[str, Labels]]:
    """A (subject, labels) pair for each clip."""
    names = sorted([*MEGC2019_CLIPS_PER_SUBJECT, ONLY_OTHER])[:subjects]
    n_task = {name: MEGC2019_CLIPS_PER_SUBJECT.get(name, 0) for name in names}
    # Who has how many of the 26 clips called Other is not published: the others get them in turn.
    n_other = dict.fromkeys(names, 0)
    for i in range(26 if subjects is None else max(1, len(names) // 2)):
        only_other = ONLY_OTHER if ONLY_OTHER in names else names[0]
        n_other[only_other if i < 3 else names[(7 * i) % len(names)]] += 1
    task = {labels: n for labels, n in LABELS.items() if labels[0] != "Other"}
    other = {("Other", "VII"): sum(n_other.values())}
    if subjects is not None:
        task = subsample_counts(task, sum(n_task.values()))
        pairs = assign_labels(task, n_task, seed, two_labels_per_subject(task, n_task))
    else:
        pairs = _whole_task(task, n_task, seed)
    return pairs + assign_labels(other, n_other, seed + 1)


def _whole_task(counts: Mapping[Labels, int], subjects: Mapping[str, int], seed: int) -> list[tuple[str, Labels]]:
    """Assign the labels of MEGC 2019 so that exactly 21 subjects have a clip of classes I to V, as in MEGC 2018.

    The seven subjects with the fewest clips get classes VI and VII only.
    """
    fewest = sorted((name for name in subjects if subjects[name]), key=lambda name: (subjects[name], name))[:7]
    few = {name: subjects[name] for name in fewest}
    many = {name: n for name, n in subjects.items() if n and name not in few}
    few_counts = subsample_counts({k: n for k, n in counts.items() if k[1] not in MEGC2018_CLASSES}, sum(few.values()))
    many_counts = {labels: n - few_counts.get(labels, 0) for labels, n in counts.items()}
    by_frequency = sorted((k for k in many_counts if k[1] in MEGC2018_CLASSES), key=lambda k: -many_counts[k])
    pool = [labels for labels in by_frequency for _ in range(many_counts[labels])]
    first = list(zip(many, pool, strict=False))
    return assign_labels(few_counts, few, seed) + assign_labels(many_counts, many, seed + 2, first)
