"""SAMM: 159 micro-movements of 29 of its 32 people at 200 frames a second, in gray."""

from __future__ import annotations

from pathlib import Path

from ..core.clip import Clip
from . import _sheets as sheets
from .base import DATASETS, Dataset, DatasetInfo, DatasetIssue
from .synthetic import clips as casting

SHEET = "SAMM_Micro_FACS_Codes_v2.xlsx"
SHEETS = tuple(
    top + name for name in (SHEET, "SAMM_20181215_Micro_FACS_Codes_v2.xlsx") for top in ("", "SAMM/", "SAMM_CROP/")
)
COLUMNS = ("Subject", "Filename", "Onset Frame", "Apex Frame", "Offset Frame", "Action Units", "Estimated Emotion")
ABOVE = ("synthetic codes in the layout of the release",) + ("-",) * 12


@DATASETS.register("samm")
class Samm(Dataset):
    """`006/006_1_2/006_05562.jpg`, below the root, `SAMM/` or `SAMM_CROP/`; the sheet has 13 rows of text on top.

    Copies of the sheet differ in a few apex and offset frames: contradictions are named when it is read. Repair them
    with a `corrections.csv` beside the sheet; none ships, because the value to expect depends on the copy.
    """

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
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The sheet; the picture folder's name is the clip's."""
        sheet = sheets.find(self.root, SHEETS, "sheet of codes")
        rows, faults = sheets.people(sheet, (*COLUMNS, "Objective Classes"))
        clips: list[Clip] = []
        for number, row in rows:
            person, name = f"{number:03d}", row["Filename"]
            clip_id = f"samm/{person}/{name}"
            emotion = "Other" if row["Estimated Emotion"] == "Others" else row["Estimated Emotion"]
            labels = {
                "emotion": emotion,
                "objective": row["Objective Classes"],
                "action_units": row["Action Units"],
            }
            columns = ("Onset Frame", "Apex Frame", "Offset Frame")
            times, wrong = sheets.times(clip_id, row, columns, needed=("onset", "offset"))
            faults += wrong
            clips.append(
                Clip(clip_id, "samm", f"samm/{person}", self._pictures(person, name), self.info.fps, *times, labels)
            )
        return clips, faults

    def _pictures(self, person: str, name: str) -> Path:
        places = [self.root / top / person / name for top in (".", "SAMM", "SAMM_CROP")]
        return next((place for place in places if place.is_dir()), places[0])

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Gray pictures of the face as in the cropped release, 400x400, and the sheet."""
        rows = []
        shooting = casting.RecordingSpec(
            "samm", fps=200, size=(400, 400), image_scale=image_scale, gray=True, first=1000
        )
        for role in casting.samm(subjects, seed):
            folder = root / role.person / role.name
            onset, apex, offset = shooting.write_frames(role, folder, role.person + "_{:05d}.jpg")
            times = (onset, apex, offset, offset - onset + 1)
            rows.append(
                (role.person, role.name, "", *times, "Micro - 1/2", role.action_units, role.emotion, role.objective, "")
            )
        header = (
            *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration"),
            *("Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes"),
        )
        sheets.write_rows(root / SHEET, header, rows, ABOVE)
