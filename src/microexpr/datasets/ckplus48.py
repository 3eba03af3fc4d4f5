"""CK+48: the last three frames of the 327 sequences of CK+ with an emotion, as cropped gray faces of 48x48."""

from __future__ import annotations

import re
from pathlib import Path

from ..core.clip import Clip
from ..core.errors import MissingDataError
from ..imaging.images import write_image
from . import _macro as macro
from . import ckplus
from .base import DATASETS, Dataset, DatasetInfo, DatasetIssue
from .synthetic import clips as casting

FRAMES = 3
NAME = re.compile(r"(S\d+)_(\d+)_(\d+)", re.IGNORECASE)
FOLDERS = {word: "happy" if word == "happiness" else word for word in ckplus.COUNTS}


@DATASETS.register("ckplus48")
class CkPlus48(Dataset):
    """`anger/S010_004_00000017.png` below the root or `CK+48/`; person, sequence and frame are in the name.

    A picture is a clip of one frame. The people are those of `ckplus`, and so are the pictures; as every data set has
    people of its own here, no split knows that `ckplus/S010` and `ckplus48/S010` are one human: never use both in one
    study. The three frames of a sequence are nearly alike: split by person.
    """

    info = DatasetInfo(
        title="CK+48",
        citation="Lucey et al. 2010, The Extended Cohn-Kanade Dataset (CK+), CVPR Workshops",
        access="made from CK+ by others; the license is that of CK+",
        fps=0,
        clips=FRAMES * sum(ckplus.COUNTS.values()),
        subjects=ckplus.LABELLED_PEOPLE,
        counts={"emotion": {word: FRAMES * n for word, n in ckplus.COUNTS.items()}},
        source="three frames of each sequence of CK+ with an emotion",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The files; there is no sheet."""
        clips: list[Clip] = []
        faults: list[DatasetIssue] = []
        for folder in self._folders():
            emotion = macro.emotion_of(folder.name)
            if emotion is None:
                faults.append(DatasetIssue(self.name, "folder", folder.name, "is not named after an emotion"))
                continue
            for path in macro.pictures(folder):
                found = NAME.fullmatch(path.stem)
                if found is None:
                    where = f"{folder.name}/{path.name}"
                    faults.append(DatasetIssue(self.name, "file", where, "is not named like S010_004_00000017.png"))
                    continue
                subject = f"ckplus48/{found[1].upper()}"
                labels = {"emotion": emotion}
                clips.append(Clip(f"{subject}/{found[2]}_{found[3]}", "ckplus48", subject, path, 1.0, labels=labels))
        return clips, faults

    def _folders(self) -> list[Path]:
        for top in (self.root / "CK+48", self.root):
            found = macro.folders(top) if top.is_dir() else []
            if any(macro.emotion_of(folder.name) for folder in found):
                return found
        raise MissingDataError(f"'{self.root}' has no folder of an emotion; looked for e.g. anger, CK+48/anger")

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """The last frames of the synthetic CK+ of the same seed, filmed close; they are 48x48 whatever the scale."""
        shooting = casting.RecordingSpec("ckplus", 30, (48, 48), image_scale, gray=True, kind="macro")
        for role, timing in ckplus.clip_specs(subjects, seed):
            if role.emotion:
                film = shooting.render(role, timing)
                for i in range(timing.frames - FRAMES, timing.frames):
                    name = f"{role.person}_{role.name}_{i + 1:08d}.png"
                    write_image(root / FOLDERS[role.emotion] / name, film.frame(i)[..., 0])
