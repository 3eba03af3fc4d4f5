"""SMIC: spontaneous micro-expressions before three cameras. No apex, no action units."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import ClassVar

from ..core.clip import Clip, Interval
from ..core.errors import MediaError
from ..imaging.video import open_frames
from . import _sheets as sheets
from .base import DATASETS, Dataset, DatasetInfo, DatasetIssue
from .synthetic import clips as casting

EMOTIONS = ("negative", "positive", "surprise")
WORDS = {"ne": "negative", "po": "positive", "sur": "surprise"}
CITATION = "Li et al. 2013, A Spontaneous Micro-Expression Database: Inducement, Collection and Baseline, FG"
ACCESS = "license agreement with the University of Oulu"


def person_id(name: str) -> str:
    """`s3`, `s03` and `3` are the same person: `s03`. The MEGC lists and the release's folders differ here."""
    return f"s{sheets.person(name):02d}"


def clip_name(name: str) -> str:
    """`s3_ne_01` and `s03_ne_01` are the same clip: `s03_ne_01`."""
    person, _, rest = name.partition("_")
    return f"{person_id(person)}_{rest}"


class _Camera(Dataset):
    """`SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01/*`, or else `SMIC_all_raw`; pictures of any type.

    The recording is the clip: onset and offset are its first and last frame. The same people stand before the three
    cameras, so do not train on one and test on another: their ids differ by design of the releases, not by person.
    """

    camera: ClassVar[str]

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The folders; there is no sheet."""
        kinds = ("SMIC_all_cropped", "SMIC_all_raw")
        tops = [f"{above}{kind}/{self.camera}" for above in ("", "SMIC/") for kind in kinds]
        tops += [f"{kind}/{kind}/{self.camera}" for kind in kinds]
        top = sheets.find(self.root, tops, f"folder of the {self.camera} camera")
        clips: list[Clip] = []
        for folder in sorted(top.glob("s*/micro/*/*")):
            emotion, who = folder.parent.name, folder.parents[2].name
            if not folder.is_dir() or emotion not in EMOTIONS or not re.fullmatch(r"s\d+", who):
                continue
            subject = f"{self.name}/{person_id(who)}"
            clip_id, times = f"{subject}/{clip_name(folder.name)}", _ends(folder)
            labels = {"emotion": emotion}
            clips.append(Clip(clip_id, self.name, subject, folder, self.info.fps, *times, labels))
        return clips, []

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Cropped pictures, 190x230 (the release's vary)."""
        counts = casting.SMIC_LABELS if cls.camera == "HS" else casting.SMIC_VIS_LABELS
        shooting = casting.RecordingSpec("smic", fps=cls.info.fps, size=(230, 190), image_scale=image_scale, pad=0)
        for role in casting.smic(subjects, seed, counts):
            folder = root / "SMIC_all_cropped" / cls.camera / role.person / "micro" / role.emotion / role.name
            shooting.write_frames(role, folder, "image{}.jpg")


def _ends(folder: Path) -> tuple[int | None, None, int | None]:
    """(onset, apex, offset): the first and the last frame; none of a folder without pictures, which `check` names."""
    try:
        numbers = open_frames(folder).numbers
    except MediaError:
        numbers = ()
    return (numbers[0], None, numbers[-1]) if numbers else (None, None, None)


def _facts(camera: str, fps: float, subjects: int, counts: dict[str, int]) -> DatasetInfo:
    return DatasetInfo(
        title=f"SMIC {camera}",
        citation=CITATION,
        access=ACCESS,
        fps=fps,
        clips=sum(counts.values()),
        subjects=subjects,
        counts={"emotion": counts},
        per_subject={f"smic/s{n:02d}": c for n, c in casting.SMIC_PEOPLE.items()} if camera == "HS" else {},
        source="MEGC 2019 list" if camera == "HS" else "MEGC 2022 page; other sources have 28/23/20 for 71 clips",
    )


@DATASETS.register("smic")
class Smic(_Camera):
    """SMIC-HS: the high-speed camera, which the challenges use."""

    camera = "HS"
    info = _facts("HS", 100, 16, dict(casting.SMIC_LABELS))


@DATASETS.register("smic_vis")
class SmicVis(_Camera):
    """SMIC-VIS: the ordinary camera."""

    camera = "VIS"
    info = _facts("VIS", 25, 8, dict(casting.SMIC_VIS_LABELS))


@DATASETS.register("smic_nir")
class SmicNir(_Camera):
    """SMIC-NIR: the near-infrared camera."""

    camera = "NIR"
    info = _facts("NIR", 25, 8, dict(casting.SMIC_VIS_LABELS))


