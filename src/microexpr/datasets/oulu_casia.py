"""Oulu-CASIA: six posed emotions of 80 subjects at 25 frames per second, from the neutral face to the peak."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from ..core.clip import Clip
from ..synthetic import Timing
from . import _macro as macro
from . import _sheets as sheets
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.clips import RecordingSpec

SUBJECTS = 80


@DATASETS.register("oulu_casia")
class OuluCasia(Dataset):
    """`OriginalImg/VL/Strong/P001/Anger/000.jpeg`, or `B_OriginalImg/`, or the cropped faces of `VL_Acropped/Strong/`.

    Whole images are read where both are there. The release has every subject before two cameras (VL visible, NI near
    infrared) under three lights (Strong, Weak, Dark); this reads VL and Strong, as Peng et al. 2018 do. A subclass may
    set `camera` and `light`. A sequence is a clip; it ends at its peak, so that its apex is its last frame.
    """

    camera: ClassVar[str] = "VL"
    light: ClassVar[str] = "Strong"
    info = DatasetInfo(
        title="Oulu-CASIA NIR&VIS, visible, strong light",
        citation="Zhao et al. 2011, Facial expression recognition from near-infrared videos, IVC 29(9)",
        access="license agreement with the University of Oulu",
        fps=25,
        clips=SUBJECTS * len(macro.BASIC_EMOTIONS),
        subjects=SUBJECTS,
        counts={"emotion": dict.fromkeys(macro.BASIC_EMOTIONS, SUBJECTS)},
        source="Zhao et al. 2011",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """Each folder of images; there is no sheet."""
        whole, cropped = f"{self.camera}/{self.light}", f"{self.camera}_Acropped/{self.light}"
        tops = (
            f"OriginalImg/{whole}",
            f"B_OriginalImg/{whole}",
            whole,
            f"PreProcess/{cropped}",
            f"B_PreProcess/{cropped}",
            cropped,
        )
        clips: list[Clip] = []
        issues: list[DatasetIssue] = []
        for subject_folder in macro.subfolders(sheets.find_path(self.root, tops, "folder of images")):
            for source in macro.subfolders(subject_folder):
                subject = f"{self.name}/{subject_folder.name}"
                clip_id, emotion = f"{subject}/{source.name}", macro.emotion_of(source.name)
                if emotion is None:
                    issues.append(DatasetIssue(clip_id, "folder", source.name, "is not named after an emotion"))
                    continue
                clips.append(macro.sequence_clip(clip_id, subject, source, self.info.fps, {"emotion": emotion}))
        return clips, issues

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Whole images of 320x240; sequences of 9 to 14 frames; every subject shows every emotion once."""
        recording = RecordingSpec(
            "oulu_casia", 25, (240, 320), image_scale, framing="wide", first_number=0, kind="macro"
        )
        for subject in [f"P{i:03d}" for i in range(1, SUBJECTS + 1)][:subjects]:
            for emotion in macro.BASIC_EMOTIONS:
                spec = macro.posed_clip_spec("oulu_casia", subject, emotion.capitalize(), emotion, seed)
                frames = int(np.random.default_rng([spec.seed, 1]).integers(9, 15))
                folder = root / "OriginalImg" / cls.camera / cls.light / subject / spec.name
                timing = Timing(0, frames - 1, frames - 1, frames, 25)
                recording.write_frames(spec, folder, "{:03d}.jpeg", timing)
