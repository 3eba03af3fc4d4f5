"""iMiGUE: films of tennis players who are asked after a match, with 18 499 micro-gestures. A related set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..core.clip import Clip
from . import _sheets as sheets
from ._films import film_rate, find_below, find_films
from ._gestures import KIND, read_gestures
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic import gestures
from .synthetic.clips import split_evenly

LABELS = "*_label.csv"
PEOPLE = "people.csv"
NO_GESTURE = "99"
"""What stands in the tables for a movement that is no micro-gesture, e.g. one that underlines what is said."""

CLASSES = tuple(str(number) for number in range(33))
PARTS = {"train": ("train", "val"), "test": ("test",)}
"""Part -> words in the names of folders: people of the test are others than those of training and validation."""

VIDEOS = 359
GESTURES = {"train": 13_936, "test": 4_563}
FPS = 25
"""Frames per second of a copy, and of a video that is a folder of images or not there."""


@DATASETS.register("imigue")
class Imigue(Dataset):
    """`imigue_skeleton_train/0001/0001_label.csv` and `imigue_rgb_train/0001/0001.mp4`, or `0001/000001.jpg`.

    A long video has intervals of the kind `gesture` with the label `gesture`, as the release numbers its 32 classes
    (from 0 or from 1: copies differ; what the numbers mean is in its paper). Lines of `99` are no micro-gesture; their
    number is the label `skipped` of the video. Frames are numbered from 0.

    Nothing beside the videos says who is who. So all videos of the training and validation part count as one person,
    `train`, those of the test part as another, `test`: the people of these parts are known to be others (37 and 35),
    and no split has a person on both sides. A table of your own, `people.csv` with the columns video and person, names
    the people instead, of every video: one that it forgot could be of somebody on the other side. Landmarks
    (`_light_hand.csv`) and the results of matches are not read.
    """

    info = DatasetInfo(
        title="iMiGUE, micro-gestures",
        citation="Liu et al. 2021, iMiGUE: An Identity-Free Video Dataset for Micro-Gesture Understanding and Emotion "
        "Analysis, CVPR",
        access="license agreement with the University of Oulu",
        fps=0,
        clips=VIDEOS,
        events={"kind": {KIND: sum(GESTURES.values())}},
        source="Liu et al. 2021",
        more_labels=("skipped",),
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The tables of gestures, and the film or the folder of images of each."""
        tables = [path for path in find_below(self.root, LABELS) if path.stem == f"{path.parent.name}_label"]
        if not tables:
            sheets.find_path(self.root, ("imigue_skeleton_train/0001/0001_label.csv",), "table of gestures")
        people, films = self._people(), find_films(self.root)
        frames = {path.parent.name: path.parent for path in find_below(self.root, "000001.*")}
        clips: list[Clip] = []
        issues: list[DatasetIssue] = []
        for table in tables:
            video = table.parent.name
            person = people.get(video, "") if people else _part(table.relative_to(self.root))
            if not person:
                reason = f"its folder names no part (train, val, test), and there is no {PEOPLE}"
                if people:
                    reason = f"{PEOPLE} does not name its person; add a line for the video, or take the file away"
                issues.append(DatasetIssue(video, "subject", str(table.parent), reason))
                continue
            subject = f"imigue/{person}"
            clip_id = f"{subject}/{video}"
            intervals, skipped, wrong = read_gestures(table, clip_id, CLASSES, NO_GESTURE)
            issues += wrong
            source = films.get(video) or frames.get(video) or table.with_name(f"{video}.mp4")
            labels = {"skipped": str(skipped)} if skipped else {}
            fps = film_rate(source, FPS)
            clips.append(Clip(clip_id, "imigue", subject, source, fps, labels=labels, intervals=tuple(intervals)))
        return clips, issues

    def _people(self) -> Mapping[str, str]:
        """Video -> person of the user's table; empty without it."""
        path = self.root / PEOPLE
        if not path.is_file():
            return {}
        return {row["video"]: row["person"] for row in sheets.read_rows(path, ("video", "person"))}

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Films of 240x320 in which a face shows a small expression for each gesture.

        A whole copy has the published numbers, its videos being divided as the gestures are. With few subjects a video
        has three gestures, and each part has as many videos.
        """
        for number, (part, n_gestures) in enumerate(_videos(subjects), 1):
            video_id = f"{number:04d}"
            video = gestures.make_video("imigue", video_id, video_id, n_gestures, FPS, seed)
            rows = [f"{gesture},{first},{last}" for gesture, first, last in gestures.gesture_rows(video, 32)]
            folder = root / f"imigue_skeleton_{part}" / video_id
            folder.mkdir(parents=True)
            (folder / f"{video_id}_label.csv").write_text("\n".join([*rows, "99,0,2"]) + "\n", encoding="utf-8")
            gestures.write_film(video, root / f"imigue_rgb_{part}" / video_id / f"{video_id}.mp4", image_scale)


def _part(path: Path) -> str:
    """The part that a path names, or an empty text."""
    words = [folder.lower() for folder in path.parts]
    return next((part for part, names in PARTS.items() if any(n in word for word in words for n in names)), "")


def _videos(subjects: int | None) -> list[tuple[str, int]]:
    """(part, number of gestures) of each video of a copy."""
    if subjects is not None:
        return [(part, 3) for _ in range(subjects) for part in PARTS][: max(2, subjects)]
    share = round(VIDEOS * GESTURES["train"] / sum(GESTURES.values()))
    videos = {"train": share, "test": VIDEOS - share}
    return [(part, n) for part in PARTS for n in split_evenly(GESTURES[part], videos[part])]
