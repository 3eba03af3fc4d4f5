"""MEVIEW: films of poker players and of interviews, 16 people, with a micro-expression each."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np

from ..core.clip import Clip
from ..imaging.video import write_video
from . import _sheets as sheets
from ._films import film_rate, find_below, find_films
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.clips import ClipSpec, Labels, RecordingSpec, assign_labels, clip_spec, subsample_counts

NAME = "Filename|File name|File|Video|Video name|Clip|Sample|Sequence|Name"
TIMES = (
    "Onset|OnsetFrame|Onset frame|OnsetF|Start|Start frame",
    "Offset|OffsetFrame|Offset frame|OffsetF|End|End frame",
)
OPTIONAL = {
    "apex": ("Apex", "ApexFrame", "Apex frame", "ApexF"),
    "emotion": ("Emotion", "Estimated Emotion", "Emotion type", "Expression"),
    "action_units": ("Action Units", "AUs", "AU", "FACS"),
}
FPS = 25
"""Frames per second of a copy, and of a clip that is a folder of images or not there."""

SUBJECTS = 16
CLIPS_PER_SUBJECT = 2


@DATASETS.register("meview")
class Meview(Dataset):
    """`sub01_01.mp4` or a folder of images `sub01_01/00001.png`, in folders of any names, and a sheet.

    The layout of the sheet was not seen; of the release are known the names of clips (person and number of the film),
    and that frames are numbered from 0. So the only xlsx or csv of the root is read whose header names, in one of
    several spellings, the clip (`Filename`), its `Onset` and its `Offset`; `Apex`, `Emotion` and `Action Units` are
    read where they are there. A second row of a film is a clip of its own, `sub01_01#2`.

    The number of clips that sources give differs (31 and 40), so none is compared. That a copy has two clips of each
    person, and its emotions, is our choice.
    """

    info = DatasetInfo(
        title="MEVIEW, micro-expressions in the wild",
        citation="Husak, Cech and Matas 2017, Spotting Facial Micro-Expressions in the Wild, CVWW",
        access="from the authors, Czech Technical University in Prague",
        fps=0,
        subjects=SUBJECTS,
        source="names of its clips",
        more_labels=("emotion", "action_units"),
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The rows of the sheet, and the film or the folder of images of each."""
        path = sheets.only_sheet(self.root)
        films = find_films(self.root)
        folders = {folder.name: folder for folder in find_below(self.root, "sub*") if folder.is_dir()}
        clips: list[Clip] = []
        issues: list[DatasetIssue] = []
        used = Counter[str]()
        for row in sheets.read_rows(path, (NAME, *TIMES)):
            name = Path(row["Filename"]).stem
            person = re.match(r"(sub\d+)[_-]", name.lower())
            if person is None:
                where = f"{path.name}, row {row[sheets.LINE]}"
                issues.append(
                    DatasetIssue(where, "Filename", row["Filename"], "must begin with the person, as sub01_01")
                )
                continue
            used[name] += 1
            subject = f"meview/{person[1]}"
            clip_id = f"{subject}/{name}" if used[name] == 1 else f"{subject}/{name}#{used[name]}"
            more = {field: _cell(row, spellings) for field, spellings in OPTIONAL.items()}
            cells = {"onset": row["Onset"], "apex": more.pop("apex"), "offset": row["Offset"]}
            times, time_issues = sheets.parse_times(clip_id, cells, tuple(cells), needed=("onset", "offset"))
            issues += time_issues
            labels = {"emotion": more["emotion"].lower(), "action_units": more["action_units"]}
            labels = {field: text for field, text in labels.items() if text}
            source = films.get(name) or folders.get(name) or self.root / f"{name}.mp4"
            clips.append(Clip(clip_id, "meview", subject, source, film_rate(source, FPS), *times, labels))
        return clips, issues

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """A sheet, and films of 480x640 of head and shoulders, of which every other one is a folder of images."""
        rows = []
        recording = RecordingSpec(
            "meview", fps=FPS, size=(480, 640), image_scale=image_scale, framing="wide", pad=12, first_number=0
        )
        for number, spec in enumerate(clip_specs(subjects, seed)):
            if number % 2:
                times = recording.write_frames(spec, root / "images" / spec.name, "{:05d}.png")
            else:
                clip = recording.render(spec)
                write_video(root / "videos" / f"{spec.name}.mp4", np.stack(list(clip.frames())), fps=FPS)
                times = (clip.timing.onset, clip.timing.apex, clip.timing.offset)
            rows.append((spec.name, times[0], times[2], spec.emotion, spec.action_units))
        sheets.write_rows(root / "MEVIEW.xlsx", ("Filename", "Onset", "Offset", "Emotion", "Action Units"), rows)


def _cell(row: sheets.Row, spellings: tuple[str, ...]) -> str:
    """The cell of the first of these columns that is there."""
    plain = {"".join(name.lower().split()): cell for name, cell in row.items()}
    keys = ("".join(name.lower().split()) for name in spellings)
    return next((plain[key] for key in keys if key in plain), "")


def clip_specs(subjects: int | None, seed: int) -> list[ClipSpec]:
    """The clips of a synthetic copy, two of each person."""
    emotions = ("happiness", "surprise", "anger", "contempt", "fear", "disgust")
    names = [f"sub{i:02d}" for i in range(1, SUBJECTS + 1)][:subjects]
    counts = dict.fromkeys(names, CLIPS_PER_SUBJECT)
    labels: dict[Labels, int] = {(emotion, ""): SUBJECTS * CLIPS_PER_SUBJECT for emotion in emotions}
    specs, used = [], Counter[str]()
    for subject, own in assign_labels(subsample_counts(labels, sum(counts.values())), counts, seed):
        used[subject] += 1
        specs.append(clip_spec("meview", subject, f"{subject}_{used[subject]:02d}", own, seed))
    return specs
