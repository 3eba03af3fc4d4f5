"""CAS(ME)^3, part C: a video of about eight minutes of each of 31 people, with macro- and micro-expressions."""

from __future__ import annotations

from pathlib import Path

from ..core.clip import Clip, Interval
from . import _sheets as sheets
from ._casme3 import ACCESS, CITATION, FPS, find_images, find_sheet, interval, video_clips, video_seconds
from ._intervals import add_interval
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .casme3c import VIDEO
from .synthetic import long_videos
from .synthetic.clips import split_evenly

SHEETS = ("CAS(ME)3_part_C",)
COLUMNS = ("Subject", "Onset", "Offset", "Exp_type", "risk")
HEADER = ("Subject", "Onset", "Offset", "diff", "Exp_type", "risk")
KINDS = {"1": "micro", "0": "macro"}
PEOPLE, LABELED_PEOPLE = 31, 28
MICRO, MACRO = 160, 303


@DATASETS.register("casme3c_long")
class Casme3CLong(Dataset):
    """`part_C/01/a/color/1.jpg`, and the sheet `CAS(ME)3_part_C`, saved as xlsx or csv: the release has it in the
    format of Excel before 2007, which is not read.

    The column `Exp_type` is 1 for a micro- and 0 for a macro-expression; `risk` is a label of the interval, as the
    sheet writes it. An interval is named by its onset (`355`). The video of a person without a row is a clip without
    intervals. The people are those of `casme3c`, under other names: never train on one and test on the other.
    """

    info = DatasetInfo(
        title="CAS(ME)^3, part C, long videos",
        citation=CITATION,
        access=ACCESS,
        fps=FPS,
        clips=PEOPLE,
        subjects=PEOPLE,
        events={"kind": {"macro": MACRO, "micro": MICRO}},
        source="sheet of the long videos; 31 people with a video each by the release's page",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The folders of images, and the rows of the sheet that belong to each."""
        path = find_sheet(self.root, "C", SHEETS, "sheet of the long videos")
        images = find_images(self.root, "C")
        rows, issues = sheets.read_subject_rows(path, COLUMNS)
        events: dict[tuple[str, str], list[Interval]] = {}
        for number, row in rows:
            subject, name = f"{number:02d}", row["Onset"]
            clip_id = f"casme3c_long/{subject}/{VIDEO}"
            kind = KINDS.get(row["Exp_type"], "")
            times = {"onset": row["Onset"], "apex": "", "offset": row["Offset"]}
            event, event_issues = interval(clip_id, times, kind, {"name": name, "risk": row["risk"]})
            issues += event_issues
            if not kind:
                issues.append(
                    DatasetIssue(clip_id, f"{name}.kind", row["Exp_type"], "is neither 1 (micro) nor 0 (macro)")
                )
            issues += add_interval(events.setdefault((subject, VIDEO), []), event, clip_id, path.name)
        return video_clips("casme3c_long", images, events, "{:02d}"), issues

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """The sheet, and videos as long as their expressions need, 480x640; of few subjects, of about 4 s."""
        rows: list[tuple[object, ...]] = []
        for spec in _video_specs(subjects):
            video = long_videos.make_video(spec, "casme3c", FPS, seed, video_seconds(spec))
            folder = root / "part_C" / spec.subject / spec.name / "color"
            long_videos.write_frames(video, folder, "{}.jpg", image_scale)
            for event in long_videos.video_events(video):
                onset, offset = event.onset + 1, event.offset + 1
                rows.append((int(spec.subject), onset, offset, offset - onset, int(event.kind == "micro"), 0))
        sheets.write_rows(root / "annotation" / f"{SHEETS[0]}.xlsx", HEADER, rows)


def _video_specs(subjects: int | None) -> list[long_videos.VideoSpec]:
    """31 videos, 28 of them with expressions; of few people, with one of each kind."""
    names = [f"{i:02d}" for i in range(1, PEOPLE + 1)][:subjects]
    if subjects is not None:
        return [long_videos.VideoSpec(name, VIDEO, 1, 1) for name in names]
    none = [0] * (PEOPLE - LABELED_PEOPLE)
    counts = zip(
        [*split_evenly(MICRO, LABELED_PEOPLE), *none], [*split_evenly(MACRO, LABELED_PEOPLE), *none], strict=True
    )
    return [long_videos.VideoSpec(name, VIDEO, *own) for name, own in zip(names, counts, strict=True)]
