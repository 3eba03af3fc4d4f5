"""SAMM Long Videos: their 159 micro-expressions as clips, at 200 frames per second."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ..core.clip import Clip
from ..synthetic import Kind, Timing
from . import _sheets as sheets
from . import samm
from ._intervals import micro_clips
from ._records import Correction, DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .samm_lv import HEADER, IMAGE_FOLDERS, MICRO_SHEETS, SHEETS, TEXT_ABOVE, SammLv, rounded_times
from .synthetic.clip_videos import ClipVideos
from .synthetic.clips import ClipSpec, RecordingSpec, clip_spec

MACRO = Timing(onset=3, apex=60, offset=130, frames=134, fps=200)
"""When a macro-expression of a synthetic copy moves."""


def _of_clip(correction: Correction) -> Correction:
    """The correction of an interval of a long video as one of its clip."""
    name, _, time = correction.field.rpartition(".")
    clip = f"samm_lv_micro/{correction.clip.split('/')[1]}/{name}"
    return dataclasses.replace(correction, clip=clip, field=time)


@DATASETS.register("samm_lv_micro")
class SammLvMicro(Dataset):
    """The folder of `samm_lv`, and its rules: a row of a micro-expression is a clip of its video,
    `samm_lv_micro/006/006_1_2`.

    An apex of -1 is not known. A frame number with a fraction (`566.400`) is the nearest whole one. Emotion and
    objective class are in the sheet of SAMM's micro-movements, which a user may put beside this one.

    The clips and people are those of `samm` and of `samm_lv`, under other names and frame numbers: never train on one
    and test on another.
    """

    info = DatasetInfo(
        title="SAMM Long Videos, micro-expressions",
        citation=SammLv.info.citation,
        access=SammLv.info.access,
        fps=200,
        clips=159,
        source="Yap et al. 2020",
        more_labels=("emotion", "objective", "action_units"),
    )
    corrections = tuple(map(_of_clip, SammLv.corrections))

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The rows of micro-expressions, as the reader of the long videos understands them."""
        videos, issues = SammLv(self.root).read()
        return micro_clips(videos, "samm_lv_micro"), issues

    def compare_with_published(self, clips: Sequence[Clip]) -> list[DatasetIssue]:
        """As for every data set, and a note about frame numbers with a fraction."""
        return [*super().compare_with_published(clips), *rounded_times(self.name, [clip.labels for clip in clips])]

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Both sheets, and of each video the frames around its expressions: gray, 480x640.

        They are the clips of the copy of SAMM; each person has a macro-expression beside them.
        """
        recording = RecordingSpec("samm_lv", 200, (480, 640), image_scale, gray=True, framing="wide")
        videos = ClipVideos(recording, pause=200)
        rows: list[tuple[object, ...]] = []

        def write(spec: ClipSpec, kind: Kind, timing: Timing | None = None) -> None:
            video = "_".join(spec.name.split("_")[:2])
            folder = root / IMAGE_FOLDERS[0] / video
            onset, apex, offset = videos.write(spec, folder, video + "_{:04d}.jpg", timing, kind)
            type_cell, times = ("Macro", "Micro - 1/2")[kind == "micro"], (onset, apex, offset, offset - onset + 1)
            rows.append((spec.subject, spec.name, "", *times, type_cell, spec.action_units, ""))

        specs = samm.clip_specs(subjects, seed)
        for spec in specs:
            write(spec, "micro")
        for subject in dict.fromkeys(spec.subject for spec in specs):
            write(clip_spec("samm_lv", subject, f"{subject}_1_9", ("Happiness", "I"), seed), "macro", MACRO)
        sheets.write_rows(root / SHEETS[0], HEADER, rows, TEXT_ABOVE)
        micro = [(spec.subject, spec.name, spec.emotion, spec.objective) for spec in specs]
        sheets.write_rows(
            root / MICRO_SHEETS[0], ("Subject", "Filename", "Estimated Emotion", "Objective Classes"), micro
        )
