"""SMIC: spontaneous micro-expressions before three cameras. No apex, no action units."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from ..core.clip import Clip, Interval
from ..core.errors import MediaError
from ..imaging.frames import open_frames
from . import _sheets as sheets
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.clips import (
    ClipSpec,
    Labels,
    RecordingSpec,
    assign_labels,
    clip_spec,
    split_evenly,
    subsample_counts,
    two_labels_per_subject,
)

EMOTIONS = {"ne": "negative", "po": "positive", "sur": "surprise"}
"""The emotion of each short form in the names of clips."""

HS_COUNTS = {"negative": 70, "positive": 51, "surprise": 43}
VIS_COUNTS = {"negative": 24, "positive": 28, "surprise": 19}
# fmt: off
HS_CLIPS_PER_SUBJECT = {
    1: 6, 2: 6, 3: 39, 4: 19, 5: 2, 6: 4, 8: 13, 9: 4,
    11: 7, 12: 9, 13: 10, 14: 10, 15: 4, 18: 7, 19: 2, 20: 22,
}
# fmt: on
"""Clips of each subject of SMIC-HS."""
NOT_IN_LONG = ("s03/s03_ne_03", "s03/s03_ne_20", "s04/s04_ne_05", "s04/s04_ne_06", "s09/s09_sur_02")
"""Clips of SMIC-HS that the long extension lacks."""

CITATION = "Li et al. 2013, A Spontaneous Micro-Expression Database: Inducement, Collection and Baseline, FG"
ACCESS = "license agreement with the University of Oulu"


def subject_id(name: str) -> str:
    """`s03` for `s3`, `s03` and `3`, which are the same subject in the MEGC lists and the release's folders."""
    return f"s{sheets.subject_number(name):02d}"


def clip_name(name: str) -> str:
    """`s03_ne_01` for `s3_ne_01` and `s03_ne_01`, which are the same clip."""
    subject, _, rest = name.partition("_")
    return f"{subject_id(subject)}_{rest}"


class _Camera(Dataset):
    """`SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01/*`, or else `SMIC_all_raw`; images of any type.

    A recording is a clip: its onset and offset are the first and the last frame. The three cameras recorded the same
    people under different ids, so never train on one camera and test on another.
    """

    camera: ClassVar[str]

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The folders of clips; there is no sheet."""
        kinds = ("SMIC_all_cropped", "SMIC_all_raw")
        tops = [f"{above}{kind}/{self.camera}" for above in ("", "SMIC/") for kind in kinds]
        tops += [f"{kind}/{kind}/{self.camera}" for kind in kinds]
        top = sheets.find_path(self.root, tops, f"folder of the {self.camera} camera")
        clips: list[Clip] = []
        for folder in sorted(top.glob("s*/micro/*/*")):
            emotion, subject_folder = folder.parent.name, folder.parents[2].name
            if not folder.is_dir() or emotion not in HS_COUNTS or not re.fullmatch(r"s\d+", subject_folder):
                continue
            subject = f"{self.name}/{subject_id(subject_folder)}"
            clip_id, times = f"{subject}/{clip_name(folder.name)}", _ends(folder)
            labels = {"emotion": emotion}
            clips.append(Clip(clip_id, self.name, subject, folder, self.info.fps, *times, labels))
        return clips, []

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Cropped images, 190x230 (the sizes of the release vary)."""
        counts = HS_COUNTS if cls.camera == "HS" else VIS_COUNTS
        recording = RecordingSpec("smic", fps=cls.info.fps, size=(230, 190), image_scale=image_scale, pad=0)
        for spec in clip_specs(subjects, seed, counts):
            folder = root / "SMIC_all_cropped" / cls.camera / spec.subject / "micro" / spec.emotion / spec.name
            recording.write_frames(spec, folder, "image{}.jpg")


def _ends(folder: Path) -> tuple[int | None, None, int | None]:
    """(onset, apex, offset): the first frame, None, the last frame; all None for a folder without images."""
    try:
        numbers = open_frames(folder).numbers
    except MediaError:
        numbers = ()
    return (numbers[0], None, numbers[-1]) if numbers else (None, None, None)


