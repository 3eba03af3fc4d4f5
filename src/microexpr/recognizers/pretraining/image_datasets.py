"""Labeled images on disk, read one at a time: never all in memory (ImageNet has 1.28 million).

Three layouts are known, distinguished by what the folder holds:
* ImageNet's own: `train/<class>/*.jpg` and, if there, `val/<class>/*.jpg`; or `<class>/*.jpg` without either;
* downsampled ImageNet: `train_data_batch_1.npz` ... and `val_data.npz` (Chrabaszcz, Loshchilov, Hutter, arXiv
  1707.08819): `data` (n, 3 side^2) uint8, the planes red, green, blue; `labels` count from 1;
* CIFAR's binary version (Krizhevsky 2009): `data_batch_1.bin` ..., `test_batch.bin`, or `train.bin`, `test.bin`.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...core.config import cache_folder
from ...core.errors import DataError, MissingDataError, UsageError
from ...core.files import SYNTHETIC_MARK, open_atomically, write_folder_atomically
from ...imaging.images import IMAGE_SUFFIXES, read_image, write_image
from ...synthetic.patterns import PATTERNS, draw_pattern


class ImageDataset(ABC):
    """Images with one class each, read when asked for.

    Args:
        root: where they are.
        classes: names; a label is a position in it.
        labels: (n,) int64.
    """

    def __init__(self, root: Path, classes: Sequence[str], labels: np.ndarray) -> None:
        self.root, self.classes, self.labels = root, tuple(classes), labels

    def __len__(self) -> int:
        return len(self.labels)

    @abstractmethod
    def read(self, i: int) -> np.ndarray:
        """Image `i` as (height, width, 3) uint8 RGB; may be called from several threads at once.

        Raises:
            MediaError: it is broken; the message names it.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """Changes when the list of images or their classes does; pixels are not read."""


class ImageFolder(ImageDataset):
    """`<class>/*.jpg`, or deeper (`<class>/images/*.jpg`).

    Args:
        folder: of the class folders.
        classes: all that there may be; None for those of this folder.
    """

    def __init__(self, folder: Path, classes: Sequence[str] | None = None) -> None:
        found = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
        if not found:
            raise DataError(f"'{folder}' has no class folders; it needs {folder.name}/<class>/*.jpg")
        if classes is not None and (strange := [name for name in found if name not in set(classes)]):
            raise DataError(f"'{folder / strange[0]}' is no class of the training images; sort them by class")
        self.names: list[str] = []
        labels: list[int] = []
        for label, name in enumerate(classes or found):
            own = _images_below(folder / name) if name in found else []
            if not own and classes is None:
                raise DataError(f"class folder '{folder / name}' holds no image ({', '.join(sorted(IMAGE_SUFFIXES))})")
            self.names += [f"{name}/{image}" for image in own]
            labels += [label] * len(own)
        if not labels:
            raise DataError(f"'{folder}' holds no image ({', '.join(sorted(IMAGE_SUFFIXES))})")
        super().__init__(folder, classes or found, np.array(labels, np.int64))

    def read(self, i: int) -> np.ndarray:
        """Decodes one file."""
        return read_image(self.root / self.names[i])

    def fingerprint(self) -> str:
        """Of the names; of a synthetic folder also of what it was drawn from."""
        digest = hashlib.sha256("\n".join(self.names).encode())
        for mark in (self.root / SYNTHETIC_MARK, self.root.absolute().parent / SYNTHETIC_MARK):
            digest.update(mark.read_bytes() if mark.is_file() else b"")
        return digest.hexdigest()[:16]


class PackedImageDataset(ImageDataset):
    """Small square images in a few large files, left on disk and mapped into memory.

    Args:
        root, classes: as of all images.
        parts: (labels (n,), rows (n, at least 3 side^2) uint8), the planes red, green, blue at the end of a row.
        side: pixels.
    """

    def __init__(
        self, root: Path, classes: Sequence[str], parts: Sequence[tuple[np.ndarray, np.ndarray]], side: int
    ) -> None:
        super().__init__(root, classes, np.concatenate([labels for labels, _ in parts]))
        self.side = side
        self.rows = [rows for _, rows in parts]
        self.ends = np.cumsum([len(rows) for rows in self.rows])

    def read(self, i: int) -> np.ndarray:
        """Three planes side by side become one image, by a transpose."""
        part = int(np.searchsorted(self.ends, i, side="right"))
        row = self.rows[part][i - int(self.ends[part])]  # counted from the end of its part
        planes = row[-3 * self.side**2 :].reshape(3, self.side, self.side)
        return np.ascontiguousarray(planes.transpose(1, 2, 0))

    def fingerprint(self) -> str:
        """Of the labels."""
        return hashlib.sha256(self.labels.tobytes() + str(self.side).encode()).hexdigest()[:16]


