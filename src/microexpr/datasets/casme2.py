"""CASME II: 255 micro-expressions of 26 people at 200 frames a second."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ..core.clip import Clip
from ..synthetic import Timing
from . import _sheets as sheets
from .base import DATASETS, Correction, Dataset, DatasetInfo, DatasetIssue
from .synthetic import clips as casting

SHEETS = ("CASME2-coding-20140508.xlsx", "CASME2-coding-20190701.xlsx")
OBJECTIVE = "CASME2-ObjectiveClasses.xlsx"
PICTURES = ("Cropped", "Cropped-updated/Cropped", "CASME2_RAW_selected")
COLUMNS = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion")
NO_APEX = ("sub04", "EP12_01f")
ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII")
CLASSES = {str(i): word for i, word in enumerate(ROMAN, 1)}


@DATASETS.register("casme2")
class Casme2(Dataset):
    """`Cropped/sub01/EP02_01f/reg_img46.jpg`, or else `CASME2_RAW_selected/sub01/EP02_01f/img46.jpg`.

    The sheet of 2014 comes before that of 2019 where both are there: the published protocols count its rows. The
    objective classes are a sheet of their own; without it clips have no `objective`, and `check` says so.
    """

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
        per_subject={f"casme2/sub{i:02d}": n for i, n in enumerate(casting.CASME2_PEOPLE, 1)},
        source="sheet of 8 May 2014",
    )
    corrections = (
        Correction(
            "casme2/sub04/EP12_01f", "apex", "", "279", "the sheet has '/'; frame 279 as in meb (Varanka et al.)"
        ),
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """Both sheets, joined by person and file name."""
        rows, faults = sheets.people(sheets.find(self.root, SHEETS, "coding sheet"), COLUMNS)
        pictures = sheets.find(self.root, PICTURES, "picture folder")
        objective, more = self._objective()
        faults += more
        clips: list[Clip] = []
        for number, row in rows:
            person, name = f"sub{number:02d}", row["Filename"]
            clip_id = f"casme2/{person}/{name}"
            labels = {"emotion": row["Estimated Emotion"].lower(), "action_units": row["Action Units"]}
            if (person, name) in objective:
                labels["objective"] = objective[person, name]
            columns = ("OnsetFrame", "ApexFrame", "OffsetFrame")
            times, wrong = sheets.times(clip_id, row, columns, unknown=("/",), needed=("onset", "offset"))
            faults += wrong
            source = pictures / person / name
            clips.append(Clip(clip_id, "casme2", f"casme2/{person}", source, self.info.fps, *times, labels))
        return clips, faults

    def _objective(self) -> tuple[dict[tuple[str, str], str], list[DatasetIssue]]:
        """(person, clip) to class I to VII, which the sheet writes as 1 to 7; empty without the sheet."""
        path = self.root / OBJECTIVE
        if not path.is_file():
            return {}, []
        rows, faults = sheets.people(path, ("Subject", "Filename", "Objective Class"))
        classes = {}
        for number, row in rows:
            person, value = f"sub{number:02d}", row["Objective Class"]
            if value not in CLASSES:
                clip = f"casme2/{person}/{row['Filename']}"
                faults.append(DatasetIssue(clip, "objective", value, f"must be 1 to 7 ({OBJECTIVE})"))
                continue
            classes[person, row["Filename"]] = CLASSES[value]
        return classes, faults

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Both sheets and the cropped pictures, 280x340."""
        rows, classes = [], []
        shooting = casting.RecordingSpec("casme2", fps=200, size=(340, 280), image_scale=image_scale)
        for role in casting.casme2(subjects, seed):
            folder = root / "Cropped" / role.person / role.name
            shown: object
            if (role.person, role.name) == NO_APEX:  # its frames in the sheet: 261, /, 321
                late = dataclasses.replace(shooting, first=258)
                onset, _, offset = late.write_frames(role, folder, "reg_img{}.jpg", Timing(3, 21, 63, 67, 200))
                shown = "/"
            else:
                onset, shown, offset = shooting.write_frames(role, folder, "reg_img{}.jpg")
            rows.append((role.person[3:], role.name, None, onset, shown, offset, None, role.action_units, role.emotion))
            classes.append((int(role.person[3:]), role.name, ROMAN.index(role.objective) + 1))
        header = ("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, *COLUMNS[5:])
        sheets.write_rows(root / SHEETS[0], header, rows)
        sheets.write_rows(root / OBJECTIVE, ("Subject", "Filename", "Objective Class"), classes)
