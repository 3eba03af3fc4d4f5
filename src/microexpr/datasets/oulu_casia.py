"""Oulu-CASIA: six posed emotions of 80 people at 25 frames a second, from the neutral face to the peak."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from ..core.clip import Clip
from ..synthetic import Timing
from . import _macro as macro
from . import _sheets as sheets
from .base import DATASETS, Dataset, DatasetInfo, DatasetIssue
from .synthetic import clips as casting

PEOPLE = 80


@DATASETS.register("oulu_casia")
class OuluCasia(Dataset):
    """`OriginalImg/VL/Strong/P001/Anger/000.jpeg`, or `B_OriginalImg/`, or the cropped faces of `VL_Acropped/Strong/`.

    Whole pictures are taken where both are there. The release films everyone with two cameras (VL visible, NI near
    infrared) under three lights (Strong, Weak, Dark); this reads VL and Strong, as Peng et al. 2018 do: a subclass may
    set `camera` and `light`. A sequence is a clip; it ends at its peak, so that its apex is its last frame.
    """

    camera: ClassVar[str] = "VL"
    light: ClassVar[str] = "Strong"
    info = DatasetInfo(
        title="Oulu-CASIA NIR&VIS, visible, strong light",
        citation="Zhao et al. 2011, Facial expression recognition from near-infrared videos, IVC 29(9)",
        access="license agreement with the University of Oulu",
        fps=25,
        clips=PEOPLE * len(macro.SIX),
        subjects=PEOPLE,
        counts={"emotion": dict.fromkeys(macro.SIX, PEOPLE)},
        source="Zhao et al. 2011",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """Each folder of pictures; there is no sheet."""
        whole, cropped = f"{self.camera}/{self.light}", f"{self.camera}_Acropped/{self.light}"
        places = (f"OriginalImg/{whole}", f"B_OriginalImg/{whole}", whole)
        faces = (f"PreProcess/{cropped}", f"B_PreProcess/{cropped}", cropped)
        clips: list[Clip] = []
        faults: list[DatasetIssue] = []
        for person in macro.folders(sheets.find(self.root, (*places, *faces), "folder of pictures")):
            for source in macro.folders(person):
                subject = f"{self.name}/{person.name}"
                clip, emotion = f"{subject}/{source.name}", macro.emotion_of(source.name)
                if emotion is None:
                    faults.append(DatasetIssue(clip, "folder", source.name, "is not named after an emotion"))
                    continue
                clips.append(macro.sequence(clip, subject, source, self.info.fps, {"emotion": emotion}))
        return clips, faults

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Whole pictures of 320x240; sequences of 9 to 14 frames; everyone shows every emotion once."""
        shooting = casting.RecordingSpec(
            "oulu_casia", 25, (240, 320), image_scale, framing="wide", first=0, kind="macro"
        )
        for person in [f"P{i:03d}" for i in range(1, PEOPLE + 1)][:subjects]:
            for word in macro.SIX:
                role = macro.role("oulu_casia", person, word.capitalize(), word, seed)
                n = int(np.random.default_rng([role.seed, 1]).integers(9, 15))
                folder = root / "OriginalImg" / cls.camera / cls.light / person / role.name
                shooting.write_frames(role, folder, "{:03d}.jpeg", Timing(0, n - 1, n - 1, n, 25))
