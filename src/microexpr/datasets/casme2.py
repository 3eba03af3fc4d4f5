"""CASME II: 255 micro-expressions of 26 subjects at 200 frames per second, and one more in a later sheet."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from ..core.clip import Clip
from ..synthetic import Timing
from . import _sheets as sheets
from ._objective import ROMAN, objective_class
from ._records import Correction, DatasetInfo, DatasetIssue
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

SHEETS = ("CASME2-coding-20140508.xlsx", "CASME2-coding-20190701.xlsx")
UPDATED_SHEETS = ("CASME2-coding-updated.xlsx",)
OBJECTIVE = "CASME2-ObjectiveClasses.xlsx"
IMAGE_FOLDERS = ("Cropped", "Cropped-updated/Cropped", "CASME2_RAW_selected")
COLUMNS = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion")
NO_APEX = ("sub04", "EP12_01f")

CLIPS_PER_SUBJECT = (9, 13, 7, 5, 19, 5, 9, 3, 14, 14, 10, 12, 8, 4, 3, 4, 36, 3, 16, 11, 2, 2, 12, 10, 7, 17)
"""Clips of sub01 to sub26."""

MEGC2019_CLIPS_PER_SUBJECT = (3, 9, 5, 2, 6, 4, 5, 1, 10, 0, 4, 11, 2, 3, 3, 3, 31, 0, 11, 2, 1, 2, 8, 3, 5, 11)
"""Clips of sub01 to sub26 in the list of MEGC 2019, which leaves out `NOT_IN_MEGC2019`."""

NOT_IN_MEGC2019 = {"sub04": ("EP12_01f", ("disgust", "III")), "sub05": ("EP09_05f", ("disgust", "IV"))}
"""Subject -> (clip, its labels in a synthetic copy): clips of the emotions of MEGC 2019 that its list leaves out."""

LABELS: Mapping[Labels, int] = {
    ("happiness", "I"): 25,
    ("surprise", "II"): 15,
    ("disgust", "III"): 35,
    ("others", "III"): 64,
    ("disgust", "IV"): 25,
    ("others", "IV"): 1,
    ("sadness", "V"): 7,
    ("repression", "V"): 8,
    ("surprise", "V"): 4,
    ("happiness", "V"): 1,
    ("fear", "VI"): 1,
    ("happiness", "VII"): 6,
    ("surprise", "VII"): 6,
    ("disgust", "VII"): 3,
    ("repression", "VII"): 19,
    ("fear", "VII"): 1,
    ("others", "VII"): 34,
}
"""Clips by emotion and objective class.

The counts of each emotion, of each class, and of both for classes III to V are published; the rest is the only even
split left.
"""

ADDED = ("sub24", "EP02_07", ("repression", "VII"))
"""The clip that only the updated sheet has, and its labels in a synthetic copy, which are our choice.

