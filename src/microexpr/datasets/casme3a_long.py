"""CAS(ME)^3, part A: videos of 100 people at 30 frames per second, with macro- and micro-expressions, and blinks."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from ..core.clip import Clip, Interval
from ..synthetic.long_video import SyntheticVideo
from . import _sheets as sheets
from ._casme3 import ACCESS, CITATION, FPS, LETTERS, find_images, find_sheet, interval, video_clips, video_seconds
from ._intervals import add_interval
from ._objective import objective_class
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic import long_videos
from .synthetic.clips import split_evenly

SHEETS = ("CAS(ME)3_part_A_v2",)
OUTDATED = ("CAS(ME)3_part_A_v1",)
EXPRESSIONS, BLINKS = "AU+Emotion", "eye blink"
HEADER = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Expression type", "Objective class")
KINDS = {"micro-expression": "micro", "macro-expression": "macro"}
PEOPLE, LABELED_PEOPLE, LABELED_VIDEOS = 100, 98, 956
MICRO, MACRO, N_BLINKS = 860, 3346, 841


@DATASETS.register("casme3a_long")
class Casme3ALong(Dataset):
    """`part_A/spNO.1/a/color/1.jpg`, and the sheet `CAS(ME)3_part_A_v2`, saved as xlsx or csv: the release has it in
    the format of Excel before 2007, which is not read.

    A video without a row (956 of 1300 have one) is a clip without intervals, in which every detection is a false
    positive. An interval is named by its video and its onset, `a_355`. Kinds are those of the sheet: of its 860
    micro-expressions 626 last longer than half a second. The people are those of `casme3a`, under other names: never
    train on one and test on the other.
    """

    info = DatasetInfo(
        title="CAS(ME)^3, part A, long videos",
        citation=CITATION,
        access=ACCESS,
        fps=FPS,
        clips=PEOPLE * len(LETTERS),
        subjects=PEOPLE,
        events={"kind": {"macro": MACRO, "micro": MICRO}},
        source="sheet v2; 100 people with 13 videos each by the release's page",
    )
    sheet: ClassVar[str] = ""

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The folders of images, and the rows of the sheet that belong to each."""
        path = find_sheet(self.root, "A", SHEETS, "sheet of the long videos", OUTDATED)
        images = find_images(self.root, "A")
        rows, issues = self._rows(path)
        events: dict[tuple[str, str], list[Interval]] = {}
        for number, row in rows:
            subject, video = f"spNO.{number}", row["Filename"].lower()
            clip_id = f"{self.name}/{subject}/{video}"
            event, event_issues = self._event(clip_id, row, f"{video}_{row['Onset']}")
            issues += event_issues
            issues += add_interval(events.setdefault((subject, video), []), event, clip_id, path.name)
        return video_clips(self.name, images, events, "spNO.{}"), issues

    def _rows(self, path: Path) -> tuple[list[tuple[int, sheets.SheetRow]], list[DatasetIssue]]:
        return sheets.read_subject_rows(path, HEADER)

    def _event(self, clip_id: str, row: sheets.Row, name: str) -> tuple[Interval | None, list[DatasetIssue]]:
        times = {"onset": row["Onset"], "apex": row["Apex"], "offset": row["Offset"]}
        objective = objective_class(row["Objective class"])
        labels = {"name": name, "action_units": row["AU"], "objective": objective}
        word = row["Expression type"]
        kind = KINDS.get(word.lower(), "")
        event, issues = interval(clip_id, times, kind, labels)
        if not kind:
            issues.append(DatasetIssue(clip_id, f"{name}.kind", word, f"is none of {', '.join(KINDS)}"))
        return event, issues

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Both sheets, and videos as long as their expressions need, 480x640.

        Few subjects have two videos each, with one expression of each kind. The sheet of a whole copy has 841 blinks;
        others that the faces show are not in it, as in the release.
        """
        rows: list[tuple[object, ...]] = []
        blinks: list[tuple[object, ...]] = []
        for spec in _video_specs(subjects):
            video = long_videos.make_video(spec, "casme3a", FPS, seed, video_seconds(spec))
            folder = root / "part_A" / spec.subject / spec.name / "color"
            long_videos.write_frames(video, folder, "{}.jpg", image_scale)
            for event in long_videos.video_events(video):
                times = (event.onset + 1, event.apex + 1, event.offset + 1)
                labels = (event.action_units, f"{event.kind.capitalize()}-expression", event.objective)
                rows.append((spec.subject, spec.name, *times, *labels))
            blinks += [(spec.subject, spec.name, *times) for times in blinks_of(video)]
        tables = {
            EXPRESSIONS: [HEADER, *rows],
            BLINKS: [("Subject", "Filename", "Onset", "Offset"), *blinks[:N_BLINKS]],
        }
        sheets.write_tables(root / "annotation" / f"{SHEETS[0]}.xlsx", tables)


@DATASETS.register("casme3a_blinks")
class Casme3ABlinks(Casme3ALong):
    """The folder of `casme3a_long`, and the sheet `eye blink` of its xlsx file: 841 blinks as intervals of the kind
    `blink`.

    They are truth for a detector of blinks, or for how often a spotter takes one for an expression. Not every blink of
    the videos is in the sheet, so a blink that is found beside them is not wrong.
    """

    info = DatasetInfo(
        title="CAS(ME)^3, part A, blinks",
        citation=CITATION,
        access=ACCESS,
        fps=FPS,
        clips=PEOPLE * len(LETTERS),
        subjects=PEOPLE,
        events={"kind": {"blink": N_BLINKS}},
        source="sheet v2; 100 people with 13 videos each by the release's page",
    )

    def _rows(self, path: Path) -> tuple[list[tuple[int, sheets.SheetRow]], list[DatasetIssue]]:
        return sheets.read_subject_rows(path, ("Subject", "Filename", "Onset", "Offset"), BLINKS)

    def _event(self, clip_id: str, row: sheets.Row, name: str) -> tuple[Interval | None, list[DatasetIssue]]:
        times = {"onset": row["Onset"], "apex": "", "offset": row["Offset"]}
        return interval(clip_id, times, "blink", {"name": name})


def blinks_of(video: SyntheticVideo) -> list[tuple[int, int]]:
    """(first frame, last frame) of each blink of a synthetic video, numbered from 1."""
    last = len(video) - 1
    spans = [(round(m.start * video.fps), round(m.end * video.fps)) for m in video.movements if m.kind == "blink"]
    return [(start + 1, min(last, end) + 1) for start, end in spans]


def _video_specs(subjects: int | None) -> list[long_videos.VideoSpec]:
    """1300 videos of 100 people, 956 of them (of 98 people) with expressions; of few people, two videos each."""
    if subjects is not None:
        names = [f"spNO.{i}" for i in range(1, PEOPLE + 1)][:subjects]
        return [long_videos.VideoSpec(name, letter, 1, 1) for name in names for letter in LETTERS[:2]]
    labeled = [*split_evenly(LABELED_VIDEOS, LABELED_PEOPLE), *[0] * (PEOPLE - LABELED_PEOPLE)]
    counts = iter(zip(split_evenly(MICRO, LABELED_VIDEOS), split_evenly(MACRO, LABELED_VIDEOS)[::-1], strict=True))
    return [
        long_videos.VideoSpec(f"spNO.{i}", letter, *(next(counts) if number < n else (0, 0)))
        for i, n in enumerate(labeled, 1)
        for number, letter in enumerate(LETTERS)
    ]
