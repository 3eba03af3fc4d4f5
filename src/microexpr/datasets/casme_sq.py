"""CAS(ME)^2: long videos of 22 subjects at 30 frames per second, with 300 macro- and 57 micro-expressions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from ..core.clip import Clip, Interval
from . import _sheets as sheets
from ._intervals import add_interval
from ._macro import subfolders
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic import long_videos
from .synthetic.clips import split_evenly

SHEETS = ("CAS(ME)^2code_final(Updated).xlsx", "CAS(ME)^2code_final.xlsx", "code_final.xlsx")
IMAGE_FOLDERS = ("rawpic", "CAS(ME)^2/rawpic", "rawpic_crop", "CAS(ME)^2/rawpic_crop")
KINDS = {"micro-expression": "micro", "macro-expression": "macro"}
SUBJECTS = (*range(15, 17), *range(19, 28), *range(29, 39), 40)
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

    A video without a row in the sheet is a clip without intervals, in which every detection is a false positive. A row
    without an offset (0) ends at its apex; one without an apex (0) has it half-way. Frames are numbered from 1.
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
        """The folders of images, and the rows of the sheet that belong to each."""
        path = sheets.find_path(self.root, SHEETS, "code sheet")
        images = sheets.find_path(self.root, IMAGE_FOLDERS, "folder of images")
        rows, subjects, names, issues = _tables(path)
        videos: dict[tuple[str, str], Clip] = {}
        for folder in (video for subject in subfolders(images) for video in subfolders(subject)):
            subject_id, code = f"casme_sq/{folder.parent.name}", folder.name.partition("_")[2][:4]
            clip_id = f"{subject_id}/{folder.name}"
            if (old := videos.get((folder.parent.name, code))) is not None:
                issues.append(DatasetIssue(clip_id, "code", code, f"is that of '{old.source.name}' too"))
                continue
            videos[folder.parent.name, code] = Clip(clip_id, "casme_sq", subject_id, folder, self.info.fps)
        events: dict[tuple[str, str], list[Interval]] = {}
        for number, cells in rows:
            where, name = f"{path.name}, row {number}", cells[1]
            subject, code = subjects.get(cells[0], ""), names.get(name.partition("_")[0], "")
            if not subject:
                issues.append(DatasetIssue(where, "subject", cells[0], "is not in 'naming rule1'"))
                continue
            if not code:
                issues.append(DatasetIssue(where, "video", name, "is not in 'naming rule2'"))
                continue
            if (subject, code) not in videos:
                subject_id, video = f"casme_sq/{subject}", f"{subject[1:]}_{code}"
                source = images / subject / video
                videos[subject, code] = Clip(f"{subject_id}/{video}", "casme_sq", subject_id, source, self.info.fps)
            clip_id = videos[subject, code].id
            event, event_issues = _event(clip_id, cells)
            issues += event_issues
            issues += add_interval(events.setdefault((subject, code), []), event, clip_id, path.name)
        clips = [dataclasses.replace(clip, intervals=tuple(events.get(key, ()))) for key, clip in videos.items()]
        return clips, issues

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Videos of about 8 s, 480x640; of few subjects two each, with a micro- and a macro-expression each."""
        rows: list[tuple[object, ...]] = []
        for number, spec in enumerate(_video_specs(subjects)):
            video = long_videos.make_video(spec, "casme_sq", 30, seed, 8)
            subject = list(SUBJECTS).index(int(spec.subject[1:])) + 1
            name = next(name for code, name, _ in STIMULI if code == spec.name[3:7])
            long_videos.write_frames(video, root / "rawpic" / spec.subject / spec.name, "img{:03d}.jpg", image_scale)
            for i, event in enumerate(long_videos.video_events(video), 1):
                # As in the release, some rows have a 0 for an apex or an offset that is not known.
                apex = 0 if (number, i) == (0, 1) else event.apex + 1
                offset = 0 if (number, i) == (1, 1) else event.offset + 1
                times = (event.onset + 1, apex, offset)
                emotion = VALENCE.get(event.objective, "others")
                labels = (event.action_units, emotion, f"{event.kind}-expression", emotion)
                rows.append((subject, f"{name}_{i}", *times, *labels))
        rule1 = [(subject, f"s{subject}", number) for number, subject in enumerate(SUBJECTS, 1)]
        rule2 = [(code, name) for code, name, _ in STIMULI]
        sheets.write_tables(root / SHEETS[1], {"CASFEcode_final": rows, "naming rule1": rule1, "naming rule2": rule2})


def _tables(
    path: Path,
) -> tuple[list[tuple[int, list[str]]], Mapping[str, str], Mapping[str, str], list[DatasetIssue]]:
    """(row number, nine cells) of each row, subject number -> `s15`, video -> `0101`, and issues."""
    tables = sheets.read_tables(path, 3)
    found = dict(zip(("code", "rule1", "rule2"), tables.values(), strict=False))
    for name, table in tables.items():
        found |= {rule: table for rule in ("rule1", "rule2") if name.lower().replace(" ", "").endswith(rule)}
    subjects = {row[2]: row[1].lower() for row in found["rule1"] if len(row) > 2 and row[2]}
    names = {row[1]: row[0].zfill(4) for row in found["rule2"] if len(row) > 1 and row[1]}
    rows, issues = [], []
    for number, cells in enumerate(found["code"], 1):
        padded = [*cells, *[""] * 9][:9]
        if padded[0] and padded[1]:
            rows.append((number, padded))
        elif any(padded):
            empty = "video" if padded[0] else "subject"
            issues.append(DatasetIssue(f"{path.name}, row {number}", empty, "", "is empty"))
    return rows, subjects, names, issues


def _event(clip_id: str, cells: list[str]) -> tuple[Interval | None, list[DatasetIssue]]:
    """The interval of a row, or its issues."""
    _, name, onset, apex, offset, units, emotion, kind, report = cells
    times, issues = sheets.parse_interval_times(clip_id, name, {"onset": onset, "apex": apex, "offset": offset})
    if kind not in KINDS:
        issues.append(DatasetIssue(clip_id, f"{name}.kind", kind, f"is none of {', '.join(KINDS)}"))
    first, peak, last = (time or None for time in times)
    last = last or peak
    if not issues and (first is None or last is None):
        time = "onset" if first is None else "offset"
        issues.append(DatasetIssue(clip_id, f"{name}.{time}", "0", "is not a frame number"))
    if issues or first is None or last is None:
        return None, issues
    labels = {"name": name, "action_units": units, "emotion": emotion, "self_report": report}
    return Interval(first, last, peak or (first + last) // 2, KINDS[kind], labels), []


def _video_specs(subjects: int | None) -> list[long_videos.VideoSpec]:
    """98 videos of 22 subjects with the published counts; of few subjects, two videos each."""
    numbers = SUBJECTS[:subjects]
    videos = [2] * len(numbers) if subjects is not None else split_evenly(98, len(numbers))
    pairs = [(number, STIMULI[i]) for number, n in zip(numbers, videos, strict=True) for i in range(n)]
    micro, macro = [1] * len(pairs), [1] * len(pairs)
    if subjects is None:
        micro, macro = split_evenly(57, 98), split_evenly(300, 98)
    return [
        long_videos.VideoSpec(f"s{number}", f"{number}_{code}{title}", n_micro, n_macro)
        for (number, (code, _, title)), n_micro, n_macro in zip(pairs, micro, macro, strict=True)
    ]
