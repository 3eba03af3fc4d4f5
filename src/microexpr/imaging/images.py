"""Describe me."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from ..core.errors import MediaError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})


MAX_PIXELS = 2**27
"""Pixels of an image or frame; a header that promises more is refused before memory is asked for (8K has 2^25)."""


MAX_FILE_BYTES = 2**30
"""Of an image's file."""


def read_image(path: Path) -> np.ndarray:
    """An image as (height, width, 3) uint8 RGB; gray images get three equal channels.

    Raises:
        MediaError: it is missing, empty, broken or too large.
    """
    try:
        if path.exists() and not path.is_file():
            raise MediaError(f"picture '{path}' is not a file")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise MediaError(f"picture '{path}' has more than {MAX_FILE_BYTES // 2**20} MiB; make it smaller")
        data = np.fromfile(path, np.uint8)
    except OSError as fault:
        raise MediaError(f"picture '{path}' cannot be read: {fault.strerror or fault}") from None
    level = cv2.utils.logging.setLogLevel(0)  # what it would print is said below
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error:  # a header that promises more pixels than OpenCV takes
        image = None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if image is None:
        raise MediaError(
            f"picture '{path}' ({data.size} bytes) is broken, not a picture, or has more than "
            f"{MAX_PIXELS // 10**6} million pixels; copy it anew"
        )
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def write_image(path: Path, image: np.ndarray, quality: int = 95) -> None:
    """Write (height, width[, 3]) uint8 RGB or gray; the format follows the file's ending."""
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix.lower() in {".jpg", ".jpeg"} else []
    path.parent.mkdir(parents=True, exist_ok=True)
    ok, data = cv2.imencode(path.suffix, stored, options)
    if not ok:
        raise MediaError(f"picture '{path}' cannot be written as {path.suffix}")
    path.write_bytes(data.tobytes())


def write_images(frame: Callable[[int], np.ndarray], paths: Sequence[Path], quality: int = 95) -> None:
    """Write frames 0, 1, 2 ... as `write_image` does, in threads: OpenCV and NumPy let go of Python's lock.

    Args:
        frame: makes frame i; several are made at once.
        paths: of each frame.
        quality: of JPEG.
    """

    def write(i: int) -> None:
        write_image(paths[i], frame(i), quality)

    if paths:
        write(0)  # alone: what all frames share is worked out once
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(write, range(1, len(paths))):
            pass
