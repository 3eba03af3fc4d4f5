"""Read and write image files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from ..core.errors import MediaError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm"})

MAX_PIXELS = 2**27
"""Largest number of pixels of an image or frame (8K has 2^25); a file with more is refused before it is decoded."""

MAX_FILE_BYTES = 2**30
"""Largest size of an image file in bytes."""


DEPTHS = (8, 10, 12, 14, 16)
"""Bits of the cameras whose images stand in files of 16 bits."""


def read_image(path: Path) -> np.ndarray:
    """Read an image as (height, width, 3) uint8 RGB; gray images get three equal channels.

    An image of 16 bits is reduced to 8 by the depth that its values have: a camera of 12 bits writes 0 to 4095.

    Raises:
        MediaError: the file is missing, empty, broken or too large.
    """
    image = decode_image(path)
    return reduce_depth(image, used_bits(image))


def used_bits(image: np.ndarray) -> int:
    """The smallest of `DEPTHS` that holds all values of an image."""
    return 8 if image.dtype == np.uint8 else next(bits for bits in DEPTHS if int(image.max()) < 2**bits)


def reduce_depth(image: np.ndarray, bits: int) -> np.ndarray:
    """Reduce an image to uint8.

    Args:
        image: uint8 or uint16.
        bits: depth of its values, 8 to 16; larger values become 255.
    """
    if image.dtype == np.uint8:
        return image
    return np.asarray(np.minimum(image >> (bits - 8), 255), np.uint8)


def decode_image(path: Path) -> np.ndarray:
    """Read an image as (height, width, 3) RGB, uint8 or uint16 as the file has it; else as `read_image`.

    Raises:
        MediaError: the file is missing, empty, broken or too large.
    """
    try:
        if path.exists() and not path.is_file():
            raise MediaError(f"image '{path}' is not a file")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise MediaError(f"image '{path}' has more than {MAX_FILE_BYTES // 2**20} MiB; make it smaller")
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise MediaError(f"image '{path}' cannot be read: {error.strerror or error}") from None
    level = cv2.utils.logging.setLogLevel(0)  # OpenCV prints nothing; the error below names the problem
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH) if data.size else None
    except cv2.error:  # the header names more pixels than OpenCV accepts
        image = None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise MediaError(
            f"image '{path}' ({data.size} bytes) is broken, not an image, or has more than "
            f"{MAX_PIXELS // 10**6} million pixels; copy the file again"
        )
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def write_image(path: Path, image: np.ndarray, quality: int = 95) -> None:
    """Write (height, width[, 3]) uint8 RGB or gray; the suffix of the file decides on the format.

    Args:
        path: of the file; its folder is made where it does not exist.
        image: the image.
        quality: of JPEG, 0 to 100.

    Raises:
        MediaError: OpenCV does not know the format.
    """
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix.lower() in {".jpg", ".jpeg"} else []
    path.parent.mkdir(parents=True, exist_ok=True)
    ok, data = cv2.imencode(path.suffix, stored, options)
    if not ok:
        raise MediaError(f"image '{path}' cannot be written as {path.suffix}")
    path.write_bytes(data.tobytes())


def write_images(frame: Callable[[int], np.ndarray], paths: Sequence[Path], quality: int = 95) -> None:
    """Write frames 0, 1, 2 ... as `write_image` does, in threads: OpenCV and NumPy release Python's lock.

    Args:
        frame: called with i; returns frame i. Several threads call it at once.
        paths: file of each frame.
        quality: of JPEG, 0 to 100.
    """

    def write(i: int) -> None:
        write_image(paths[i], frame(i), quality)

    if paths:
        write(0)  # alone, so that values that `frame` caches are computed once
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(write, range(1, len(paths))):
            pass
