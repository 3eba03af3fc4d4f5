"""JAFFE: 213 posed images of ten Japanese women, in gray."""

from __future__ import annotations

import re
from pathlib import Path

from ..core.clip import Clip
from ..core.errors import MissingDataError
from ..imaging.images import write_image
from ..synthetic import Timing
from . import _macro as macro
from . import _sheets as sheets
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.clips import RecordingSpec

EMOTIONS = {
    "AN": "anger",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happiness",
    "NE": "neutral",
    "SA": "sadness",
    "SU": "surprise",
}
COUNTS = {"AN": 30, "DI": 29, "FE": 32, "HA": 31, "NE": 30, "SA": 31, "SU": 30}
SUBJECTS = ("KA", "KL", "KM", "KR", "MK", "NA", "NM", "TM", "UY", "YM")
NAME = re.compile(r"([A-Z]{2})\.([A-Z]{2})(\d)\.(\d+)", re.IGNORECASE)


@DATASETS.register("jaffe")
class Jaffe(Dataset):
    """`KA.AN1.39.tiff`: subject, expression and take, running number; in the root, `jaffe/` or `jaffedbase/`.

    An image is a clip of one frame; its emotion is in its name. Peng et al. 2018 write of 219 images; there are 213,
    and their 151 images of five emotions agree with that.
    """

    info = DatasetInfo(
        title="JAFFE",
        citation="Lyons, Akamatsu, Kamachi, Gyoba 1998, Coding Facial Expressions with Gabor Wavelets, FG",
        access="on request from its authors, for research",
        fps=0,
        stills=True,
        clips=213,
        subjects=10,
        counts={"emotion": {EMOTIONS[code]: n for code, n in COUNTS.items()}},
        source="names of the release's files",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The image files; there is no sheet."""
        top = sheets.find_path(self.root, ("jaffedbase", "jaffe", "."), "folder of images")
        clips: list[Clip] = []
        issues: list[DatasetIssue] = []
        paths = sorted(top.glob("*.tif*"))
        if not paths:
            raise MissingDataError(f"'{self.root}' has no images; looked for *.tif and *.tiff in '{top}'")
        for path in paths:
            found = NAME.fullmatch(path.stem)
            if found is None or found[2].upper() not in EMOTIONS:
                issues.append(DatasetIssue(self.name, "file", path.name, "is not named like KA.AN1.39.tiff"))
                continue
            subject = f"jaffe/{found[1].upper()}"
            labels = {"emotion": EMOTIONS[found[2].upper()]}
            clips.append(Clip(f"{subject}/{path.stem}", "jaffe", subject, path, 1.0, labels=labels))
        return clips, issues

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Gray images of 256x256; three of each expression and subject, two or four where the counts ask for it."""
        recording = RecordingSpec("jaffe", fps=1, size=(256, 256), image_scale=image_scale, gray=True, kind="macro")
        number = 0
        for i, subject in enumerate(SUBJECTS[:subjects]):
            for code, emotion in EMOTIONS.items():
                extra = COUNTS[code] - 30
                takes = 3 + (i < extra) - (i >= 10 + extra)
                for take in range(1, takes + 1):
                    number += 1
                    key = f"{subject}{code}{take}"
                    spec = macro.posed_clip_spec("jaffe", subject, f"{subject}.{code}{take}", emotion, seed, key)
                    frame = recording.render(spec, Timing(0, 1, 1, 2, 1)).frame(0 if code == "NE" else 1)
                    write_image(root / f"{spec.name}.{number}.tiff", frame[..., 0])
