"""Labeled images on disk, read one at a time: never all in memory (ImageNet has 1.28 million).

Three layouts are supported; the files in the folder decide which one it is:
* ImageNet's own: `train/<class>/*.jpg` and optionally `val/<class>/*.jpg`; or `<class>/*.jpg` alone;
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

from ...core.cache_files import cached_folder
from ...core.config import cache_folder
from ...core.errors import DataError, MissingDataError, UsageError
from ...core.files import SYNTHETIC_MARK, write_folder_atomically
from ...imaging.images import IMAGE_SUFFIXES, read_image, write_image
from ...synthetic.patterns import PATTERNS, draw_pattern


class ImageDataset(ABC):
    """Images with one class each, which are read when they are needed.

    Args:
        root: their folder.
        classes: names of the classes.
        labels: (n,) int64 positions in `classes`.
    """

    def __init__(self, root: Path, classes: Sequence[str], labels: np.ndarray) -> None:
        self.root, self.classes, self.labels = root, tuple(classes), labels

    def __len__(self) -> int:
        return len(self.labels)

    @abstractmethod
    def read(self, i: int) -> np.ndarray:
        """Read image `i` as (height, width, 3) uint8 RGB; may be called from several threads at once.

        Raises:
            MediaError: the file is damaged; the message names it.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a text that changes with the list of images and their classes; pixels are not read."""


class ImageFolder(ImageDataset):
    """Image files in a folder for each class: `<class>/*.jpg`, or deeper (`<class>/images/*.jpg`).

    Args:
        folder: folder of the class folders.
        classes: names of all classes; None for the class folders that are there.
    """

    def __init__(self, folder: Path, classes: Sequence[str] | None = None) -> None:
        found = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
        if not found:
            raise DataError(f"'{folder}' has no class folders; it needs {folder.name}/<class>/*.jpg")
        if classes is not None and (unknown := [name for name in found if name not in set(classes)]):
            raise DataError(f"'{folder / unknown[0]}' is no class of the training images; use the same class folders")
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
        """Decode a file; see `ImageDataset.read`."""
        return read_image(self.root / self.names[i])

    def fingerprint(self) -> str:
        """Return a hash of the file names and, for synthetic images, of the settings that they were drawn with."""
        digest = hashlib.sha256("\n".join(self.names).encode())
        for mark in (self.root / SYNTHETIC_MARK, self.root.absolute().parent / SYNTHETIC_MARK):
            digest.update(mark.read_bytes() if mark.is_file() else b"")
        return digest.hexdigest()[:16]


class PackedImageDataset(ImageDataset):
    """Small square images in a few large files, left on disk and mapped into memory.

    Args:
        root: their folder.
        classes: names of the classes.
        parts: (labels (n,), rows (n, 3 side^2 or more) uint8) of each file; rows end with red, green, blue planes.
        side: height and width of an image, in pixels.
    """

    def __init__(
        self, root: Path, classes: Sequence[str], parts: Sequence[tuple[np.ndarray, np.ndarray]], side: int
    ) -> None:
        super().__init__(root, classes, np.concatenate([labels for labels, _ in parts]))
        self.side = side
        self.rows = [rows for _, rows in parts]
        self.ends = np.cumsum([len(rows) for rows in self.rows])

    def read(self, i: int) -> np.ndarray:
        """Read an image; its three planes become channels by a transpose."""
        part = int(np.searchsorted(self.ends, i, side="right"))
        row = self.rows[part][i - int(self.ends[part])]  # counted from the end of its part
        planes = row[-3 * self.side**2 :].reshape(3, self.side, self.side)
        return np.ascontiguousarray(planes.transpose(1, 2, 0))

    def fingerprint(self) -> str:
        """Return a hash of the labels and the size."""
        return hashlib.sha256(self.labels.tobytes() + str(self.side).encode()).hexdigest()[:16]


def open_image_dataset(root: Path) -> tuple[ImageDataset, ImageDataset | None]:
    """Open the training images of a folder and, where it has them, its validation images.

    Returns:
        (training images, validation images or None).

    Raises:
        MissingDataError: `root` is not a folder.
        DataError: the folder has none of the layouts, no image or one class only, or a file is damaged.
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
        raise DataError(f"'{root}' has one class only ('{train.classes[int(train.labels[0])]}'); it needs two or more")
    return train, held_out


def is_synthetic(root: Path) -> bool:
    """Whether the folder, or the folder that contains it, is marked as synthetic."""
    return any((folder / SYNTHETIC_MARK).is_file() for folder in (root, root.absolute().parent))


