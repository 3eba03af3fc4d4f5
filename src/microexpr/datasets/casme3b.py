"""CAS(ME)^3, part B: 1508 videos of 116 people without annotated expressions, with reports of what they felt."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from ..core.clip import Clip
from ..core.errors import MissingDataError
from ..synthetic import Timing
from . import _sheets as sheets
from ._casme3 import ACCESS, CITATION, FPS, LETTERS, find_images, find_sheet, video_clips
from ._macro import BASIC_EMOTIONS
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.clips import RecordingSpec, clip_spec

SHEETS = ("part_B_self_report_by_subjects_per_video",)
COLUMNS = ("Subject|sub", "Filename|video")
PEOPLE = 116
ASKED = (*BASIC_EMOTIONS, "interest")
"""Emotions of a synthetic copy's reports, each from 1 to 5: seven as in the release, whose names we have not seen."""


@DATASETS.register("casme3b")
class Casme3B(Dataset):
    """`part_B/spNO.1/a/color/1.jpg`, a clip for each of the 13 videos that a person watched, without onset and offset.

    Nobody has labeled the videos, so there is no class of emotion to recognize: they are for learning without labels.
    A person's report after a video, seven emotions from 1 to 5 each, is in labels that are called like the columns of
    the sheet `part_B_self_report_by_subjects_per_video`.

    Folders are taken to be named as in part A. The columns of the sheet are not published: it needs the person in
    `Subject` or `sub` and the letter of the video in `Filename` or `video`; all others become labels. A sheet of
    another form is an error that lists its columns; without a sheet the clips have no labels. A video that only the
    sheet names is a clip whose frames are missing.
    """

    info = DatasetInfo(
        title="CAS(ME)^3, part B, unlabeled videos",
        citation=CITATION,
        access=ACCESS,
        fps=FPS,
        clips=PEOPLE * len(LETTERS),
        subjects=PEOPLE,
        source="Li et al. 2023 (1508 unlabeled videos); 116 people by the release's page",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The folders of images, and the reports where their sheet is there."""
        reports, issues = self._reports()
        videos = video_clips(self.name, find_images(self.root, "B"), dict.fromkeys(reports, ()), "spNO.{}")
        by_id = {f"{self.name}/{person}/{video}": report for (person, video), report in reports.items()}
        return [dataclasses.replace(video, labels=by_id.get(video.id, {})) for video in videos], issues

    def _reports(self) -> tuple[dict[tuple[str, str], dict[str, str]], list[DatasetIssue]]:
        """(person, video) -> emotion -> 1 to 5, and an issue for each row that cannot be understood."""
        try:
            path = find_sheet(self.root, "B", SHEETS, "sheet of reports")
        except MissingDataError:
            return {}, []
        keys = ("Subject", "Filename", sheets.LINE)
        rows, issues = sheets.read_subject_rows(path, COLUMNS)
        reports: dict[tuple[str, str], dict[str, str]] = {}
        for number, row in rows:
            video = f"spNO.{number}", row["Filename"].lower()
            if video in reports:
                where = f"{path.name}, row {row[sheets.LINE]}"
                issues.append(DatasetIssue(where, "Filename", row["Filename"], f"{video[0]} has a report of it above"))
            reports[video] = {column.lower(): cell for column, cell in row.items() if column not in keys}
        return reports, issues

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Eight frames of each video, 480x640, in which something moves, and reports that are drawn at random."""
        recording = RecordingSpec("casme3b", FPS, (480, 640), image_scale, framing="wide")
        rng = np.random.default_rng(seed)
        rows: list[tuple[object, ...]] = []
        for subject in [f"spNO.{i}" for i in range(1, PEOPLE + 1)][:subjects]:
            for letter in LETTERS:
                spec = clip_spec("casme3b", subject, letter, ("others", ""), seed)
                folder = root / "part_B" / subject / letter / "color"
                recording.write_frames(spec, folder, "{}.jpg", Timing(onset=1, apex=3, offset=6, frames=8, fps=FPS))
                rows.append((subject, letter, *rng.integers(1, 6, len(ASKED)).tolist()))
        header = ("Subject", "Filename", *ASKED)
        sheets.write_rows(root / "supplementary_file" / f"{SHEETS[0]}.xlsx", header, rows)
