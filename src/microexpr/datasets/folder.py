"""A user's own recordings: a folder with a `clips.csv`."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ..core.classes import COARSE_CLASSES
from ..core.clip import Clip
from ..core.errors import MediaError
from ..imaging.video import VIDEO_SUFFIXES, VideoFrames, write_video
from . import _sheets as sheets
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.clips import ClipSpec, RecordingSpec, clip_spec

LIST = "clips.csv"
NEEDED = ("clip", "subject", "source")
RATE_TOLERANCE = 0.02
"""Fraction by which a frame rate in the list may differ from that of the film: 30 is written for 29.97."""

KNOWN = (*NEEDED, "fps", "onset", "apex", "offset")


@DATASETS.register("folder")
class Folder(Dataset):
    """`clips.csv` with the columns clip, subject, source, and as many more as you like.

    `source` is a video file, a folder of numbered images or one image, relative to this folder. `fps`, `onset`,
    `apex` and `offset` may be empty; an empty `fps` is read from a video file, and is 25 for images. Every further
    column is a label: `emotion`, `objective`, `action_units` ... The case of column names does not matter.
    """

    info = DatasetInfo(
        title="your own recordings",
        citation="none",
        access=f"write a {LIST}: {', '.join(KNOWN)}, and a column for each label",
        fps=0,
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """Each line of the list."""
        clips: list[Clip] = []
        issues: list[DatasetIssue] = []
        for cells in sheets.read_rows(self.root / LIST, NEEDED):
            row = {name.lower(): value for name, value in cells.items()}
            if empty := [name for name in NEEDED if not row[name]]:
                issues.append(DatasetIssue(f"{LIST}, line {row[sheets.LINE]}", empty[0], "", "is empty"))
                continue
            clip_id, subject = f"folder/{row['subject']}/{row['clip']}", f"folder/{row['subject']}"
            times, time_issues = sheets.parse_times(clip_id, row, ("onset", "apex", "offset"))
            issues += time_issues
            if not (self.root / row["source"]).resolve().is_relative_to(self.root.resolve()):
                issues.append(DatasetIssue(clip_id, "source", row["source"], "leads out of the folder"))
                continue
            source = self.root / row["source"]
            fps = _number(row["fps"]) if row.get("fps") else _frame_rate(source)
            if fps is None:
                issues.append(DatasetIssue(clip_id, "fps", row["fps"], "is not a number"))
                continue
            if reason := _contradiction(fps, source):
                issues.append(DatasetIssue(clip_id, "fps", f"{fps:g}", reason))
            labels = {name: value for name, value in row.items() if name not in (*KNOWN, sheets.LINE) and value}
            clips.append(Clip(clip_id, "folder", subject, source, fps, *times, labels))
        return clips, issues

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Two clips of each class and subject, as video files and folders of images in turn; 4 subjects by default."""
        lines = [",".join([*KNOWN, "emotion", "action_units"])]
        recording = RecordingSpec(
            "folder", fps=100, size=(240, 320), image_scale=image_scale, framing="wide", first_number=0
        )
        for number, spec in enumerate(clip_specs(subjects or 4, seed)):
            source = f"{spec.subject}/{spec.name}"
            if number % 2:
                onset, apex, offset = recording.write_frames(spec, root / source, "{}.jpg")
            else:
                source += ".mp4"
                clip = recording.render(spec)
                write_video(root / source, np.stack(list(clip.frames())), fps=100)
                onset, apex, offset = clip.timing.onset, clip.timing.apex, clip.timing.offset
            cells = [spec.name, spec.subject, source, 100, onset, apex, offset, spec.emotion, spec.action_units]
            lines.append(",".join(map(str, cells)))
        (root / LIST).write_text("\n".join(lines) + "\n", encoding="utf-8")


def clip_specs(subjects: int, seed: int) -> list[ClipSpec]:
    """The clips of a synthetic copy: two of each of three classes for each subject."""
    labels = [(emotion, "") for emotion in COARSE_CLASSES for _ in range(2)]
    names = [f"p{i:02d}" for i in range(1, subjects + 1)]
    return [clip_spec("folder", name, f"c{i}", label, seed) for name in names for i, label in enumerate(labels, 1)]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _contradiction(fps: float, source: Path) -> str:
    """Why a frame rate is not that of a film, by its header; empty where it is, and for images."""
    if source.suffix.lower() not in VIDEO_SUFFIXES or not source.is_file():
        return ""
    try:
        header = VideoFrames(source).header
    except MediaError:  # reading the film says so
        return ""
    film = header.fps / header.time_scale
    if fps <= 0 or not film or abs(fps / film - 1) <= RATE_TOLERANCE:
        return ""
    return f"the time stamps of '{source.name}' say {film:.4g} frames per second; write that, or leave the cell empty"


def _frame_rate(source: Path) -> float:
    """Frames per second by the time stamps of a video file; 25 for images and for a file that cannot be read."""
    if source.suffix.lower() not in VIDEO_SUFFIXES or not source.is_file():
        return 25.0
    try:
        times = VideoFrames(source).times
    except MediaError:
        return 25.0
    return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 25.0
