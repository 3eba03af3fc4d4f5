"""CAS(ME)^3, part A: 860 micro-expressions of 94 people at 30 frames per second."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..core.clip import TIMES, Clip
from ..synthetic import Timing
from . import _sheets as sheets
from ._casme3 import (
    ACCESS,
    CITATION,
    FPS,
    LETTERS,
    child,
    draw_timing,
    dropped_frames,
    find_images,
    find_sheet,
    frames_of,
    note_unlabeled,
)
from ._corrections import write_corrections
from ._known_rows import MEB, WrongRow, wrong_row_issues
from ._objective import objective_class
from ._records import Correction, DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.action_units import deal_action_units
from .synthetic.clip_videos import ClipVideos
from .synthetic.clips import ClipSpec, Labels, RecordingSpec, assign_labels, clip_spec, split_evenly, subsample_counts

SHEETS = ("cas(me)3_part_A_ME_label_JpgIndex_v2", "cas(me)_3_part_A_ME_label_JpgIndex_v2")
OUTDATED = ("cas(me)3_part_A_ME_label_JpgIndex_v1", "cas(me)_3_part_A_ME_label_JpgIndex_v1")
CLIP_FOLDERS = ("ME_A", "ME_A_cropped", "Part_A_ME_clip/Part_A_ME_clip/frame", "Part_A_ME_clip/frame")
HEADER = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion")
SUBJECTS = 94
VIDEOS = 463
MAX_FRAMES = 900
"""Frames from onset to offset, half a minute, above which `check` doubts a row: our choice. Half of the rows of the
release have 22 or fewer."""

LABELS: Mapping[Labels, int] = {
    ("happy", "I"): 15,
    ("surprise", "II"): 120,
    ("fear", "II"): 15,
    ("others", "II"): 10,
    ("disgust", "II"): 6,
    ("disgust", "III"): 90,
    ("others", "III"): 45,
    ("anger", "III"): 45,
    ("fear", "III"): 30,
    ("sad", "III"): 16,
    ("surprise", "III"): 8,
    ("disgust", "IV"): 35,
    ("anger", "IV"): 2,
    ("sad", "V"): 22,
    ("surprise", "V"): 15,
    ("fear", "V"): 6,
    ("others", "V"): 4,
    ("fear", "VI"): 3,
    ("disgust", "VII"): 119,
    ("others", "VII"): 102,
    ("surprise", "VII"): 44,
    ("happy", "VII"): 40,
    ("fear", "VII"): 32,
    ("sad", "VII"): 19,
    ("anger", "VII"): 17,
}
"""Clips of a synthetic copy by emotion and objective class.

The counts of each emotion and of each class are those of the sheet; how they go together is our choice.
"""

POSITIVES = {1: 153, 2: 128, 4: 274, 5: 44, 6: 8, 7: 27, 9: 50, 10: 10, 12: 15, 14: 193, 15: 6, 17: 20}
"""Action unit -> clips that show it, of the twelve that Varanka et al. evaluate across data sets (CD6ME)."""

Times = tuple[int, int, int]
"""(onset, apex, offset)."""

WRONG_ROWS = (
    WrongRow(128, "apex", "123"),
    WrongRow(708, "offset", "34"),
    WrongRow(749, "onset", "2647"),
    WrongRow(750, "onset", "1"),
    WrongRow(750, "apex", "1"),
    WrongRow(796, "offset", "1845"),
    WrongRow(798, "offset", "2403"),
)
"""Rows of the sheet that the reader of Varanka et al. (meb) corrects."""

PLANTED: Mapping[int, tuple[Times, Times]] = {
    128: ((112, 83, 358), (112, 123, 358)),
    708: ((5, 12, 3460), (5, 12, 34)),
    749: ((3647, 2668, 2694), (2647, 2668, 2694)),
    750: ((0, 0, 30), (1, 1, 30)),
    796: ((1800, 1820, 0), (1800, 1820, 1845)),
    798: ((2380, 2390, 0), (2380, 2390, 2403)),
}
"""Row of a whole synthetic copy -> its times in the sheet, wrong as in the release, and the right ones.

