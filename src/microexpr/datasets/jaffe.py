"""JAFFE: 213 posed pictures of ten Japanese women, in gray."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..core.clip import Clip
from ..core.errors import MissingDataError
from ..imaging.images import write_image
from ..synthetic import Timing, draw_action_units
from . import _sheets as sheets
from .base import DATASETS, Dataset, DatasetInfo, DatasetIssue
from .synthetic import clips as casting

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
PEOPLE = ("KA", "KL", "KM", "KR", "MK", "NA", "NM", "TM", "UY", "YM")
NAME = re.compile(r"([A-Z]{2})\.([A-Z]{2})(\d)\.(\d+)", re.IGNORECASE)


@DATASETS.register("jaffe")
class Jaffe(Dataset):
    """`KA.AN1.39.tiff`: person, expression and take, running number; in the root, `jaffe/` or `jaffedbase/`.

    A picture is a clip of one frame; its emotion is in its name. Peng et al. 2018 speak of 219 pictures; there are 213,
    and their 151 of five emotions agree with that.
    """

    info = DatasetInfo(
        title="JAFFE",
        citation="Lyons, Akamatsu, Kamachi, Gyoba 1998, Coding Facial Expressions with Gabor Wavelets, FG",
        access="on request from its authors, for research",
        fps=0,
        clips=213,
        subjects=10,
        counts={"emotion": {EMOTIONS[code]: n for code, n in COUNTS.items()}},
        source="names of the release's files",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The files; there is no sheet."""
        top = sheets.find(self.root, ("jaffedbase", "jaffe", "."), "folder of pictures")
        clips: list[Clip] = []
        faults: list[DatasetIssue] = []
        pictures = sorted(top.glob("*.tif*"))
        if not pictures:
            raise MissingDataError(f"'{self.root}' has no pictures; looked for *.tif and *.tiff in '{top}'")
        for path in pictures:
            found = NAME.fullmatch(path.stem)
            if found is None or found[2].upper() not in EMOTIONS:
                faults.append(DatasetIssue(self.name, "file", path.name, "is not named like KA.AN1.39.tiff"))
                continue
            subject = f"jaffe/{found[1].upper()}"
            labels = {"emotion": EMOTIONS[found[2].upper()]}
            clips.append(Clip(f"{subject}/{path.stem}", "jaffe", subject, path, 1.0, labels=labels))
        return clips, faults

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Gray pictures of 256x256; three of each expression and person, more or fewer where the counts ask for it."""
        shooting = casting.RecordingSpec(
            "jaffe", fps=1, size=(256, 256), image_scale=image_scale, gray=True, kind="macro"
        )
        number = 0
        for place, person in enumerate(PEOPLE[:subjects]):
            for code, emotion in EMOTIONS.items():
                extra = COUNTS[code] - 30
                takes = 3 + (place < extra) - (place >= 10 + extra)
                for take in range(1, takes + 1):
                    number += 1
                    role = _role(person, code, take, emotion, seed)
                    film = shooting.render(role, Timing(0, 1, 1, 2, 1))
                    frame = film.frame(0 if code == "NE" else 1)
                    write_image(root / f"{role.name}.{number}.tiff", frame[..., 0])


def _role(person: str, code: str, take: int, emotion: str, seed: int) -> casting.ClipSpec:
    draws = np.random.default_rng([seed, *f"{person}{code}{take}".encode()])
    units = draw_action_units(None, "happiness" if code == "NE" else emotion, draws)
    return casting.ClipSpec(person, f"{person}.{code}{take}", emotion, "", "", tuple(units), int(draws.integers(2**31)))
