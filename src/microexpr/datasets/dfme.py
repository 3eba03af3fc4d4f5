"""DFME, the release of its challenge: a training part and two test parts of other people, at 200 to 500 frames/s."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..core.clip import Clip
from ..synthetic import draw_timing
from . import _sheets as sheets
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.clips import ClipSpec, Labels, RecordingSpec, assign_labels, clip_spec, split_evenly, subsample_counts

COLUMNS = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Emotion", "EmotionId", "Fps", "AU")
EMOTIONS = {
    "anger": "III",
    "contempt": "VII",
    "disgust": "IV",
    "fear": "VI",
    "happiness": "I",
    "sadness": "V",
    "surprise": "II",
}
"""The emotions in the order of the column EmotionId, from 0, and the objective class that shows each in a copy."""

FPS_OF_TRAINING = {500: 695, 300: 605, 200: 556}
"""Frames per second -> clips of the training part."""


class _Part(Dataset):
    """`DFME_train/sub0003_01/00012.png` (`DFME_test_A/...` in test A), and a sheet for the part.

    Frames have five digits and are numbered from 0, so that an onset of 0 is a frame. Each clip has the frame rate of
    its row. Some clips last longer than half a second (48, 10 and 10 of the three parts); they are micro-expressions
    all the same, because the release says so. Action units are written `4+R7`, `AD38` and `M58`, too.

    The parts are three data sets, whose sheets and folders may lie in one folder. Their people are others; in a
    synthetic copy they are numbered on. `check` names a row whose `EmotionId` is not that of its emotion and one whose
    action units cannot be read. The size of the images of a copy is our choice.
    """

    read_needs_images = False
    stems: ClassVar[tuple[str, ...]]
    folders: ClassVar[tuple[str, ...]]
    first_person: ClassVar[int]
    fps_counts: ClassVar[dict[int, int]] = {}

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The rows of the sheet; the name of a clip is that of its folder."""
        clips, issues, _ = self._read_rows()
        return clips, issues

    def compare_with_published(self, clips: Sequence[Clip]) -> list[DatasetIssue]:
        """An issue for every published number that these clips do not have, and for every contradiction of a row."""
        issues = super().compare_with_published(clips)
        here = Counter(clip.fps for clip in clips)
        issues += [
            DatasetIssue(self.name, f"clips of {fps} frames/s", str(here[fps]), f"the release has {published}")
            for fps, published in self.fps_counts.items()
            if here[fps] != published
        ]
        labels = {clip.id: clip.labels for clip in clips}
        written, _, rows = self._read_rows()
        for clip, row in zip(written, rows, strict=True):
            issues += _contradictions(clip.id, labels.get(clip.id, clip.labels), row["EmotionId"])
        return issues

    def _read_rows(self) -> tuple[list[Clip], list[DatasetIssue], list[sheets.SheetRow]]:
        """The clips, issues, and the row of each clip."""
        names = [f"{top}{stem}_full_with_AU.xlsx" for stem in self.stems for top in ("", "full_release_annotation/")]
        rows, issues = sheets.read_subject_rows(sheets.find_path(self.root, names, "sheet"), COLUMNS)
        images = sheets.first_folder(self.root, self.folders)
        clips: list[Clip] = []
        used: list[sheets.SheetRow] = []
        for number, row in rows:
            subject, name = f"{self.name}/sub{number:04d}", row["Filename"]
            clip_id, rate = f"{subject}/{name}", row["Fps"]
            if not rate.isdecimal() or int(rate) == 0:
                issues.append(DatasetIssue(clip_id, "fps", rate, "is not a number of frames per second"))
                continue
            columns = ("OnsetFrame", "ApexFrame", "OffsetFrame")
            times, time_issues = sheets.parse_times(clip_id, row, columns, needed=("onset", "offset"))
            issues += time_issues
            labels = {"emotion": row["Emotion"].lower(), "action_units": row["AU"]}
            clips.append(Clip(clip_id, self.name, subject, images / name, int(rate), *times, labels))
            used.append(row)
        return clips, issues, used

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """The sheet and images of the face, 256x256; few subjects have two clips each.

        Every third clip begins with its onset, frame 0. Every fifth has an action descriptor or a movement of the head
        in its text, which the synthetic face does not show.
        """
        rows = []
        for number, (spec, fps) in enumerate(zip(*_specs_and_rates(cls, subjects, seed), strict=True)):
            recording = RecordingSpec(
                "dfme", fps=fps, size=(256, 256), image_scale=image_scale, pad=3 * (number % 3 > 0), first_number=0
            )
            timing = draw_timing(np.random.default_rng([seed, spec.seed]), fps, recording.pad)
            times = recording.write_frames(spec, root / cls.folders[0] / spec.name, "{:05d}.png", timing)
            more = ("+AD38", "+M58")[number % 2] if number % 5 == 0 else ""
            labels = (spec.emotion, list(EMOTIONS).index(spec.emotion), fps, spec.action_units + more)
            rows.append((spec.subject, spec.name, *times, *labels))
        sheets.write_rows(root / f"{cls.stems[0]}_full_with_AU.xlsx", COLUMNS, rows)


