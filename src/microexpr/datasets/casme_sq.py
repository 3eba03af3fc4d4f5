"""CAS(ME)^2: long videos of 22 people at 30 frames a second, with 300 macro- and 57 micro-expressions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from ..core.clip import Clip, Interval
from . import _sheets as sheets
from ._intervals import add
from ._macro import folders
from .base import DATASETS, Dataset, DatasetInfo, DatasetIssue
from .synthetic import long_videos as takes

SHEETS = ("CAS(ME)^2code_final(Updated).xlsx", "CAS(ME)^2code_final.xlsx", "code_final.xlsx")
PICTURES = ("rawpic", "CAS(ME)^2/rawpic", "rawpic_crop", "CAS(ME)^2/rawpic_crop")
KINDS = {"micro-expression": "micro", "macro-expression": "macro"}
PEOPLE = (*range(15, 17), *range(19, 28), *range(29, 39), 40)
STIMULI = (
    ("0101", "disgust1", "disgustingteeth"),
    ("0102", "disgust2", "eatingworms"),
    ("0401", "anger1", "girlcrashing"),
    ("0502", "happy1", "funnyerrors"),
    ("0507", "happy2", "climbingthewall"),
)
VALENCE = {"I": "positive", "II": "surprise", "III": "negative", "IV": "negative", "V": "negative", "VI": "negative"}


@DATASETS.register("casme_sq")
class CasmeSq(Dataset):
    """`rawpic/s15/15_0101disgustingteeth/img001.jpg`, beside a sheet without a header and its two naming rules.

    A video without a row in the sheet is a clip without intervals: whatever is found there is a false alarm. Of a row
    that gives no offset (0) the apex is the end; one that gives no apex (0) has it half-way. Frames count from 1, as
    the pictures do.
    """

    info = DatasetInfo(
        title="CAS(ME)^2, long videos",
        citation="Qu et al. 2018, CAS(ME)^2: A Database for Spontaneous Macro- and Micro-Expression Spotting and "
        "Recognition, IEEE TAC 9(4)",
        access="license agreement with the Institute of Psychology, Chinese Academy of Sciences",
        fps=30,
        clips=98,
        subjects=22,
        events={"kind": {"macro": 300, "micro": 57}},
        source="He et al. 2020, MEGC 2020; the pages of later challenges say 97 videos",
        megc_number=2,
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The folders of pictures, and the rows of the sheet that belong to each."""
        path = sheets.find(self.root, SHEETS, "code sheet")
        pictures = sheets.find(self.root, PICTURES, "picture folder")
        rows, subjects, names, faults = _tables(path)
        videos: dict[tuple[str, str], Clip] = {}
        for place in (video for person in folders(pictures) for video in folders(person)):
            subject, code = f"casme_sq/{place.parent.name}", place.name.partition("_")[2][:4]
            if (old := videos.get((place.parent.name, code))) is not None:
                faults.append(
                    DatasetIssue(f"{subject}/{place.name}", "code", code, f"is that of '{old.source.name}' too")
                )
                continue
            clip = Clip(f"{subject}/{place.name}", "casme_sq", subject, place, self.info.fps)
            videos[place.parent.name, code] = clip
        events: dict[tuple[str, str], list[Interval]] = {}
        for number, cells in rows:
            where, name = f"{path.name}, row {number}", cells[1]
            person, code = subjects.get(cells[0], ""), names.get(name.partition("_")[0], "")
            if not person or not code:
                field, value, rule = ("subject", cells[0], 1) if not person else ("video", name, 2)
                faults.append(DatasetIssue(where, field, value, f"is not in 'naming rule{rule}'"))
                continue
            gone = Clip(f"casme_sq/{person}/{person[1:]}_{code}", "casme_sq", f"casme_sq/{person}", Path(), 30)
            gone = dataclasses.replace(gone, source=pictures / person / f"{person[1:]}_{code}")
            clip = videos.setdefault((person, code), gone)
            event, wrong = _event(clip.id, cells)
            wrong += add(events.setdefault((person, code), []), event, clip.id, path.name)
            faults += wrong
        return [dataclasses.replace(c, intervals=tuple(events.get(key, ()))) for key, c in videos.items()], faults

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Videos of about 8 s, 480x640; with few people two of each, with a micro- and a macro-expression each."""
        rows: list[tuple[object, ...]] = []
        for number, scene in enumerate(_scenes(subjects)):
            take = takes.make_video(scene, "casme_sq", 30, seed, 8)
            subject = list(PEOPLE).index(int(scene.person[1:])) + 1
            name = next(name for code, name, _ in STIMULI if code == scene.name[3:7])
            takes.write_frames(take, root / "rawpic" / scene.person / scene.name, "img{:03d}.jpg", image_scale)
            for i, one in enumerate(takes.shown_in(take), 1):
                apex = 0 if (number, i) == (0, 1) else one.apex + 1  # the sheet leaves out some, with a 0
                offset = 0 if (number, i) == (1, 1) else one.offset + 1
                word, kind = VALENCE.get(one.objective, "others"), f"{one.kind}-expression"
                code = (subject, f"{name}_{i}", one.onset + 1, apex, offset, one.action_units, word, kind, word)
                rows.append(code)
        first = [(person, f"s{person}", number) for number, person in enumerate(PEOPLE, 1)]
        second = [(code, name) for code, name, _ in STIMULI]
        sheets.write_tables(root / SHEETS[1], {"CASFEcode_final": rows, "naming rule1": first, "naming rule2": second})


def _tables(
    path: Path,
) -> tuple[list[tuple[int, list[str]]], Mapping[str, str], Mapping[str, str], list[DatasetIssue]]:
    """(row number, nine cells) of each row, subject -> `s15`, video -> `0101`, and faults."""
    every = sheets.read_tables(path, 3)
    found = dict(zip(("code", "rule1", "rule2"), every.values(), strict=False))
    for name, table in every.items():
        found |= {rule: table for rule in ("rule1", "rule2") if name.lower().replace(" ", "").endswith(rule)}
    subjects = {row[2]: row[1].lower() for row in found["rule1"] if len(row) > 2 and row[2]}
    names = {row[1]: row[0].zfill(4) for row in found["rule2"] if len(row) > 1 and row[1]}
    rows, faults = [], []
    for number, cells in enumerate(found["code"], 1):
        full = [*cells, *[""] * 9][:9]
        if full[0] and full[1]:
            rows.append((number, full))
        elif full[1]:
            faults.append(DatasetIssue(f"{path.name}, row {number}", "subject", full[0], "is empty"))
    return rows, subjects, names, faults


def _event(clip: str, cells: list[str]) -> tuple[Interval | None, list[DatasetIssue]]:
    """The interval of a row, or what is wrong with it."""
    _, name, onset, apex, offset, units, emotion, kind, report = cells
    row = {"onset": onset, "apex": apex, "offset": offset}
    times, faults = sheets.times(clip, row, tuple(row))
    faults = [dataclasses.replace(fault, field=f"{name}.{fault.field}") for fault in faults]
    if kind not in KINDS:
        faults.append(DatasetIssue(clip, f"{name}.kind", kind, f"is none of {', '.join(KINDS)}"))
    first, peak, last = (time or None for time in times)
    last = last or peak
    if not faults and (first is None or last is None):
        faults.append(DatasetIssue(clip, f"{name}.{'onset' if first is None else 'offset'}", "0", "is no frame number"))
    if faults or first is None or last is None:
        return None, faults
    labels = {"name": name, "action_units": units, "emotion": emotion, "self_report": report}
    return Interval(first, last, peak or (first + last) // 2, KINDS[kind], labels), []


def _scenes(subjects: int | None) -> list[takes.VideoSpec]:
    """98 videos of 22 people with the published counts; two videos of each of a few people."""
    persons = PEOPLE[:subjects]
    videos = [2] * len(persons) if subjects is not None else takes.shared_out(98, len(persons))
    names = [(p, STIMULI[i]) for p, n in zip(persons, videos, strict=True) for i in range(n)]
    micro, macro = [1] * len(names), [1] * len(names)
    if subjects is None:
        micro, macro = takes.shared_out(57, 98), takes.shared_out(300, 98)
    return [
        takes.VideoSpec(f"s{person}", f"{person}_{code}{title}", few, many)
        for (person, (code, _, title)), few, many in zip(names, micro, macro, strict=True)
    ]