def open_image_dataset(root: Path) -> tuple[ImageDataset, ImageDataset | None]:
    """Training images and, where the folder has them, those for validation.

    Raises:
        MissingDataError: `root` is not a folder.
        DataError: none of the layouts, no image, one class only, or a file that is not what it should be.
    """
    if not root.is_dir():
        raise MissingDataError(f"images '{root}' is not a folder")
    npz, cifar = sorted(root.glob("train_data_batch_*.npz"), key=_number), sorted(root.glob("data_batch_*.bin"))
    if npz:
        train, held_out = _open_npz(root, npz)
    elif cifar or (root / "train.bin").is_file():
        train, held_out = _open_cifar(root, cifar)
    else:
        train, held_out = _open_folders(root)
    if len(set(train.labels.tolist())) < 2:
        raise DataError(f"'{root}' has one class only ('{train.classes[int(train.labels[0])]}'); it takes two or more")
    return train, held_out


def is_synthetic(root: Path) -> bool:
    """Whether the folder, or the one that it is the training part of, is marked as synthetic."""
    return any((folder / SYNTHETIC_MARK).is_file() for folder in (root, root.absolute().parent))


def write_synthetic(root: Path, classes: int = 10, per_class: int = 60, size: int = 64, seed: int = 0) -> None:
    """Draw a small folder in ImageNet's layout, marked as synthetic; `root` must not exist or be empty.

    Args:
        root: where to; `train` and `val` go below it.
        classes: kinds of patterns, at most as many as `PATTERNS` has.
        per_class: training images of a kind; a fifth as many more, at least one, go to `val`.
        size: pixels of a side.
        seed: of everything that is drawn.

    Raises:
        UsageError: `root` holds something, or a number is out of range.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UsageError(f"'{root}' is not an empty folder; synthetic images are never written over anything")
    if not 2 <= classes <= len(PATTERNS) or per_class < 1 or size < 8:
        wanted = f"2 to {len(PATTERNS)} classes, 1 image or more of each, 8 pixels or more"
        raise UsageError(f"classes = {classes}, per_class = {per_class}, size = {size}: must be {wanted}")
    facts = {"synthetic": True, "images": "patterns", "classes": classes, "per_class": per_class, "size": size}
    with write_folder_atomically(root) as folder:
        for number, kind in enumerate(list(PATTERNS)[:classes]):
            rng = np.random.default_rng([seed, number])
            for i in range(per_class + max(1, per_class // 5)):
                part = "train" if i < per_class else "val"
                write_image(folder / part / kind / f"{i:05d}.png", draw_pattern(kind, size, rng))
        (folder / SYNTHETIC_MARK).write_text(json.dumps({**facts, "seed": seed}, indent=2) + "\n", encoding="utf-8")


def _open_folders(root: Path) -> tuple[ImageDataset, ImageDataset | None]:
    folder = root / "train" if (root / "train").is_dir() else root
    if folder is root and not any(p.is_dir() and not p.name.startswith(".") for p in root.iterdir()):
        layouts = "train/<class>/*.jpg, <class>/*.jpg, train_data_batch_*.npz, data_batch_*.bin or train.bin"
        raise DataError(f"'{root}' holds no images that are known; it needs {layouts}")
    train = ImageFolder(folder)
    val = root / "val"
    return train, ImageFolder(val, train.classes) if folder is not root and val.is_dir() else None


def _images_below(folder: Path) -> list[str]:
    """Names below a class folder, sorted."""
    names = []
    for place, _, files in os.walk(folder):
        below = os.path.relpath(place, folder)
        kept = [f for f in files if os.path.splitext(f)[1].lower() in IMAGE_SUFFIXES and not f.startswith(".")]  # noqa: PTH122
        names += kept if below == "." else [f"{below}/{f}" for f in kept]
    return sorted(names)


def _open_npz(root: Path, files: Sequence[Path]) -> tuple[ImageDataset, ImageDataset | None]:
    parts = [_read_npz(path) for path in files]
    val = root / "val_data.npz"
    kept = [_read_npz(val)] if val.is_file() else []
    widths = {rows.shape[1] for _, rows in (*parts, *kept)}
    if len(widths) > 1:
        raise DataError(f"'{root}' mixes images of {' and '.join(str(w) for w in sorted(widths))} bytes")
    side = math.isqrt(widths.pop() // 3)
    count = max(int(labels.max()) for labels, _ in parts) + 1
    return _packed(root, [str(i + 1) for i in range(count)], parts, kept, side)


def _read_npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(labels from 0, rows mapped from disk) of one file of downsampled ImageNet."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            labels = np.asarray(stored["labels"]).astype(np.int64).ravel() - 1
        rows = _mapped(path, "data.npy")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"'{path}' is broken or lacks 'data' and 'labels' ({type(error).__name__}: {error})") from None
    side = math.isqrt(rows.shape[1] // 3) if rows.ndim == 2 else 0
    if rows.dtype != np.uint8 or side < 1 or 3 * side**2 != rows.shape[1]:
        raise DataError(f"'{path}': data is {rows.shape} {rows.dtype}; it must be (n, 3 x side x side) uint8")
    if len(labels) != len(rows) or not len(rows):
        raise DataError(f"'{path}' has {len(rows)} images and {len(labels)} labels")
    if labels.min() < 0:
        raise DataError(f"'{path}' has the label {labels.min() + 1}; labels count from 1")
    return labels, rows


def _mapped(path: Path, member: str) -> np.ndarray:
    """An array inside an npz, mapped; where it is compressed, from a copy that is unpacked once into the cache."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(member)
        if info.compress_type != zipfile.ZIP_STORED:
            facts = path.stat()
            key = hashlib.sha256(f"{path.absolute()} {facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()[:16]
            copy = cache_folder() / "unpacked" / f"{path.stem}-{key}.npy"
            if not copy.is_file():
                with archive.open(info) as packed, open_atomically(copy) as plain:
                    shutil.copyfileobj(packed, plain, 1 << 20)
            return np.load(copy, mmap_mode="r", allow_pickle=False)
    with path.open("rb") as file:
        file.seek(info.header_offset + 26)  # a member's own header ends with a name and extras of these lengths
        lengths = np.frombuffer(file.read(4), "<u2")
        file.seek(info.header_offset + 30 + int(lengths.sum()))
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        if dtype.hasobject:
            raise ValueError("holds pickled objects")
        return np.memmap(path, dtype, "r", file.tell(), shape, "F" if fortran else "C")


def _open_cifar(root: Path, batches: Sequence[Path]) -> tuple[ImageDataset, ImageDataset | None]:
    hundred = not batches
    names = root / ("fine_label_names.txt" if hundred else "batches.meta.txt")
    count, ahead = (100, 2) if hundred else (10, 1)
    classes = [str(i) for i in range(count)]
    if names.is_file():
        written = names.read_text(encoding="utf-8", errors="replace").split()
        classes = written if len(written) == count else classes
    parts = [_read_cifar(path, ahead, count) for path in (batches or [root / "train.bin"])]
    test = root / ("test.bin" if hundred else "test_batch.bin")
    return _packed(root, classes, parts, [_read_cifar(test, ahead, count)] if test.is_file() else [], 32)


def _read_cifar(path: Path, ahead: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(labels, records mapped from disk); the last of `ahead` label bytes is the class, a coarse one stands before."""
    size, record = path.stat().st_size, ahead + 3 * 32 * 32
    if not size or size % record:
        raise DataError(f"'{path}' has {size} bytes, which is no multiple of {record}; copy it anew")
    rows = np.memmap(path, np.uint8, "r", shape=(size // record, record))
    labels = rows[:, ahead - 1].astype(np.int64)
    if labels.max() >= count:
        raise DataError(f"'{path}' has the label {labels.max()}; it must be 0 to {count - 1}")
    return labels, rows


def _packed(
    root: Path,
    classes: Sequence[str],
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
    kept: Sequence[tuple[np.ndarray, np.ndarray]],
    side: int,
) -> tuple[ImageDataset, ImageDataset | None]:
    train = PackedImageDataset(root, classes, parts, side)
    held_out = PackedImageDataset(root, classes, kept, side) if kept else None
    if held_out is not None and held_out.labels.max() >= len(classes):
        raise DataError(f"'{root}': validation has the class {held_out.labels.max() + 1} that training has not")
    return train, held_out


def _number(path: Path) -> int:
    """`train_data_batch_10` comes after `_9`."""
    digits = path.stem.rpartition("_")[2]
    return int(digits) if digits.isdecimal() else 0