GONE = ("s03/s03_ne_03", "s03/s03_ne_20", "s04/s04_ne_05", "s04/s04_ne_06", "s09/s09_sur_02")
"""Clips of SMIC-HS that the long extension lacks."""


@DATASETS.register("smic_hs_long")
class SmicHsLong(Dataset):
    """SMIC-E-HS: the same clips inside longer recordings, `HS_long/SMIC_HS_E/s20/s20_ne_01/image17581039.jpg`.

    The emotion is the clip's name (ne, po, sur). Five clips of SMIC-HS are not in this extension. A recording with a
    second or third expression has all of them as intervals; onset and offset are those of the first. The ids are those
    of `smic` but for the data set's name: do not train on one and test on the other.
    """

    info = DatasetInfo(
        title="SMIC-E HS (long)",
        citation="Li et al. 2018, Towards Reading Hidden Emotions, IEEE TAC 9(4)",
        access=ACCESS,
        fps=100,
        clips=159,
        subjects=16,
        counts={"emotion": dict(Counter(casting.SMIC_LABELS) - Counter(WORDS[g.split("_")[1]] for g in GONE))},
        per_subject={
            f"smic_hs_long/s{n:02d}": count - sum(gone.startswith(f"s{n:02d}/") for gone in GONE)
            for n, count in casting.SMIC_PEOPLE.items()
        },
        source="SMIC-HS less s3_ne_03, s3_ne_20, s4_ne_05, s4_ne_06, s9_sur_02",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The sheet of onsets and offsets, and the folders."""
        above = ("HS_long/", "SMIC/HS_long/", "SMIC-E_raw image/HS_long/", "")
        top = sheets.find(self.root, [a + n for a in above for n in ("SMIC_HS_E", "SMIC-HS-E")], "folder SMIC_HS_E")
        names = ("SMIC-HS-E_annotation.xlsx", "SMIC-HS-E_annotation_2019.xlsx")
        path = sheets.find(self.root, [f"{a}{n}" for n in names for a in (*above, "HS_long/SMIC-HS-E/")], "sheet")
        rows, faults = sheets.people(path, ("Subject", "Filename", "OnsetF", "OffsetF"))
        clips: list[Clip] = []
        for number, row in rows:
            person, name = f"s{number:02d}", clip_name(row["Filename"])
            clip_id, word = f"smic_hs_long/{person}/{name}", name.split("_")[1]
            source = self._recording(top, number, row["Filename"])
            if f"{person}/{name}" in GONE and not source.exists():
                continue
            if word not in WORDS:
                faults.append(DatasetIssue(clip_id, "Filename", row["Filename"], f"must hold _{'_, _'.join(WORDS)}_"))
                continue
            times, wrong = sheets.times(clip_id, row, ("OnsetF", "", "OffsetF"))
            faults += wrong
            labels, subject = {"emotion": WORDS[word]}, f"smic_hs_long/{person}"
            more = _intervals(row, times, labels)
            clips.append(Clip(clip_id, "smic_hs_long", subject, source, self.info.fps, *times, labels, more))
        return clips, faults

    @staticmethod
    def _recording(top: Path, number: int, name: str) -> Path:
        """The folder of a clip, whichever way the person is written in it."""
        _, _, rest = name.partition("_")
        spellings = [f"s{number}", f"s{number:02d}"]
        places = [top / one / f"{other}_{rest}" for one in spellings for other in spellings]
        return next((place for place in places if place.is_dir()), top / spellings[0] / name)

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """A quarter of a second of neutral face on both sides, and the sheet."""
        shooting = casting.RecordingSpec("smic", 100, (480, 640), image_scale, pad=25, framing="wide", first=17581000)
        rows = []
        for role in casting.smic(subjects, seed):
            if f"{person_id(role.person)}/{clip_name(role.name)}" in GONE:
                continue
            folder = root / "HS_long" / "SMIC_HS_E" / role.person / role.name
            onset, _, offset = shooting.write_frames(role, folder, "image{}.jpg")
            rows.append((int(role.person[1:]), role.name, onset, offset))
        header = ("Subject", "Filename", "OnsetF", "OffsetF")
        sheets.write_rows(root / "SMIC-HS-E_annotation.xlsx", header, rows)


def _intervals(
    row: sheets.Row, first: tuple[int | None, int | None, int | None], labels: dict[str, str]
) -> tuple[Interval, ...]:
    """All expressions of a recording where it holds more than one, else none."""
    ends = [(first[0], first[2])]
    for number in (2, 3):
        columns = (f"Onset{number}F", "", f"Offset{number}F")
        (onset, _, offset), _ = sheets.times("", row, columns)
        ends.append((onset, offset))
    found = tuple(Interval(a, b, labels=labels) for a, b in ends if a is not None and b is not None)
    return found if len(found) > 1 else ()