Varanka et al. say that row 222 of it, the second of sub24, is in no other sheet, and leave sub24/EP02_07 out of MEGC
2019.
"""

POSITIVES = {1: 26, 2: 22, 4: 130, 5: 2, 6: 13, 7: 39, 9: 13, 10: 16, 12: 34, 14: 27, 15: 16, 17: 25}
"""Action unit -> clips of the updated sheet that show it, of the twelve that Varanka et al. evaluate across data sets
(CD6ME)."""


@DATASETS.register("casme2")
class Casme2(Dataset):
    """`Cropped/sub01/EP02_01f/reg_img46.jpg`, or else `CASME2_RAW_selected/sub01/EP02_01f/img46.jpg`.

    The sheet of 2014 is preferred to that of 2019 where both are there: the published protocols count its rows. The
    objective classes are a sheet of their own; without it clips have no `objective`, and `check` reports it.
    """

    read_needs_images = False
    sheet_names: ClassVar[tuple[str, ...]] = SHEETS
    has_added: ClassVar[bool] = False
    info = DatasetInfo(
        title="CASME II",
        citation="Yan et al. 2014, CASME II: An Improved Spontaneous Micro-Expression Database, PLoS ONE 9(1)",
        access="license agreement with the Institute of Psychology, Chinese Academy of Sciences",
        fps=200,
        clips=255,
        subjects=26,
        counts={
            "emotion": {
                "others": 99,
                "disgust": 63,
                "happiness": 32,
                "repression": 27,
                "surprise": 25,
                "sadness": 7,
                "fear": 2,
            },
            "objective": {"I": 25, "II": 15, "III": 99, "IV": 26, "V": 20, "VI": 1, "VII": 69},
        },
        per_subject={f"casme2/sub{i:02d}": n for i, n in enumerate(CLIPS_PER_SUBJECT, 1)},
        source="sheet of 8 May 2014",
        more_labels=("action_units",),
    )
    corrections = (
        Correction(
            "casme2/sub04/EP12_01f", "apex", "", "279", "the sheet has '/'; frame 279 as in meb (Varanka et al.)"
        ),
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The rows of both sheets, joined by subject and file name."""
        rows, issues = sheets.read_subject_rows(sheets.find_path(self.root, self.sheet_names, "coding sheet"), COLUMNS)
        images = sheets.first_folder(self.root, IMAGE_FOLDERS)
        objective, objective_issues = self._objective()
        issues += objective_issues
        clips: list[Clip] = []
        for number, row in rows:
            subject, name = f"sub{number:02d}", row["Filename"]
            clip_id = f"casme2/{subject}/{name}"
            labels = {"emotion": row["Estimated Emotion"].lower(), "action_units": row["Action Units"]}
            if (subject, name) in objective:
                labels["objective"] = objective[subject, name]
            columns = ("OnsetFrame", "ApexFrame", "OffsetFrame")
            times, time_issues = sheets.parse_times(clip_id, row, columns, unknown=("/",), needed=("onset", "offset"))
            issues += time_issues
            source = images / subject / name
            clips.append(Clip(clip_id, "casme2", f"casme2/{subject}", source, self.info.fps, *times, labels))
        return clips, issues

    def _objective(self) -> tuple[dict[tuple[str, str], str], list[DatasetIssue]]:
        """(subject, clip) -> class I to VII, which the sheet writes as 1 to 7; empty without the sheet."""
        path = self.root / OBJECTIVE
        if not path.is_file():
            return {}, []
        rows, issues = sheets.read_subject_rows(path, ("Subject", "Filename", "Objective Class"))
        classes = {}
        for number, row in rows:
            subject, value = f"sub{number:02d}", row["Objective Class"]
            if objective_class(value) not in ROMAN:
                clip_id = f"casme2/{subject}/{row['Filename']}"
                issues.append(DatasetIssue(clip_id, "objective", value, f"must be 1 to 7 ({OBJECTIVE})"))
                continue
            classes[subject, row["Filename"]] = objective_class(value)
        return classes, issues

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Both sheets and the cropped images, 280x340."""
        rows, classes = [], []
        recording = RecordingSpec("casme2", fps=200, size=(340, 280), image_scale=image_scale)
        for spec in clip_specs(subjects, seed, added=cls.has_added):
            folder = root / "Cropped" / spec.subject / spec.name
            apex_cell: object
            if (spec.subject, spec.name) == NO_APEX:  # its frames in the sheet: 261, /, 321
                numbered = dataclasses.replace(recording, first_number=258)
                onset, _, offset = numbered.write_frames(spec, folder, "reg_img{}.jpg", Timing(3, 21, 63, 67, 200))
                apex_cell = "/"
            else:
                onset, apex_cell, offset = recording.write_frames(spec, folder, "reg_img{}.jpg")
            times = (onset, apex_cell, offset)
            rows.append((spec.subject[3:], spec.name, None, *times, None, spec.action_units, spec.emotion))
            if (spec.subject, spec.name) != ADDED[:2]:
                classes.append((int(spec.subject[3:]), spec.name, ROMAN.index(spec.objective) + 1))
        header = ("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, *COLUMNS[5:])
        sheets.write_rows(root / cls.sheet_names[0], header, rows)
        sheets.write_rows(root / OBJECTIVE, ("Subject", "Filename", "Objective Class"), classes)


@DATASETS.register("casme2_updated")
class Casme2Updated(Casme2):
    """CASME II by the sheet `CASME2-coding-updated.xlsx`, in the folders of `casme2`: CD6ME counts its 256 rows.

    Clips and people have the names they have in `casme2`; never give a recipe both. Apexes that are '/' are unknown,
    but for the one that is corrected in `casme2`, too: Varanka et al. estimate 21 of them from optical flow and correct
    one offset, by the number of the row. A `corrections.csv` beside the sheet adds them. The clip that is added has no
    objective class.
    """

    sheet_names = UPDATED_SHEETS
    has_added = True
    info = dataclasses.replace(
        Casme2.info,
        title="CASME II, updated sheet",
        clips=256,
        counts={},
        per_subject={subject: n + (subject == f"casme2/{ADDED[0]}") for subject, n in Casme2.info.per_subject.items()},
        source="sheet of 8 May 2014, and the row that Varanka et al. say is added",
        more_labels=("emotion", "objective", "action_units"),
    )


def clip_specs(subjects: int | None, seed: int, added: bool = False) -> list[ClipSpec]:
    """The clips of a synthetic copy; a whole one has the published counts, those of MEGC 2018 and 2019 among them.

    The counts of action units are those of the updated sheet: they hold with the clip that it adds.

    Args:
        subjects: how many; None for all.
        seed: of what is drawn.
        added: also the clip that only the updated sheet has, if its subject is among them.
    """
    fixed_names = {subject: name for subject, (name, _) in NOT_IN_MEGC2019.items()}
    specs, used = [], Counter[str]()
    for subject, labels in sorted(_subject_labels(subjects, seed)):
        used[subject] += 1
        name = f"EP{1 + used[subject] // 9:02d}_{1 + used[subject] % 9:02d}"
        if subject in fixed_names and labels == NOT_IN_MEGC2019[subject][1]:
            name = fixed_names.pop(subject)
        specs.append(clip_spec("casme2", subject, name, labels, seed))
    subject, name, labels = ADDED
    if subject in used:
        specs.append(clip_spec("casme2", subject, name, labels, seed))
    specs = deal_action_units(specs, {**LABELS, labels: LABELS[labels] + 1}, POSITIVES, seed)
    return [spec for spec in specs if added or (spec.subject, spec.name) != ADDED[:2]]


def _subject_labels(subjects: int | None, seed: int) -> list[tuple[str, Labels]]:
    """A (subject, labels) pair for each clip."""
    names = [f"sub{i:02d}" for i in range(1, 27)][:subjects]
    # The clips with an emotion of MEGC 2019 are assigned first, then all others.
    n_task = {n: MEGC2019_CLIPS_PER_SUBJECT[i] + (n in NOT_IN_MEGC2019) for i, n in enumerate(names)}
    n_other = {n: CLIPS_PER_SUBJECT[i] - n_task[n] for i, n in enumerate(names)}
    task = {k: v for k, v in LABELS.items() if k[0] in ("happiness", "surprise", "disgust", "repression")}
    other = {k: v for k, v in LABELS.items() if k not in task}
    if subjects is not None:
        task, other = subsample_counts(task, sum(n_task.values())), subsample_counts(other, sum(n_other.values()))
    pairs: list[tuple[str, Labels]] = []
    if subjects is None:
        # 20 subjects have a clip of happiness, surprise or repression: the four with the fewest have disgust only.
        left = Counter(task)
        for name in sorted((n for n in names if n_task[n]), key=lambda n: (n_task[n], n))[:4]:
            disgust = [("disgust", ("IV", "III")[i % 2]) for i in range(n_task.pop(name))]
            pairs += [(name, labels) for labels in disgust]
            left.subtract(disgust)
        task = dict(left)
    for name, (_, labels) in NOT_IN_MEGC2019.items():
        if name in n_task:
            pairs.append((name, labels))
            task = {**task, labels: task[labels] - 1}
            n_task[name] -= 1
    # All others show happiness once, and everyone has a clip of classes I to V.
    first = [(n, ("happiness", "I")) for n in n_task] if subjects is None else two_labels_per_subject(task, n_task)
    pairs += assign_labels(task, n_task, seed, first)
    pairs += assign_labels(other, n_other, seed + 1, [(n, ("others", "III")) for n in names])
    return pairs
