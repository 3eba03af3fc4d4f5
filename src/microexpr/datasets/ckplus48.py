"""CK+48: the last three frames of the 327 sequences of CK+ with an emotion, as cropped gray faces of 48x48."""

from __future__ import annotations

import re
from pathlib import Path

from ..core.clip import Clip
from ..core.errors import MissingDataError
from ..imaging.images import write_image
from . import _macro as macro
from . import ckplus
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.clips import RecordingSpec

FRAMES = 3
NAME = re.compile(r"(S\d+)_(\d+)_(\d+)", re.IGNORECASE)
FOLDERS = {emotion: "happy" if emotion == "happiness" else emotion for emotion in ckplus.COUNTS}


@DATASETS.register("ckplus48")
class CkPlus48(Dataset):
    """`anger/S010_004_00000017.png` below the root or `CK+48/`; subject, sequence and frame are in the name.

    An image is a clip of one frame. The subjects and the images are those of `ckplus`, but no split knows that
    `ckplus/S010` and `ckplus48/S010` are the same subject: never use both releases in one study. The three frames of a
    sequence are nearly alike: split by subject.
    """

    info = DatasetInfo(
        title="CK+48",
        citation="Lucey et al. 2010, The Extended Cohn-Kanade Dataset (CK+), CVPR Workshops",
        access="made from CK+ by others; the license is that of CK+",
        fps=0,
        stills=True,
        clips=FRAMES * sum(ckplus.COUNTS.values()),
        subjects=ckplus.LABELED_SUBJECTS,
        counts={"emotion": {emotion: FRAMES * n for emotion, n in ckplus.COUNTS.items()}},
        source="three frames of each sequence of CK+ with an emotion",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The image files; there is no sheet."""
        clips: list[Clip] = []
        issues: list[DatasetIssue] = []
        for folder in self._folders():
            emotion = macro.emotion_of(folder.name)
            if emotion is None:
                issues.append(DatasetIssue(self.name, "folder", folder.name, "is not named after an emotion"))
                continue
            for path in macro.image_files(folder):
                found = NAME.fullmatch(path.stem)
                if found is None:
                    file = f"{folder.name}/{path.name}"
                    issues.append(DatasetIssue(self.name, "file", file, "is not named like S010_004_00000017.png"))
                    continue
                subject = f"ckplus48/{found[1].upper()}"
                labels = {"emotion": emotion}
                clips.append(Clip(f"{subject}/{found[2]}_{found[3]}", "ckplus48", subject, path, 1.0, labels=labels))
        return clips, issues

    def _folders(self) -> list[Path]:
        for top in (self.root / "CK+48", self.root):
            found = macro.subfolders(top) if top.is_dir() else []
            if any(macro.emotion_of(folder.name) for folder in found):
                return found
        raise MissingDataError(f"'{self.root}' has no folder of an emotion; looked for e.g. anger, CK+48/anger")

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """The last frames of the synthetic CK+ of the same seed, seen close; 48x48 pixels at any scale."""
        recording = RecordingSpec("ckplus", 30, (48, 48), image_scale, gray=True, kind="macro")
        for spec, timing in ckplus.clip_specs(subjects, seed):
            if spec.emotion:
                clip = recording.render(spec, timing)
                for i in range(timing.frames - FRAMES, timing.frames):
                    name = f"{spec.subject}_{spec.name}_{i + 1:08d}.png"
                    write_image(root / FOLDERS[spec.emotion] / name, clip.frame(i)[..., 0])