def _info(title: str, clips: Sequence[int], subjects: int) -> DatasetInfo:
    return DatasetInfo(
        title=f"DFME, {title} of the challenge",
        citation="Zhao et al. 2023, DFME: A New Benchmark for Dynamic Facial Micro-Expression Recognition, IEEE TAC",
        access="license agreement with the MEA Lab (mea-lab-421.github.io)",
        fps=0,
        clips=sum(clips),
        subjects=subjects,
        counts={"emotion": dict(zip(EMOTIONS, clips, strict=True))},
        source="sheet of the challenge's release; the whole set has 7526 clips",
        more_labels=("action_units",),
    )


@DATASETS.register("dfme")
class Dfme(_Part):
    """The training part of the challenge's release."""

    stems = ("training", "DFME_training")
    folders = ("DFME_train", "train_data/train_data", "train_data")
    first_person = 1
    fps_counts = FPS_OF_TRAINING
    info = _info("training part", (161, 100, 548, 265, 206, 278, 298), 176)


@DATASETS.register("dfme_test_a")
class DfmeTestA(_Part):
    """Test A of the challenge's release."""

    stems = ("testA", "test_A", "DFME_test_A")
    folders = ("DFME_test_A", "DFME_testA", "test_data_A/test_data_A", "test_data_A")
    first_person = 177
    info = _info("test A", (39, 34, 129, 62, 63, 46, 101), 42)


@DATASETS.register("dfme_test_b")
class DfmeTestB(_Part):
    """Test B of the challenge's release."""

    stems = ("testB", "test_B", "DFME_test_B")
    folders = ("DFME_test_B", "DFME_testB", "test_data_B/test_data_B", "test_data_B")
    first_person = 219
    info = _info("test B", (41, 37, 58, 38, 42, 35, 48), 41)


def _contradictions(clip_id: str, labels: Mapping[str, str], emotion_id: str) -> Iterator[DatasetIssue]:
    """What is wrong with the labels of a row."""
    emotion = labels["emotion"]
    if emotion in EMOTIONS and emotion_id not in ("", str(list(EMOTIONS).index(emotion))):
        yield DatasetIssue(clip_id, "EmotionId", emotion_id, f"is not that of {emotion}")


def clip_specs(subjects: int | None, seed: int, part: type[_Part] = Dfme) -> list[ClipSpec]:
    """The clips of a synthetic copy of a part; a whole one has the published counts, dealt as evenly as can be."""
    info = part.info
    people = [f"sub{number:04d}" for number in range(part.first_person, part.first_person + info.subjects)]
    clips = split_evenly(info.clips, info.subjects) if subjects is None else [2] * info.subjects
    counts = dict(zip(people[:subjects], clips, strict=False))
    labels: dict[Labels, int] = {(name, EMOTIONS[name]): n for name, n in info.counts["emotion"].items()}
    specs, used = [], Counter[str]()
    for subject, own in assign_labels(subsample_counts(labels, sum(counts.values())), counts, seed):
        used[subject] += 1
        specs.append(clip_spec("dfme", subject, f"{subject}_{used[subject]:02d}", own, seed))
    return specs


def _specs_and_rates(part: type[_Part], subjects: int | None, seed: int) -> tuple[list[ClipSpec], list[int]]:
    """The clips of a copy, and the frame rate of each; a whole training part has as many of each as the release."""
    specs = clip_specs(subjects, seed, part)
    rates = [200, 300, 500] * len(specs)
    if subjects is None and part.fps_counts:
        pool = [fps for fps, n in part.fps_counts.items() for _ in range(n)]
        rates = [pool[i] for i in np.random.default_rng(seed).permutation(len(pool)).tolist()]
    return specs, rates[: len(specs)]
