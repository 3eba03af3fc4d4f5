"""SMIC: spontaneous micro-expressions before three cameras. No apex, no action units."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from ..clip import Clip
from ..video import open_frames
from . import casting, sheets
from .base import DATASETS, Dataset, Facts, Fault

EMOTIONS = ("negative", "positive", "surprise")
CITATION = "Li et al. 2013, A Spontaneous Micro-Expression Database: Inducement, Collection and Baseline, FG"
ACCESS = "licence agreement with the University of Oulu"


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

    def read(self) -> tuple[list[Clip], list[Fault]]:
        """The folders; there is no sheet."""
        tops = [
            f"{above}{kind}/{self.camera}" for above in ("", "SMIC/") for kind in ("SMIC_all_cropped", "SMIC_all_raw")
        ]
        top = sheets.find(self.root, tops, f"folder of the {self.camera} camera")
        clips: list[Clip] = []
        for folder in sorted(top.glob("s*/micro/*/*")):
            emotion, person = folder.parent.name, person_id(folder.parents[2].name)
            if not folder.is_dir() or emotion not in EMOTIONS:
                continue
            numbers = open_frames(folder).numbers
            onset, offset = (numbers[0], numbers[-1]) if numbers else (None, None)
            clip_id, labels = f"{self.name}/{person}/{clip_name(folder.name)}", {"emotion": emotion}
            subject, fps = f"{self.name}/{person}", self.facts.fps
            clips.append(Clip(clip_id, self.name, subject, folder, fps, onset, None, offset, labels))
        return clips, []

    @classmethod
    def write_fake(cls, root: Path, people: int | None, scale: float, seed: int) -> None:
        """Cropped pictures, 190x230 (the release's vary)."""
        counts = casting.SMIC_LABELS if cls.camera == "HS" else casting.SMIC_VIS_LABELS
        shooting = casting.Shooting("smic", fps=cls.facts.fps, size=(230, 190), scale=scale, pad=0)
        for role in casting.smic(people, seed, counts):
            folder = root / "SMIC_all_cropped" / cls.camera / role.person / "micro" / role.emotion / role.name
            shooting.film(role, folder, "image{}.jpg")


def _facts(camera: str, fps: float, people: int, counts: dict[str, int]) -> Facts:
    return Facts(
        title=f"SMIC {camera}",
        citation=CITATION,
        access=ACCESS,
        fps=fps,
        clips=sum(counts.values()),
        people=people,
        counts={"emotion": counts},
        per_subject={f"smic/s{n:02d}": c for n, c in casting.SMIC_PEOPLE.items()} if camera == "HS" else {},
        source="MEGC 2019 list" if camera == "HS" else "MEGC 2022 page; other sources have 28/23/20 for 71 clips",
    )


@DATASETS.register("smic")
class Smic(_Camera):
    """SMIC-HS: the high-speed camera, which the challenges use."""

    camera = "HS"
    facts = _facts("HS", 100, 16, dict(casting.SMIC_LABELS))


@DATASETS.register("smic_vis")
class SmicVis(_Camera):
    """SMIC-VIS: the ordinary camera."""

    camera = "VIS"
    facts = _facts("VIS", 25, 8, dict(casting.SMIC_VIS_LABELS))


@DATASETS.register("smic_nir")
class SmicNir(_Camera):
    """SMIC-NIR: the near-infrared camera."""

    camera = "NIR"
    facts = _facts("NIR", 25, 8, dict(casting.SMIC_VIS_LABELS))


@DATASETS.register("smic_hs_long")
class SmicHsLong(Dataset):
    """SMIC-E-HS: the same clips inside longer recordings, `HS_long/SMIC_HS_E/s20/s20_ne_01/image17581039.jpg`.

    The emotion is the clip's name (ne, po, sur). Five clips of SMIC-HS are not in this extension.
    """

    sheet: ClassVar[str] = "SMIC-HS-E_annotation.xlsx"
    facts = Facts(
        title="SMIC-E HS (long)",
        citation="Li et al. 2018, Towards Reading Hidden Emotions, IEEE TAC 9(4)",
        access=ACCESS,
        fps=100,
        clips=159,
        people=16,
        source="SMIC-HS less s3_ne_03, s3_ne_20, s4_ne_05, s4_ne_06, s9_sur_02",
    )

    def read(self) -> tuple[list[Clip], list[Fault]]:
        """The sheet of onsets and offsets, and the folders."""
        top = sheets.find(self.root, ("HS_long/SMIC_HS_E", "SMIC/HS_long/SMIC_HS_E", "SMIC_HS_E"), "folder SMIC_HS_E")
        path = sheets.find(self.root, (self.sheet, f"HS_long/{self.sheet}", f"SMIC/HS_long/{self.sheet}"), "sheet")
        words = {"ne": "negative", "po": "positive", "sur": "surprise"}
        clips: list[Clip] = []
        faults: list[Fault] = []
        for row in sheets.read_rows(path, ("Subject", "Filename", "OnsetF", "OffsetF")):
            person, name = person_id(row["Subject"]), clip_name(row["Filename"])
            clip_id = f"smic_hs_long/{person}/{name}"
            times, wrong = sheets.times(clip_id, row, ("OnsetF", "", "OffsetF"))
            faults += wrong
            source = top / f"s{sheets.person(person)}" / row["Filename"]
            labels = {"emotion": words.get(name.split("_")[1], name)}
            clips.append(
                Clip(clip_id, "smic_hs_long", f"smic_hs_long/{person}", source, self.facts.fps, *times, labels)
            )
        return clips, faults

    @classmethod
    def write_fake(cls, root: Path, people: int | None, scale: float, seed: int) -> None:
        """Half a second of neutral face on both sides, and the sheet."""
        gone = {"s3_ne_03", "s3_ne_20", "s4_ne_05", "s4_ne_06", "s9_sur_02"}
        shooting = casting.Shooting(
            "smic", fps=100, size=(480, 640), scale=scale, pad=50, framing="wide", first=17581000
        )
        rows = []
        for role in casting.smic(people, seed):
            if role.name in gone:
                continue
            folder = root / "HS_long" / "SMIC_HS_E" / role.person / role.name
            onset, _, offset = shooting.film(role, folder, "image{}.jpg")
            rows.append((role.person, role.name, onset, offset))
        sheets.write_rows(root / cls.sheet, ("Subject", "Filename", "OnsetF", "OffsetF"), rows)