def write_synthetic(root: Path, classes: int = 10, per_class: int = 60, size: int = 64, seed: int = 0) -> None:
    """Draw a small folder in ImageNet's layout, marked as synthetic; `root` must not exist or be empty.

    Args:
        root: the folder to write, with the folders `train` and `val`.
        classes: number of classes, 2 or more; each is a kind of pattern of `PATTERNS`.
        per_class: number of training images of each class; a fifth of that number, at least one, are added as `val`.
        size: height and width of an image, in pixels, 8 or more.
        seed: seed of all random numbers.

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
        raise DataError(f"'{root}' holds no images in a supported layout; it needs {layouts}")
    train = ImageFolder(folder)
    val = root / "val"
    return train, ImageFolder(val, train.classes) if folder is not root and val.is_dir() else None


def _images_below(folder: Path) -> list[str]:
    """Paths of the images below a class folder, relative to it and sorted."""
    names = []
    for directory, _, files in os.walk(folder):
        below = os.path.relpath(directory, folder)
        images = [f for f in files if os.path.splitext(f)[1].lower() in IMAGE_SUFFIXES and not f.startswith(".")]  # noqa: PTH122
        names += images if below == "." else [f"{below}/{f}" for f in images]
    return sorted(names)


def _open_npz(root: Path, files: Sequence[Path]) -> tuple[ImageDataset, ImageDataset | None]:
    parts = [_read_npz(path) for path in files]
    val = root / "val_data.npz"
    val_parts = [_read_npz(val)] if val.is_file() else []
    widths = {rows.shape[1] for _, rows in (*parts, *val_parts)}
    if len(widths) > 1:
        raise DataError(f"'{root}' mixes images of {' and '.join(str(w) for w in sorted(widths))} bytes")
    side = math.isqrt(widths.pop() // 3)
    count = max(int(labels.max()) for labels, _ in parts) + 1
    return _packed(root, [str(i + 1) for i in range(count)], parts, val_parts, side)


def _read_npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(labels from 0, rows mapped from disk) of one file of downsampled ImageNet."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            labels = np.asarray(stored["labels"]).astype(np.int64).ravel() - 1
        rows = _mapped(path, "data.npy")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"'{path}' is damaged or lacks 'data' or 'labels' ({type(error).__name__}: {error})") from None
    side = math.isqrt(rows.shape[1] // 3) if rows.ndim == 2 else 0
    if rows.dtype != np.uint8 or side < 1 or 3 * side**2 != rows.shape[1]:
        raise DataError(f"'{path}': data is {rows.shape} {rows.dtype}; it must be (n, 3 x side x side) uint8")
    if len(labels) != len(rows) or not len(rows):
        raise DataError(f"'{path}' has {len(rows)} images and {len(labels)} labels")
    if labels.min() < 0:
        raise DataError(f"'{path}' has the label {labels.min() + 1}; labels count from 1")
    return labels, rows


def _mapped(path: Path, member: str) -> np.ndarray:
    """Map an array inside an npz file; a compressed array is unpacked into the cache once, and anew if damaged."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(member)
        if info.compress_type != zipfile.ZIP_STORED:
            stat = path.stat()
            key = hashlib.sha256(f"{path.absolute()} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:16]

            def unpack(folder: Path) -> None:
                with archive.open(info) as packed, (folder / member).open("wb") as plain:
                    shutil.copyfileobj(packed, plain, 1 << 20)

            copy = cached_folder(cache_folder() / "unpacked" / f"{path.stem}-{key}", unpack) / member
            return np.load(copy, mmap_mode="r", allow_pickle=False)
    with path.open("rb") as file:
        file.seek(info.header_offset + 26)  # the header of a member ends with a name and extra fields of these lengths
        lengths = np.frombuffer(file.read(4), "<u2")
        file.seek(info.header_offset + 30 + int(lengths.sum()))
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        if dtype.hasobject:
            raise ValueError("holds pickled objects")
        return np.memmap(path, dtype, "r", file.tell(), shape, "F" if fortran else "C")


def _open_cifar(root: Path, batches: Sequence[Path]) -> tuple[ImageDataset, ImageDataset | None]:
    is_cifar100 = not batches
    names = root / ("fine_label_names.txt" if is_cifar100 else "batches.meta.txt")
    count, label_bytes = (100, 2) if is_cifar100 else (10, 1)
    classes = [str(i) for i in range(count)]
    if names.is_file():
        written = names.read_text(encoding="utf-8", errors="replace").split()
        classes = written if len(written) == count else classes
    parts = [_read_cifar(path, label_bytes, count) for path in (batches or [root / "train.bin"])]
    test = root / ("test.bin" if is_cifar100 else "test_batch.bin")
    return _packed(root, classes, parts, [_read_cifar(test, label_bytes, count)] if test.is_file() else [], 32)


def _read_cifar(path: Path, label_bytes: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(labels, records mapped from disk); the last label byte of a record is the class, after a coarse class."""
    size, record = path.stat().st_size, label_bytes + 3 * 32 * 32
    if not size or size % record:
        raise DataError(f"'{path}' has {size} bytes, which is no multiple of {record}; copy it again")
    rows = np.memmap(path, np.uint8, "r", shape=(size // record, record))
    labels = rows[:, label_bytes - 1].astype(np.int64)
    if labels.max() >= count:
        raise DataError(f"'{path}' has the label {labels.max()}; it must be 0 to {count - 1}")
    return labels, rows


def _packed(
    root: Path,
    classes: Sequence[str],
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
    val_parts: Sequence[tuple[np.ndarray, np.ndarray]],
    side: int,
) -> tuple[ImageDataset, ImageDataset | None]:
    train = PackedImageDataset(root, classes, parts, side)
    validation = PackedImageDataset(root, classes, val_parts, side) if val_parts else None
    if validation is not None and validation.labels.max() >= len(classes):
        raise DataError(
            f"'{root}': the validation images have the class {validation.labels.max() + 1}, which no training image has"
        )
    return train, validation


def _number(path: Path) -> int:
    """The number at the end of a file's name, by which `train_data_batch_10` is sorted after `train_data_batch_9`."""
    digits = path.stem.rpartition("_")[2]
    return int(digits) if digits.isdecimal() else 0
