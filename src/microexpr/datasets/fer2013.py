"""FER2013: 35 887 gray faces of 48x48 found on the web, with one of seven emotions each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..core.clip import Clip
from ..core.config import cache_folder
from ..core.errors import MissingDataError
from ..core.files import write_folder_atomically
from ..imaging.images import write_image
from ..synthetic import Timing
from . import _macro as macro
from . import _sheets as sheets
from .base import DATASETS, Dataset, DatasetInfo, DatasetIssue
from .synthetic import clips as casting

SHEETS = tuple(top + name for name in ("fer2013.csv", "icml_face_data.csv") for top in ("", "fer2013/"))
COLUMNS = ("emotion", "pixels", "Usage")
WORDS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""The emotion of each code, 0 to 6."""

# Pictures of each emotion, in the order of WORDS; the sums are the published totals.
USAGE = {
    "Training": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "PublicTest": (467, 56, 496, 895, 653, 415, 607),
    "PrivateTest": (491, 55, 528, 879, 594, 416, 626),
}
SPLITS = {"train": "Training", "training": "Training", "test": "Test"} | {name.lower(): name for name in USAGE}
SIDE, FACES, FAULTS = 48, 120, "faults.json"


@DATASETS.register("fer2013")
class Fer2013(Dataset):
    """`fer2013.csv` or `icml_face_data.csv`, or else folders of pictures, `train/angry/Training_3908.jpg`.

    A picture is a clip of one frame. The rows of a csv become PNG files in the cache folder when they are first read.
    `usage` is Training, PublicTest or PrivateTest; folders named `test` hold both of the latter, and where a file's
    name does not say which, it is `Test` (and `check` says that the counts differ).

    Nobody knows who is in the pictures: each one is a person of its own, called by its row (counted from 0) or by its
    folders and name. So a split by person cannot be promised, and some pictures are known to be there twice: faces of
    the test set may well have been trained on.
    """

    info = DatasetInfo(
        title="FER2013",
        citation="Goodfellow et al. 2013, Challenges in Representation Learning, ICONIP",
        access="Kaggle, for research",
        fps=0,
        clips=sum(map(sum, USAGE.values())),
        counts={
            "emotion": {word: sum(counts) for word, *counts in zip(WORDS, *USAGE.values(), strict=True)},
            "usage": {usage: sum(counts) for usage, counts in USAGE.items()},
        },
        source="rows of fer2013.csv",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The rows of the csv, or the files."""
        clips: list[Clip] = []
        sheet = next((self.root / name for name in SHEETS if (self.root / name).is_file()), None)
        if sheet is None:
            pictures, faults = self._pictures(self._top())
        else:
            place = unpack(sheet)
            pictures, _ = self._pictures(place)
            faults = [DatasetIssue(*one) for one in json.loads((place / FAULTS).read_text(encoding="utf-8"))]
        for path, usage, emotion in pictures:
            name = path.stem if sheet else f"{path.parts[-3]}-{path.parts[-2]}-{path.stem}"
            labels = {"emotion": emotion, "usage": usage}
            clips.append(Clip(f"fer2013/{name}/{path.stem}", "fer2013", f"fer2013/{name}", path, 1.0, labels=labels))
        return clips, faults

    def _top(self) -> Path:
        for top in (self.root, self.root / "fer2013", self.root / "images"):
            if top.is_dir() and any(folder.name.lower() in SPLITS for folder in macro.folders(top)):
                return top
        raise MissingDataError(f"'{self.root}' has no pictures; looked for {', '.join(SHEETS)}, train/, test/")

    def _pictures(self, top: Path) -> tuple[list[tuple[Path, str, str]], list[DatasetIssue]]:
        """(file, usage, emotion) of each picture."""
        found, faults = [], []
        for split in (folder for folder in macro.folders(top) if folder.name.lower() in SPLITS):
            for folder in macro.folders(split):
                emotion = macro.emotion_of(folder.name)
                if emotion is None:
                    where = f"{split.name}/{folder.name}"
                    faults.append(DatasetIssue(self.name, "folder", where, "is not named after an emotion"))
                    continue
                for path in macro.pictures(folder):
                    named = path.stem.split("_")[0]
                    usage = named if named in USAGE else SPLITS[split.name.lower()]
                    found.append((path, usage, emotion))
        return found, faults

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """`fer2013.csv`; `people` is a number of faces, each shown twice with each emotion; never less than 48x48."""
        rows = _rows(subjects, seed)
        shown = np.zeros((len(rows), SIDE, SIDE), np.uint8)
        groups: dict[tuple[int, str], list[int]] = {}
        for number, (_, emotion, face) in enumerate(rows):
            groups.setdefault((face, emotion), []).append(number)
        shooting = casting.RecordingSpec("fer2013", 25, (SIDE, SIDE), gray=True, kind="macro")
        for (face, emotion), numbers in groups.items():
            role, n = macro.role("fer2013", f"face{face:03d}", emotion, emotion, seed), len(numbers)
            # Neutral faces come before an expression begins, the others when it is half there or more.
            neutral = emotion == "neutral"
            timing = Timing(n, n + 1, n + 1, n + 2, 25) if neutral else Timing(0, 2 * n, 2 * n, 2 * n + 1, 25)
            film = shooting.render(role, timing)
            for i, number in enumerate(numbers):
                shown[number] = film.frame(i if neutral else n + 1 + i)[..., 0]
        with (root / SHEETS[0]).open("w", encoding="utf-8") as file:
            file.write(",".join(COLUMNS) + "\n")
            for (usage, emotion, _), picture in zip(rows, shown, strict=True):
                file.write(f"{WORDS.index(emotion)},{' '.join(map(str, picture.ravel().tolist()))},{usage}\n")


def unpack(sheet: Path) -> Path:
    """The folder of the cache that has the rows as pictures, `Training/anger/00000.png`, and the faults of the others.

    It is made when the csv is first seen, beside its place and moved there when whole: a process that is killed leaves
    nothing that is taken for it.

    Raises:
        DataError: the csv cannot be read, or lacks a column.
    """
    with sheet.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    place = cache_folder() / "unpacked" / f"fer2013-{digest}"
    if place.is_dir():
        return place
    with write_folder_atomically(place, shared=True) as folder:
        faults = list(_written(sheet, folder))
        (folder / FAULTS).write_text(json.dumps(faults), encoding="utf-8")
    return place


def _written(sheet: Path, folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Writes every row as a picture; (clip, field, value, reason) of each that cannot be."""
    usages = {usage.lower(): usage for usage in USAGE}
    for row in sheets.read_rows(sheet, COLUMNS):
        where = f"{sheet.name}, line {row[sheets.LINE]}"
        if row["emotion"] not in map(str, range(len(WORDS))):
            yield where, "emotion", row["emotion"], f"is not a code from 0 to {len(WORDS) - 1}"
            continue
        if row["Usage"].lower() not in usages:
            yield where, "Usage", row["Usage"], f"is not one of {', '.join(USAGE)}"
            continue
        try:
            pixels = np.frombuffer(bytes(map(int, row["pixels"].split())), np.uint8)
        except ValueError:
            yield where, "pixels", f"{row['pixels'][:20]}...", "holds something else than numbers from 0 to 255"
            continue
        if pixels.size != SIDE * SIDE:
            yield where, "pixels", f"{pixels.size} numbers", f"a picture has {SIDE}x{SIDE} = {SIDE * SIDE}"
            continue
        name = f"{int(row[sheets.LINE]) - 2:05d}.png"
        place = folder / usages[row["Usage"].lower()] / WORDS[int(row["emotion"])]
        write_image(place / name, pixels.reshape(SIDE, SIDE))


def _rows(subjects: int | None, seed: int) -> list[tuple[str, str, int]]:
    """(usage, emotion, number of the face) of each row."""
    if subjects is not None:
        first = [("Training", word, face) for face in range(subjects) for word in WORDS]
        return [*first, *(("PrivateTest" if face % 2 else "PublicTest", word, face) for _, word, face in first)]
    draws, rows = np.random.default_rng([seed, 2013]), []
    for usage, counts in USAGE.items():
        words = [word for word, n in zip(WORDS, counts, strict=True) for _ in range(n)]
        faces = draws.integers(FACES, size=len(words)).tolist()
        rows += [(usage, words[i], face) for i, face in zip(draws.permutation(len(words)).tolist(), faces, strict=True)]
    return rows