Of rows 708, 750, 796 and 798 only the wrong values are known; the others are made up.
"""


@DATASETS.register("casme3a")
class Casme3A(Dataset):
    """`part_A/spNO.1/a/color/1.jpg`, or the micro-expressions alone: `ME_A/spNO.1/a2/color/175.jpg`, where the number
    tells the expressions of one video that follow each other in the sheet, or
    `Part_A_ME_clip/frame/spNO.1_a_355/355.jpg`.

    A clip is named by its video and its onset (`a_355`): several expressions of one person are in one video, whose
    folder is the source of them all. Emotions are in small letters, whatever the sheet has; they are its own words
    (`happy`, `sad`). Micro is what the sheet calls so: 626 of the 860 last longer than half a second. In 55 rows the
    apex is the onset. Frames that the camera dropped are missing; `check` notes how many.

    Six rows are wrong. They are known by their numbers only (`WRONG_ROWS`), so they are not corrected: `check` names
    each with the line of a `corrections.csv` that corrects it.
    """

    read_needs_images = False
    info = DatasetInfo(
        title="CAS(ME)^3, part A, micro-expressions",
        citation=CITATION,
        access=ACCESS,
        fps=FPS,
        clips=sum(LABELS.values()),
        subjects=SUBJECTS,
        counts={
            "emotion": {
                "disgust": 250,
                "surprise": 187,
                "others": 161,
                "fear": 86,
                "anger": 64,
                "sad": 57,
                "happy": 55,
            },
            "objective": {"I": 15, "II": 151, "III": 234, "IV": 37, "V": 47, "VI": 3, "VII": 373},
        },
        source="sheet v2 of the micro-expressions",
        more_labels=("action_units",),
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The rows of the sheet, all of which are text."""
        path = find_sheet(self.root, "A", SHEETS, "sheet of micro-expressions", OUTDATED)
        images = find_images(self.root, "A", CLIP_FOLDERS)
        rows, issues = sheets.read_subject_rows(path, HEADER)
        clips: list[Clip] = []
        previous, repeat = ("", ""), 1
        for number, row in rows:
            subject, video = f"spNO.{number}", row["Filename"]
            repeat = repeat + 1 if (subject, video) == previous else 1
            previous = (subject, video)
            clip_id = f"casme3a/{subject}/{video.lower()}_{row['Onset']}"
            times, time_issues = sheets.parse_times(clip_id, row, HEADER[2:5], needed=TIMES)
            issues += time_issues
            labels = {
                "emotion": row["emotion"].lower(),
                "objective": objective_class(row["Objective class"]),
                "action_units": row["AU"],
                "video": video,
            }
            source = _frames(images, subject, video, row["Onset"], repeat)
            clips.append(Clip(clip_id, "casme3a", f"casme3a/{subject}", source, FPS, *times, labels))
        note_unlabeled(images, clips)
        return clips, issues

    def compare_with_published(self, clips: Sequence[Clip]) -> list[DatasetIssue]:
        """As for every data set, and what else is known or likely to be wrong with rows of the sheet."""
        sheet = [clip.id for clip in self.read()[0]]
        known = wrong_row_issues(WRONG_ROWS, sheet, clips, self.info.clips, MEB)
        found = [*known, *(issue for clip in clips for issue in _doubts(clip))]
        return [*super().compare_with_published(clips), *found, *dropped_frames(clips)]

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """The sheet, and of each video the frames around its micro-expressions: head and shoulders, 480x640.

        In a whole copy the known rows are wrong as in the release, and a `corrections.csv` corrects them; the onset
        stands for the apex in 55 rows, and three have the emotion `Others`.
        """
        videos = ClipVideos(RecordingSpec("casme3a", FPS, (480, 640), image_scale, framing="wide"), pause=FPS)
        (root / "part_A").mkdir()  # also where no image is written
        rows: list[tuple[str, ...]] = []
        corrections: list[Correction] = []
        for row, spec in enumerate(clip_specs(subjects, seed)):
            video = root / "part_A" / spec.subject / spec.name[0] / "color"
            if subjects is None and row in PLANTED:
                wrong, right = PLANTED[row]
                video = root / "part_A" / spec.subject / LETTERS[-1] / "color"
                _write_planted(videos.recording, spec, video, right)
                clip_id = f"casme3a/{spec.subject}/{LETTERS[-1]}_{wrong[0]}"
                corrections += [
                    Correction(clip_id, time, str(was), str(becomes), f"row {row}: {MEB}")
                    for time, was, becomes in zip(TIMES, wrong, right, strict=True)
                    if was != becomes
                ]
            else:
                rng = np.random.default_rng([spec.seed, 1])
                timing = draw_timing(rng, videos.recording.pad, median=22, longest=60)
                wrong = videos.write(spec, video, "{}.jpg", timing)
                if subjects is None and row % 16 == 3:  # 54 rows; row 750 is the 55th
                    wrong = (wrong[0], wrong[0], wrong[2])
            labels = (spec.action_units, spec.objective, spec.emotion)
            rows.append((spec.subject, video.parent.name, *map(str, wrong), *labels))
        sheets.write_tables(root / "annotation" / f"{SHEETS[0]}.xlsx", {"label": [HEADER, *_some_capital(rows)]})
        if corrections:
            write_corrections(root, corrections)


