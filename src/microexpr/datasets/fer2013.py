"""FER2013: 35 887 gray faces of 48x48 found on the web, with one of seven emotions each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..core.cache_files import cached_folder
from ..core.clip import Clip
from ..core.config import cache_folder
from ..core.errors import MissingDataError
from ..imaging.images import write_image
from ..synthetic import Timing
from . import _macro as macro
from . import _sheets as sheets
from ._passed_over import note_read
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.clips import RecordingSpec

SHEETS = tuple(top + name for name in ("fer2013.csv", "icml_face_data.csv") for top in ("", "fer2013/"))
COLUMNS = ("emotion", "pixels", "Usage")
EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""The emotion of each code, 0 to 6."""

# Images of each emotion, in the order of EMOTIONS; the sums are the published totals.
USAGE = {
    "Training": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "PublicTest": (467, 56, 496, 895, 653, 415, 607),
    "PrivateTest": (491, 55, 528, 879, 594, 416, 626),
}
SPLITS = {
    "train": "Training",
    "training": "Training",
    "test": "Test",
    "validation": "PublicTest",
    "val": "PublicTest",
} | {name.lower(): name for name in USAGE}
SIDE, FACES, ISSUES = 48, 120, "issues.json"


@DATASETS.register("fer2013")
class Fer2013(Dataset):
    """`fer2013.csv` or `icml_face_data.csv`, or else folders of images, `train/angry/Training_3908.jpg`.

    An image is a clip of one frame. The rows of a csv become PNG files in the cache folder when they are first read.
    `usage` is Training, PublicTest or PrivateTest; folders named `test` hold both of the latter, and where the name of
    a file does not state which, it is `Test` (and `check` reports that the counts differ).

    The release does not identify its subjects: each image is a subject of its own, named after its row (counted from
    0) or after its folders and file. So no split by subject is possible, and as some images are there twice, a face of
    the test set may be in the training set.
    """

    info = DatasetInfo(
        title="FER2013",
        citation="Goodfellow et al. 2013, Challenges in Representation Learning, ICONIP",
        access="Kaggle, for research",
        fps=0,
        stills=True,
        clips=sum(map(sum, USAGE.values())),
        counts={
            "emotion": {emotion: sum(counts) for emotion, *counts in zip(EMOTIONS, *USAGE.values(), strict=True)},
            "usage": {usage: sum(counts) for usage, counts in USAGE.items()},
        },
        source="rows of fer2013.csv",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The rows of the csv, or the image files."""
        clips: list[Clip] = []
        sheet = next((self.root / name for name in SHEETS if (self.root / name).is_file()), None)
        if sheet is None:
            images, issues = self._images(self._top())
        else:
            folder = unpack(sheet)
            images, _ = self._images(folder)
            issues = [DatasetIssue(*record) for record in json.loads((folder / ISSUES).read_text(encoding="utf-8"))]
        for path, usage, emotion in images:
            name = path.stem if sheet else f"{path.parts[-3]}-{path.parts[-2]}-{path.stem}"
            labels = {"emotion": emotion, "usage": usage}
            clips.append(Clip(f"fer2013/{name}/{path.stem}", "fer2013", f"fer2013/{name}", path, 1.0, labels=labels))
        return clips, issues

    def _top(self) -> Path:
        for top in (self.root, self.root / "fer2013", self.root / "images"):
            if top.is_dir() and any(folder.name.lower() in SPLITS for folder in macro.subfolders(top)):
                return top
        raise MissingDataError(f"'{self.root}' has no images; looked for {', '.join(SHEETS)}, train/, test/")

    def _images(self, top: Path) -> tuple[list[tuple[Path, str, str]], list[DatasetIssue]]:
        """(file, usage, emotion) of each image."""
        images, issues = [], []
        for split in macro.subfolders(top):
            if split.name.lower() not in SPLITS:
                reason = f"is passed over: it is none of {', '.join(SPLITS)}"
                issues.append(DatasetIssue(self.name, "folder", split.name, reason))
                continue
            for folder in macro.subfolders(split):
                emotion = macro.emotion_of(folder.name)
                if emotion is None:
                    name = f"{split.name}/{folder.name}"
                    issues.append(DatasetIssue(self.name, "folder", name, "is not named after an emotion"))
                    continue
                for path in macro.image_files(folder):
                    prefix = path.stem.split("_")[0]
                    usage = prefix if prefix in USAGE else SPLITS[split.name.lower()]
                    images.append((path, usage, emotion))
        return images, issues

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """`fer2013.csv`, always of 48x48; `subjects` faces, each of which shows each emotion twice."""
        rows = _rows(subjects, seed)
        images = np.zeros((len(rows), SIDE, SIDE), np.uint8)
        rows_of: dict[tuple[int, str], list[int]] = {}
        for row, (_, emotion, face) in enumerate(rows):
            rows_of.setdefault((face, emotion), []).append(row)
        recording = RecordingSpec("fer2013", 25, (SIDE, SIDE), gray=True, kind="macro")
        for (face, emotion), numbers in rows_of.items():
            spec, n = macro.posed_clip_spec("fer2013", f"face{face:03d}", emotion, emotion, seed), len(numbers)
            # Neutral faces are frames before the onset, the others frames from half of the apex on.
            neutral = emotion == "neutral"
            timing = Timing(n, n + 1, n + 1, n + 2, 25) if neutral else Timing(0, 2 * n, 2 * n, 2 * n + 1, 25)
            clip = recording.render(spec, timing)
            for i, row in enumerate(numbers):
                images[row] = clip.frame(i if neutral else n + 1 + i)[..., 0]
        with (root / SHEETS[0]).open("w", encoding="utf-8") as file:
            file.write(",".join(COLUMNS) + "\n")
            for (usage, emotion, _), image in zip(rows, images, strict=True):
                file.write(f"{EMOTIONS.index(emotion)},{' '.join(map(str, image.ravel().tolist()))},{usage}\n")


def unpack(sheet: Path) -> Path:
    """Write the rows of a csv as images, `Training/anger/00000.png`, and return their folder in the cache.

    The folder also has the issues of the rows that cannot be read. It is written when the csv is first seen, under a
    temporary name, and renamed when it is complete, so that a process that is killed leaves no half of it.

    Raises:
        DataError: the csv cannot be read, or lacks a column.
    """
    note_read(sheet)
    with sheet.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    folder = cache_folder() / "unpacked" / f"fer2013-{digest}"

    def make(unfinished: Path) -> None:
        issues = list(_write_rows(sheet, unfinished))
        (unfinished / ISSUES).write_text(json.dumps(issues), encoding="utf-8")

    return cached_folder(folder, make)


def _write_rows(sheet: Path, folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Write every row as an image; yield the fields of a `DatasetIssue` for each row that cannot be read."""
    usages = {usage.lower(): usage for usage in USAGE}
    for row in sheets.read_rows(sheet, COLUMNS):
        where = f"{sheet.name}, line {row[sheets.LINE]}"
        if row["emotion"] not in map(str, range(len(EMOTIONS))):
            yield where, "emotion", row["emotion"], f"is not a code from 0 to {len(EMOTIONS) - 1}"
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
            yield where, "pixels", f"{pixels.size} numbers", f"an image has {SIDE}x{SIDE} = {SIDE * SIDE}"
            continue
        name = f"{int(row[sheets.LINE]) - 2:05d}.png"
        path = folder / usages[row["Usage"].lower()] / EMOTIONS[int(row["emotion"])] / name
        write_image(path, pixels.reshape(SIDE, SIDE))


def _rows(subjects: int | None, seed: int) -> list[tuple[str, str, int]]:
    """(usage, emotion, number of the face) of each row."""
    if subjects is not None:
        training = [("Training", emotion, face) for face in range(subjects) for emotion in EMOTIONS]
        test = [("PrivateTest" if face % 2 else "PublicTest", emotion, face) for _, emotion, face in training]
        return training + test
    rng, rows = np.random.default_rng([seed, 2013]), []
    for usage, counts in USAGE.items():
        emotions = [emotion for emotion, n in zip(EMOTIONS, counts, strict=True) for _ in range(n)]
        faces = rng.integers(FACES, size=len(emotions)).tolist()
        order = rng.permutation(len(emotions)).tolist()
        rows += [(usage, emotions[i], face) for i, face in zip(order, faces, strict=True)]
    return rows
