"""SAMM Long Videos: 147 videos at 200 frames per second, with 343 macro- and 159 micro-expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..core.clip import Clip, Interval
from . import _sheets as sheets
from ._intervals import add_interval
from ._macro import subfolders
from ._records import Correction, DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .samm import MEGC2019_CLIPS_PER_SUBJECT, ONLY_OTHER
from .synthetic import long_videos
from .synthetic.clips import split_evenly

SHEETS = tuple(
    f"{top}SAMM_LongVideos_V{version}_Release.xlsx" for version in (3, 2, 1) for top in ("", "SAMMLV/", "SAMM_MEGC/")
)
MICRO_SHEETS = ("SAMM_Micro_FACS_Codes_v2.xlsx", "SAMM_20181215_Micro_FACS_Codes_v2.xlsx")
IMAGE_FOLDERS = ("SAMM_longvideos", "SAMMLV/SAMM_longvideos", "SAMM_MEGC/SAMM_longvideos")
COLUMNS = (
    "Subject",
    "Filename",
    "Onset|Onset Frame",
    "Apex|Apex Frame",
    "Offset|Offset Frame",
    "Type|Micro",
    "Action Units",
)
HEADER = (
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset",
    "Apex",
    "Offset",
    "Duration",
    "Type",
    "Action Units",
    "Notes",
)
TEXT_ABOVE = ("synthetic codes in the layout of the release",) + ("-",) * 8
KINDS = {"macro": "macro", "micro-1/2": "micro"}
NO_APEX = "-1"
BEGUN = "before the recording"
ROUNDED = "rounded"
"""Label of an interval whose frame numbers have a fraction in the sheet: those numbers."""

SUBJECTS = tuple(sorted({*MEGC2019_CLIPS_PER_SUBJECT, ONLY_OTHER, "029"}))
EMOTIONS = {
    "I": "Happiness",
    "II": "Surprise",
    "III": "Anger",
    "IV": "Disgust",
    "V": "Sadness",
    "VI": "Fear",
    "VII": "Other",
}


@DATASETS.register("samm_lv")
class SammLv(Dataset):
    """`SAMM_longvideos/006_1/006_1_0001.jpg`, and a sheet with text on top; the newest version that is there is read.

    The first two parts of a row's file name are its video. Ten macro-expressions have onset 0: they were under way when
    the recording began, and begin here with its first frame. An apex of -1 is not known. A frame number with a fraction
    (`566.400`), of which a release has 143, is the nearest whole one; `check` says how many there are. A user may put
    the sheet of SAMM's micro-movements beside this one: it adds emotion and objective class to micro-expressions.
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
        Correction("samm_lv/020/020_6", "020_6_5.offset", "5476", "5001", "the images end with frame 5001"),
        Correction("samm_lv/036/036_7", "036_7_4.offset", "8298", "8201", "the images end with frame 8201"),
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The folders of images, and the rows of the sheet that belong to each."""
        path = sheets.find_path(self.root, SHEETS, "sheet of codes")
        images = sheets.find_path(self.root, IMAGE_FOLDERS, "folder of images")
        rows, issues = sheets.read_subject_rows(path, COLUMNS)
        micro_labels = self._micro_labels()
        events: dict[str, list[Interval]] = {folder.name: [] for folder in subfolders(images)}
        for number, row in rows:
            name = row["Filename"]
            video = "_".join(name.split("_")[:2])
            subject = video.partition("_")[0]
            clip_id = f"samm_lv/{subject}/{video}"
            if subject != f"{number:03d}":
                issues.append(DatasetIssue(clip_id, "Subject", row["Subject"], f"is not that of '{name}'"))
                continue
            event, event_issues = _event(clip_id, row, micro_labels.get(name, {}))
            issues += event_issues
            issues += add_interval(events.setdefault(video, []), event, clip_id, path.name)
        clips = []
        for video, intervals in events.items():
            subject_id = f"samm_lv/{video.partition('_')[0]}"
            source = images / video
            clips.append(
                Clip(f"{subject_id}/{video}", "samm_lv", subject_id, source, self.info.fps, intervals=tuple(intervals))
            )
        return clips, issues

    def compare_with_published(self, clips: Sequence[Clip]) -> list[DatasetIssue]:
        """As for every data set, and a note about frame numbers with a fraction."""
        labels = [event.labels for clip in clips for event in clip.intervals]
        return [*super().compare_with_published(clips), *rounded_times(self.name, labels)]

    def _micro_labels(self) -> dict[str, dict[str, str]]:
        """Emotion and objective class by file name, where the sheet of the micro release is there."""
        paths = [self.root / top / name for name in MICRO_SHEETS for top in (".", "SAMMLV", "SAMM_MEGC", "SAMM")]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            return {}
        rows = sheets.read_rows(path, ("Filename", "Estimated Emotion", "Objective Classes"))
        return {r["Filename"]: {"emotion": r["Estimated Emotion"], "objective": r["Objective Classes"]} for r in rows}

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Gray videos of about 4 s, 480x640; few subjects have one each.

        The images of the release are larger; the face has the same size.
        """
        rows: list[tuple[object, ...]] = []
        micro_rows: list[tuple[object, ...]] = []
        for spec in _video_specs(subjects):
            video = long_videos.make_video(spec, "samm_lv", 200, seed, 4)
            folder = root / IMAGE_FOLDERS[0] / spec.name
            long_videos.write_frames(video, folder, spec.name + "_{:04d}.jpg", image_scale, gray=True)
            for i, event in enumerate(long_videos.video_events(video), 1):
                onset, apex, offset = max(0, event.onset + 1), event.apex + 1, event.offset + 1
                kind = "Macro" if event.kind == "macro" else "Micro - 1/2"
                name, times = f"{spec.name}_{i}", (onset, apex, offset, offset - onset + 1)
                rows.append((spec.subject, name, "", *times, kind, event.action_units, ""))
                if event.kind == "micro":
                    micro_rows.append((spec.subject, name, EMOTIONS[event.objective], event.objective))
        sheets.write_rows(root / SHEETS[0], HEADER, rows, TEXT_ABOVE)
        micro_header = ("Subject", "Filename", "Estimated Emotion", "Objective Classes")
        sheets.write_rows(root / MICRO_SHEETS[0], micro_header, micro_rows)


