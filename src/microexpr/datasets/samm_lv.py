"""SAMM Long Videos: 147 videos at 200 frames a second, with 343 macro- and 159 micro-expressions."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ..core.clip import Clip, Interval
from . import _sheets as sheets
from ._intervals import add
from ._macro import folders
from .base import DATASETS, Correction, Dataset, DatasetInfo, DatasetIssue
from .synthetic import long_videos as takes
from .synthetic.clips import SAMM_MEGC2019

SHEETS = tuple(
    f"{top}SAMM_LongVideos_V{version}_Release.xlsx" for version in (3, 2, 1) for top in ("", "SAMMLV/", "SAMM_MEGC/")
)
MICRO_SHEETS = ("SAMM_Micro_FACS_Codes_v2.xlsx", "SAMM_20181215_Micro_FACS_Codes_v2.xlsx")
PICTURES = ("SAMM_longvideos", "SAMMLV/SAMM_longvideos", "SAMM_MEGC/SAMM_longvideos")
COLUMNS = (
    *("Subject", "Filename", "Onset|Onset Frame", "Apex|Apex Frame", "Offset|Offset Frame"),
    *("Type|Micro", "Action Units"),
)
HEADER = (
    *("Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration", "Type", "Action Units", "Notes"),
)
ABOVE = ("synthetic codes in the layout of the release",) + ("-",) * 8
KINDS = {"macro": "macro", "micro-1/2": "micro"}
BEGUN = "before the recording"
PEOPLE = tuple(sorted({*SAMM_MEGC2019, "025", "029"}))
EMOTIONS = {
    **{"I": "Happiness", "II": "Surprise", "III": "Anger", "IV": "Disgust", "V": "Sadness", "VI": "Fear"},
    "VII": "Other",
}


@DATASETS.register("samm_lv")
class SammLv(Dataset):
    """`SAMM_longvideos/006_1/006_1_0001.jpg`, and a sheet with text on top; the newest version that is there is read.

    The video of a row is the first two parts of its file name. Ten macro-expressions have onset 0: they were under way
    when the recording began, and begin here with its first frame. A sheet of SAMM's micro-movements beside it, where a
    user puts one, adds emotion and objective class to micro-expressions.
    """

    info = DatasetInfo(
        title="SAMM Long Videos",
        citation="Yap et al. 2020, SAMM Long Videos: A Spontaneous Facial Micro- and Macro-Expressions Dataset, FG",
        access="license agreement with Manchester Metropolitan University",
        fps=200,
        clips=147,
        events={"kind": {"macro": 343, "micro": 159}, "begun": {BEGUN: 10}},
        source="Yap et al. 2020; onsets of 0 counted in the codes of He et al. 2020",
        megc_number=1,
    )
    corrections = (
        Correction("samm_lv/020/020_6", "020_6_5.offset", "5476", "5001", "the pictures end with frame 5001"),
        Correction("samm_lv/036/036_7", "036_7_4.offset", "8298", "8201", "the pictures end with frame 8201"),
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The folders of pictures, and the rows of the sheet that belong to each."""
        path = sheets.find(self.root, SHEETS, "sheet of codes")
        pictures = sheets.find(self.root, PICTURES, "picture folder")
        rows, faults = sheets.people(path, COLUMNS)
        known = self._micro_labels()
        events: dict[str, list[Interval]] = {place.name: [] for place in folders(pictures)}
        for number, row in rows:
            name = row["Filename"]
            video = "_".join(name.split("_")[:2])
            clip = f"samm_lv/{video.partition('_')[0]}/{video}"
            if video.partition("_")[0] != f"{number:03d}":
                faults.append(DatasetIssue(clip, "Subject", row["Subject"], f"is not that of '{name}'"))
                continue
            event, wrong = _event(clip, row, known.get(name, {}))
            wrong += add(events.setdefault(video, []), event, clip, path.name)
            faults += wrong
        clips = []
        for video, found in events.items():
            subject = f"samm_lv/{video.partition('_')[0]}"
            place = pictures / video
            clips.append(Clip(f"{subject}/{video}", "samm_lv", subject, place, 200, intervals=tuple(found)))
        return clips, faults

    def _micro_labels(self) -> dict[str, dict[str, str]]:
        """Emotion and objective class by file name, where the sheet of the micro release is there."""
        here = [self.root / top / name for name in MICRO_SHEETS for top in (".", "SAMMLV", "SAMM_MEGC", "SAMM")]
        path = next((path for path in here if path.is_file()), None)
        if path is None:
            return {}
        rows = sheets.read_rows(path, ("Filename", "Estimated Emotion", "Objective Classes"))
        return {r["Filename"]: {"emotion": r["Estimated Emotion"], "objective": r["Objective Classes"]} for r in rows}

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Gray videos of about 4 s, 480x640 (the release's are larger, the face as large); few people have one each."""
        rows: list[tuple[object, ...]] = []
        micro: list[tuple[object, ...]] = []
        for scene in _scenes(subjects):
            take = takes.make_video(scene, "samm_lv", 200, seed, 4)
            takes.write_frames(
                take, root / PICTURES[0] / scene.name, scene.name + "_{:04d}.jpg", image_scale, gray=True
            )
            for i, one in enumerate(takes.shown_in(take), 1):
                onset, apex, offset = max(0, one.onset + 1), one.apex + 1, one.offset + 1
                kind = "Macro" if one.kind == "macro" else "Micro - 1/2"
                name, times = f"{scene.name}_{i}", (onset, apex, offset, offset - onset + 1)
                rows.append((scene.person, name, "", *times, kind, one.action_units, ""))
                if one.kind == "micro":
                    micro.append((scene.person, name, EMOTIONS[one.objective], one.objective))
        sheets.write_rows(root / SHEETS[0], HEADER, rows, ABOVE)
        sheets.write_rows(
            root / MICRO_SHEETS[0], ("Subject", "Filename", "Estimated Emotion", "Objective Classes"), micro
        )


def _event(clip: str, row: sheets.Row, known: dict[str, str]) -> tuple[Interval | None, list[DatasetIssue]]:
    """The interval of a row, or what is wrong with it."""
    name, word = row["Filename"], row["Type"]
    (onset, apex, offset), faults = sheets.times(clip, row, ("Onset", "Apex", "Offset"))
    faults = [dataclasses.replace(fault, field=f"{name}.{fault.field}") for fault in faults]
    kind = KINDS.get("".join(word.lower().split()), "")
    if not kind:
        faults.append(DatasetIssue(clip, f"{name}.kind", word, "is neither Macro nor Micro - 1/2"))
    if not faults and (onset is None or not offset):
        faults.append(DatasetIssue(clip, f"{name}.{'onset' if onset is None else 'offset'}", "0", "is no frame number"))
    if faults or onset is None or not offset:
        return None, faults
    labels = {"name": name, "action_units": row["Action Units"]} | (known if kind == "micro" else {})
    if onset == 0:
        labels, onset = {**labels, "begun": BEGUN}, 1
    return Interval(onset, offset, apex or None, kind, labels), []


def _scenes(subjects: int | None) -> list[takes.VideoSpec]:
    """147 videos with the published counts, ten of them begun; one video of each of a few people."""
    persons = PEOPLE[:subjects]
    videos = [1] * len(persons) if subjects is not None else takes.shared_out(147, len(persons))
    names = [(p, f"{p}_{i}") for p, n in zip(persons, videos, strict=True) for i in range(1, n + 1)]
    micro, macro, begun = [1] * len(names), [1] * len(names), 1
    if subjects is None:
        micro, macro, begun = takes.shared_out(159, 147), takes.shared_out(343, 147), 10
    return [
        takes.VideoSpec(person, name, few, many, number < begun)
        for number, ((person, name), few, many) in enumerate(zip(names, micro, macro, strict=True))
    ]