def _frames(images: Path, subject: str, video: str, onset: str, repeat: int) -> Path:
    """The folder of a clip's frames, in whichever layout is there."""
    if (alone := child(images, f"{subject}_{video}_{onset}")).is_dir():
        return alone
    person = child(images, subject)
    if repeat > 1 and (numbered := child(person, f"{video}{repeat}")).is_dir():
        return frames_of(numbered)
    return frames_of(child(person, video))


def _doubts(clip: Clip) -> Iterator[DatasetIssue]:
    """What may be wrong with a row, besides contradictions."""
    if clip.onset is not None and clip.offset is not None and clip.offset - clip.onset >= MAX_FRAMES:
        reason = f"is more than {MAX_FRAMES} frames after the onset, {clip.onset}; is a digit wrong?"
        yield DatasetIssue(clip.id, "offset", str(clip.offset), reason)
    if (video := clip.labels["video"]) != video.lower():
        reason = f"the sheet calls this video '{video.lower()}' elsewhere; it is taken for the same"
        yield DatasetIssue(clip.id, "video", video, reason)


def _write_planted(recording: RecordingSpec, spec: ClipSpec, folder: Path, times: Times) -> None:
    """Write the frames of a clip with these times, into a video of its own."""
    onset, apex, offset = times
    lead = min(recording.pad, onset - 1)
    end = lead + offset - onset
    timing = Timing(lead, lead + max(1, apex - onset), end, end + 1 + recording.pad, FPS)
    dataclasses.replace(recording, first_number=onset - lead).write_frames(spec, folder, "{}.jpg", timing)


def clip_specs(subjects: int | None, seed: int) -> list[ClipSpec]:
    """The clips of a synthetic copy; a whole one has 860 in 463 videos, dealt to 94 people as evenly as can be.

    The name of a clip is the letter of its video and the number of the clip in it (`a1`).
    """
    names = [f"spNO.{i}" for i in range(1, SUBJECTS + 1)][:subjects]
    counts = dict(zip(names, split_evenly(sum(LABELS.values()), SUBJECTS), strict=False))
    videos = dict(zip(names, split_evenly(VIDEOS, SUBJECTS), strict=False))
    labels = subsample_counts(LABELS, sum(counts.values()))
    of_subject: dict[str, list[Labels]] = {name: [] for name in names}
    for subject, own in assign_labels(labels, counts, seed):
        of_subject[subject].append(own)
    specs = []
    for subject, every in of_subject.items():
        order = np.random.default_rng([seed, *subject.encode()]).permutation(len(every)).tolist()
        places = [
            f"{letter}{i + 1}"
            for letter, n in zip(LETTERS, split_evenly(len(every), videos[subject]), strict=False)
            for i in range(n)
        ]
        specs += [clip_spec("casme3a", subject, name, every[i], seed) for name, i in zip(places, order, strict=True)]
    return deal_action_units(specs, LABELS, POSITIVES, seed)


def _some_capital(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows of the sheet, of which three have the emotion `Others` as in the release."""
    others = [i for i, row in enumerate(rows) if row[-1] == "others"][:3]
    return [(*row[:-1], "Others") if i in others else row for i, row in enumerate(rows)]
