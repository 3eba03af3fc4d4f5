"""Anyone's own recordings: a folder with a `clips.csv`."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ..core.clip import Clip
from ..core.errors import MediaError
from ..imaging.video import VIDEO_SUFFIXES, VideoFrames, write_video
from . import _sheets as sheets
from .base import DATASETS, Dataset, DatasetInfo, DatasetIssue
from .synthetic import clips as casting

LIST = "clips.csv"
NEEDED = ("clip", "subject", "source")
KNOWN = (*NEEDED, "fps", "onset", "apex", "offset")


@DATASETS.register("folder")
class Folder(Dataset):
    """`clips.csv` with the columns clip, subject, source, and as many more as you like.

    `source` is a video file, a folder of numbered pictures or one picture, relative to this folder. `fps`, `onset`,
    `apex` and `offset` may be empty; an empty `fps` is what a video file says of itself, and 25 for pictures. Every
    further column is a label: `emotion`, `objective`, `action_units` ... The case of column names does not matter.
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
        faults: list[DatasetIssue] = []
        for cells in sheets.read_rows(self.root / LIST, NEEDED):
            row = {name.lower(): value for name, value in cells.items()}
            if empty := [name for name in NEEDED if not row[name]]:
                faults.append(DatasetIssue(f"{LIST}, line {row[sheets.LINE]}", empty[0], "", "is empty"))
                continue
            clip_id, subject = f"folder/{row['subject']}/{row['clip']}", f"folder/{row['subject']}"
            times, wrong = sheets.times(clip_id, row, ("onset", "apex", "offset"))
            faults += [*wrong, *self._outside(clip_id, row["source"])]
            source = self.root / row["source"]
            fps = _number(row["fps"]) if row.get("fps") else _rate(source)
            if fps is None:
                faults.append(DatasetIssue(clip_id, "fps", row["fps"], "is not a number"))
                continue
            labels = {name: value for name, value in row.items() if name not in (*KNOWN, sheets.LINE) and value}
            clips.append(Clip(clip_id, "folder", subject, source, fps, *times, labels))
        return clips, faults

    def _outside(self, clip: str, source: str) -> list[DatasetIssue]:
        inside = (self.root / source).resolve().is_relative_to(self.root.resolve())
        return [] if inside else [DatasetIssue(clip, "source", source, "leads out of the folder")]

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Two clips a class and person, as video files and folders of pictures in turn; 4 people unless told."""
        lines = [",".join([*KNOWN, "emotion", "action_units"])]
        shooting = casting.RecordingSpec(
            "folder", fps=100, size=(240, 320), image_scale=image_scale, framing="wide", first=0
        )
        for number, role in enumerate(casting.default_clip_specs(subjects or 4, seed)):
            source = f"{role.person}/{role.name}"
            if number % 2:
                onset, apex, offset = shooting.write_frames(role, root / source, "{}.jpg")
            else:
                source += ".mp4"
                performance = shooting.render(role)
                write_video(root / source, np.stack(list(performance.frames())), fps=100)
                onset, apex, offset = performance.timing.onset, performance.timing.apex, performance.timing.offset
            cells = [role.name, role.person, source, 100, onset, apex, offset, role.emotion, role.action_units]
            lines.append(",".join(map(str, cells)))
        (root / LIST).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _rate(source: Path) -> float:
    """Frames per second by the time stamps of a video file; 25 of pictures, or of a file that `check` will name."""
    if source.suffix.lower() not in VIDEO_SUFFIXES or not source.is_file():
        return 25.0
    try:
        times = VideoFrames(source).times
    except MediaError:
        return 25.0
    return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 25.0