def rounded_times(name: str, labels: Sequence[Mapping[str, str]]) -> list[DatasetIssue]:
    """A note that tells how many frame numbers have a fraction in the sheet; none where none has.

    Args:
        name: of the data set.
        labels: of its intervals or clips.
    """
    texts = [text for own in labels for text in own.get(ROUNDED, "").split(", ") if text]
    if not texts:
        return []
    reason = f"frame numbers of the sheet have a fraction, e.g. {texts[0]}; they are rounded"
    return [DatasetIssue(name, "frame numbers", str(len(texts)), reason, note=True)]


def _event(clip_id: str, row: sheets.Row, micro_labels: dict[str, str]) -> tuple[Interval | None, list[DatasetIssue]]:
    """The interval of a row, or its issues."""
    name, kind_cell = row["Filename"], row["Type"]
    times = {"onset": row["Onset"], "apex": row["Apex"], "offset": row["Offset"]}
    fractions = {time: text for time, text in times.items() if re.fullmatch(r"\d+\.\d*[1-9]\d*", text)}
    times |= {time: str(round(float(text))) for time, text in fractions.items()}
    if times["apex"] == NO_APEX:
        times["apex"] = ""
    (onset, apex, offset), issues = sheets.parse_interval_times(clip_id, name, times)
    kind = KINDS.get("".join(kind_cell.lower().split()), "")
    if not kind:
        issues.append(DatasetIssue(clip_id, f"{name}.kind", kind_cell, "is neither Macro nor Micro - 1/2"))
    if not issues and (onset is None or not offset):
        time = "onset" if onset is None else "offset"
        issues.append(DatasetIssue(clip_id, f"{name}.{time}", "0", "is not a frame number"))
    if issues or onset is None or not offset:
        return None, issues
    labels = {"name": name, "action_units": row["Action Units"]} | (micro_labels if kind == "micro" else {})
    if fractions:
        labels[ROUNDED] = ", ".join(f"{time} {text}" for time, text in fractions.items())
    if onset == 0:
        labels, onset = {**labels, "begun": BEGUN}, 1
    return Interval(onset, offset, apex or None, kind, labels), []


def _video_specs(subjects: int | None) -> list[long_videos.VideoSpec]:
    """147 videos with the published counts, ten of them begun; of few subjects, one video each."""
    names = SUBJECTS[:subjects]
    videos = [1] * len(names) if subjects is not None else split_evenly(147, len(names))
    pairs = [(subject, f"{subject}_{i}") for subject, n in zip(names, videos, strict=True) for i in range(1, n + 1)]
    micro, macro, n_begun = [1] * len(pairs), [1] * len(pairs), 1
    if subjects is None:
        micro, macro, n_begun = split_evenly(159, 147), split_evenly(343, 147), 10
    return [
        long_videos.VideoSpec(subject, name, n_micro, n_macro, number < n_begun)
        for number, ((subject, name), n_micro, n_macro) in enumerate(zip(pairs, micro, macro, strict=True))
    ]