def _info(camera: str, fps: float, subjects: int, counts: dict[str, int]) -> DatasetInfo:
    return DatasetInfo(
        title=f"SMIC {camera}",
        citation=CITATION,
        access=ACCESS,
        fps=fps,
        clips=sum(counts.values()),
        subjects=subjects,
        counts={"emotion": counts},
        per_subject={f"smic/s{n:02d}": c for n, c in HS_CLIPS_PER_SUBJECT.items()} if camera == "HS" else {},
        source="MEGC 2019 list" if camera == "HS" else "MEGC 2022 page; other sources have 28/23/20 for 71 clips",
    )


@DATASETS.register("smic")
class Smic(_Camera):
    """SMIC-HS: the high-speed camera, which the challenges use."""

    camera = "HS"
    info = _info("HS", 100, 16, HS_COUNTS)


@DATASETS.register("smic_vis")
class SmicVis(_Camera):
    """SMIC-VIS: the ordinary camera."""

    camera = "VIS"
    info = _info("VIS", 25, 8, VIS_COUNTS)


@DATASETS.register("smic_nir")
class SmicNir(_Camera):
    """SMIC-NIR: the near-infrared camera."""

    camera = "NIR"
    info = _info("NIR", 25, 8, VIS_COUNTS)


@DATASETS.register("smic_hs_long")
class SmicHsLong(Dataset):
    """SMIC-E-HS: the same clips inside longer recordings, `HS_long/SMIC_HS_E/s20/s20_ne_01/image17581039.jpg`.

    The emotion is in the clip's name (ne, po, sur). Five clips of SMIC-HS are not in this extension. A recording with
    a second or third expression has all of them as intervals; onset and offset are those of the first. The ids are
    those of `smic` but for the data set's name: never train on one and test on the other.
    """

    info = DatasetInfo(
        title="SMIC-E HS (long)",
        citation="Li et al. 2018, Towards Reading Hidden Emotions, IEEE TAC 9(4)",
        access=ACCESS,
        fps=100,
        clips=159,
        subjects=16,
        counts={"emotion": dict(Counter(HS_COUNTS) - Counter(EMOTIONS[c.split("_")[1]] for c in NOT_IN_LONG))},
        per_subject={
            f"smic_hs_long/s{n:02d}": count - sum(clip.startswith(f"s{n:02d}/") for clip in NOT_IN_LONG)
            for n, count in HS_CLIPS_PER_SUBJECT.items()
        },
        source="SMIC-HS less s3_ne_03, s3_ne_20, s4_ne_05, s4_ne_06, s9_sur_02",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The sheet of onsets and offsets, and the folders."""
        tops = ("HS_long/", "SMIC/HS_long/", "SMIC-E_raw image/HS_long/", "")
        folders = [top + name for top in tops for name in ("SMIC_HS_E", "SMIC-HS-E")]
        recordings = sheets.find_path(self.root, folders, "folder SMIC_HS_E")
        names = ("SMIC-HS-E_annotation.xlsx", "SMIC-HS-E_annotation_2019.xlsx")
        path = sheets.find_path(self.root, [t + n for n in names for t in (*tops, "HS_long/SMIC-HS-E/")], "sheet")
        rows, issues = sheets.read_subject_rows(path, ("Subject", "Filename", "OnsetF", "OffsetF"))
        clips: list[Clip] = []
        for number, row in rows:
            subject, name = f"s{number:02d}", clip_name(row["Filename"])
            clip_id, emotion = f"smic_hs_long/{subject}/{name}", name.split("_")[1]
            source = self._recording(recordings, number, row["Filename"])
            if f"{subject}/{name}" in NOT_IN_LONG and not source.exists():
                continue
            if emotion not in EMOTIONS:
                reason = f"must hold _{'_, _'.join(EMOTIONS)}_"
                issues.append(DatasetIssue(clip_id, "Filename", row["Filename"], reason))
                continue
            times, time_issues = sheets.parse_times(clip_id, row, ("OnsetF", "", "OffsetF"))
            issues += time_issues
            labels = {"emotion": EMOTIONS[emotion]}
            intervals = _intervals(row, times, labels)
            clips.append(
                Clip(
                    clip_id,
                    "smic_hs_long",
                    f"smic_hs_long/{subject}",
                    source,
                    self.info.fps,
                    *times,
                    labels=labels,
                    intervals=intervals,
                )
            )
        return clips, issues

    @staticmethod
    def _recording(top: Path, number: int, name: str) -> Path:
        """The folder of a clip, whichever way the subject is written in its path."""
        _, _, rest = name.partition("_")
        spellings = [f"s{number}", f"s{number:02d}"]
        folders = [top / outer / f"{inner}_{rest}" for outer in spellings for inner in spellings]
        return next((folder for folder in folders if folder.is_dir()), top / spellings[0] / name)

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """The clips with a quarter of a second of neutral face on both sides, and the sheet."""
        recording = RecordingSpec("smic", 100, (480, 640), image_scale, pad=25, framing="wide", first_number=17581000)
        rows = []
        for spec in clip_specs(subjects, seed):
            if f"{subject_id(spec.subject)}/{clip_name(spec.name)}" in NOT_IN_LONG:
                continue
            folder = root / "HS_long" / "SMIC_HS_E" / spec.subject / spec.name
            onset, _, offset = recording.write_frames(spec, folder, "image{}.jpg")
            rows.append((int(spec.subject[1:]), spec.name, onset, offset))
        header = ("Subject", "Filename", "OnsetF", "OffsetF")
        sheets.write_rows(root / "SMIC-HS-E_annotation.xlsx", header, rows)


def _intervals(
    row: sheets.Row, first: tuple[int | None, int | None, int | None], labels: dict[str, str]
) -> tuple[Interval, ...]:
    """All expressions of a recording where it holds more than one, else none."""
    ends = [(first[0], first[2])]
    for number in (2, 3):
        columns = (f"Onset{number}F", "", f"Offset{number}F")
        (onset, _, offset), _ = sheets.parse_times("", row, columns)
        ends.append((onset, offset))
    found = tuple(Interval(a, b, labels=labels) for a, b in ends if a is not None and b is not None)
    return found if len(found) > 1 else ()


def clip_specs(subjects: int | None, seed: int, counts: Mapping[str, int] = HS_COUNTS) -> list[ClipSpec]:
    """The clips of a synthetic copy; subjects and clips are named as on disk, `s1` and `s1_ne_01`.

    Args:
        subjects: how many; None for all, with the published counts.
        seed: of what is drawn.
        counts: clips of each emotion. Who has how many of the 71 clips of the slower cameras is not published; eight
            subjects get nearly as many each.
    """
    clips_per_subject = HS_CLIPS_PER_SUBJECT
    # In the long extension s3_ne_20, s4_ne_06 and s9_sur_02 are known: so many such clips these subjects have.
    first = [("s3", ("negative", ""))] * 20 + [("s4", ("negative", ""))] * 6 + [("s9", ("surprise", ""))] * 2
    if sum(counts.values()) != sum(clips_per_subject.values()):
        clips_per_subject, first = dict(enumerate(split_evenly(sum(counts.values()), 8), 1)), []
    chosen = {f"s{n}": clips for n, clips in list(clips_per_subject.items())[:subjects]}
    labels: Mapping[Labels, int] = {(emotion, ""): n for emotion, n in counts.items()}
    if subjects is not None:
        labels = subsample_counts(labels, sum(chosen.values()))
        first = two_labels_per_subject(labels, chosen)
    short_forms = {emotion: short for short, emotion in EMOTIONS.items()}
    used, specs = Counter[tuple[str, str]](), []
    for subject, (emotion, _) in assign_labels(labels, chosen, seed, first):
        used[subject, emotion] += 1
        name = f"{subject}_{short_forms[emotion]}_{used[subject, emotion]:02d}"
        specs.append(clip_spec("smic", subject, name, (emotion, ""), seed))
    return specs
