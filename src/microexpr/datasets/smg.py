"""SMG: films of 40 people with 3692 micro-gestures. A related set: it has no expressions."""

from __future__ import annotations

import csv
from pathlib import Path

from ..core.clip import Clip
from . import _sheets as sheets
from ._films import film_rate, find_below, find_films
from ._gestures import KIND, read_gestures
from ._passed_over import note_read
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic import gestures
from .synthetic.clips import split_evenly

LABELS = "Sample*_finelabels.csv"
CLASSES = tuple(str(number) for number in range(1, 18))
SUBJECTS = 40
GESTURES = 3692
FPS = 28
"""Frames per second of a copy, and of a sample that has neither a film nor a table of data."""


@DATASETS.register("smg")
class Smg(Dataset):
    """`Sample0001/Sample0001_finelabels.csv` and `Sample0001_color.mp4`, in folders of any names.

    A sample is a person, and a long video whose intervals have the kind `gesture` and the label `gesture`, 1 to 17, as
    the release numbers them; what the numbers mean is in its paper. Published code tests on the people 36 to 40 and
    trains on the others.

    The frame rate is that of `Sample0001_data.csv` (frames, frames per second, depth) or else that of the film. The
    films' frames are numbered from 0; the frame numbers of the tables are taken as they are. Skeletons
    (`_skeleton.csv`) are not read.
    """

    info = DatasetInfo(
        title="SMG, micro-gestures",
        citation="Chen et al. 2023, SMG: A Micro-gesture Dataset Towards Spontaneous Body Gestures for Emotional "
        "Stress State Analysis, IJCV 131(6)",
        access="license agreement with the University of Oulu",
        fps=0,
        clips=SUBJECTS,
        subjects=SUBJECTS,
        events={"kind": {KIND: GESTURES}},
        source="Chen et al. 2023",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The tables of gestures, and the film of each."""
        tables = find_below(self.root, LABELS)
        if not tables:
            sheets.find_path(self.root, (f"Sample0001/{LABELS.replace('*', '0001')}",), "table of gestures")
        films = find_films(self.root)
        clips: list[Clip] = []
        issues: list[DatasetIssue] = []
        for table in tables:
            name = table.stem.removesuffix("_finelabels")
            number = name.removeprefix("Sample")
            subject = f"smg/{number}"
            clip_id = f"{subject}/{name}"
            if not number.isdecimal():
                issues.append(DatasetIssue(table.name, "sample", number, "is not the number of a sample"))
                continue
            intervals, _, wrong = read_gestures(table, clip_id, CLASSES)
            issues += wrong
            source = films.get(f"{name}_color", films.get(name, table.with_name(f"{name}_color.mp4")))
            fps, wrong = _frame_rate(table.with_name(f"{name}_data.csv"), source, clip_id)
            issues += wrong
            clips.append(Clip(clip_id, "smg", subject, source, fps, intervals=tuple(intervals)))
        return clips, issues

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Films of 240x320 in which a face shows a small expression for each gesture; few subjects have three each."""
        counts = split_evenly(GESTURES, SUBJECTS) if subjects is None else [3] * min(subjects, SUBJECTS)
        for number, n_gestures in enumerate(counts, 1):
            name = f"Sample{number:04d}"
            video = gestures.make_video("smg", name, name, n_gestures, FPS, seed)
            folder = root / "smg_skeleton" / name
            folder.mkdir(parents=True)
            rows = [f"{gesture + 1},{first},{last}" for gesture, first, last in gestures.gesture_rows(video, 17)]
            (folder / f"{name}_finelabels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
            (folder / f"{name}_data.csv").write_text(f"{len(video)},{FPS},0\n", encoding="utf-8")
            gestures.write_film(video, root / "smg_rgb" / name / f"{name}_color.mp4", image_scale)


def _frame_rate(data: Path, film: Path, clip_id: str) -> tuple[float, list[DatasetIssue]]:
    """The frame rate of a sample, and an issue for a table of data that does not have it."""
    if not data.is_file():
        return film_rate(film, FPS), []
    note_read(data)
    with data.open(newline="", encoding="utf-8-sig") as file:
        cells = next(csv.reader(file), [])
    rate = cells[1].strip() if len(cells) > 1 else ""
    if rate.isdecimal() and int(rate):
        return float(rate), []
    return film_rate(film, FPS), [DatasetIssue(clip_id, "fps", rate, f"is not a number of frames ({data.name})")]
