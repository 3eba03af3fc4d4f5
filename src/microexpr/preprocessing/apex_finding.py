"""How the apex of a clip is found where it is hidden or not annotated: the choices of `without_apex`.

A finder takes the frames of a clip from onset to offset and returns the index of the apex. One more is one more
function with `@apex_finder("name")`, here, in another file of the folder or in a plug-in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

import cv2
import numpy as np
import scipy.fft
from pydantic import AfterValidator
from scipy.signal import find_peaks
from skimage.feature import local_binary_pattern

from ..core.clip import Clip, Frames
from ..core.registry import RecordRegistry
from ..faces.cascade import find_face
from ..features.lbp import LBP
from ..imaging.optical_flow import optical_flow, strain
from .crop_face import square


class Images(Protocol):
    """The images of a clip from onset to offset, (height, width, 3) uint8 RGB: a list, an array or `ClipImages`."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> np.ndarray: ...
    def __iter__(self) -> Iterator[np.ndarray]: ...


Finder = Callable[[Images], int]
"""From the images of a clip to the index of the apex."""

SIDE = 96
"""Side of the faces in pixels in which motion is looked for."""

GRID = (6, 6)
"""Number of blocks of a face down and across."""

WINDOW = 61
"""Number of frames of the sliding window of `frequency`; the first and the last frame of the clip are repeated."""

CUTOFF = 31
"""Radius in bins of the spectrum of a window up to which `frequency` leaves frequencies out."""

APEX_FINDERS: RecordRegistry[Finder] = RecordRegistry("way to find an apex", "microexpr.preprocessing")
"""All finders by name."""


def apex_finder(name: str) -> Callable[[Finder], Finder]:
    """Function decorator: register a finder under `name`."""
    return lambda function: APEX_FINDERS.add(name, function)


def _known(name: str) -> str:
    APEX_FINDERS.get(name)
    return name


FinderName = Annotated[str, AfterValidator(_known)]
"""Type of the setting `without_apex`."""


@dataclass(frozen=True)
class ClipImages:
    """The images of a clip, each read when it is asked for.

    Attributes:
        frames: of the recording.
        numbers: frame numbers of the clip.
    """

    frames: Frames
    numbers: Sequence[int]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.frames.read(self.numbers[index])

    def __iter__(self) -> Iterator[np.ndarray]:
        return map(self.frames.read, self.numbers)


def apex_number(frames: Frames, clip: Clip, numbers: Sequence[int], without_apex: str) -> int:
    """The number of the annotated apex frame, or of the one that stands for it if it is hidden or not given.

    Args:
        frames: of the clip.
        clip: the clip.
        numbers: its frames from onset to offset.
        without_apex: name of a finder.
    """
    if clip.apex is not None:
        return clip.apex
    return numbers[APEX_FINDERS.get(without_apex)(ClipImages(frames, numbers))]


@apex_finder("middle")
def middle(images: Images) -> int:
    """Half way from onset to offset, the usual choice on SMIC; no image is read."""
    return len(images) // 2


@apex_finder("difference")
def difference(images: Images) -> int:
    """The frame that differs most from the onset frame: largest standard deviation of the difference."""
    first = _blurred_gray(images[0])
    return int(np.argmax([float(np.std(_blurred_gray(image) - first)) for image in images]))


@apex_finder("flow")
def flow(images: Images) -> int:
    """The frame with the largest mean length of the optical flow (DIS) from the face in the onset frame.

    The median of the flow is subtracted first: it is the motion of the head, which goes on after the apex.
    """
    return _largest(images, lambda motion: np.linalg.norm(motion - np.median(motion, axis=(0, 1)), axis=-1))


@apex_finder("strain")
def largest_strain(images: Images) -> int:
    """The frame with the largest mean optical strain of the flow (DIS) from the face in the onset frame."""
    return _largest(images, strain)


def _largest(images: Images, measure: Callable[[np.ndarray], np.ndarray]) -> int:
    """The index of the frame whose flow from the first one has the largest mean of a measure of its pixels."""
    first, *others = _faces(images)
    return int(np.argmax([0.0, *(measure(optical_flow(first, face, "dis")).mean() for face in others)]))


@apex_finder("frequency")
def frequency(images: Images) -> int:
    """The frame around which the face has the most high frequencies (Li, Huang, Zhao, ICIP 2018).

    Local binary patterns of the face in 6x6 blocks; the amplitudes of the 3-D spectrum of a sliding window, beyond a
    high-pass, are summed over the blocks.
    """
    codes = np.stack([local_binary_pattern(_gray(face), 8, 1) for face in _faces(images)])
    return int(np.argmax(high_frequencies(codes, GRID, WINDOW, CUTOFF)))


def high_frequencies(codes: np.ndarray, grid: tuple[int, int], window: int, cutoff: float) -> np.ndarray:
    """(T,) sums of amplitudes beyond a radius in the 3-D spectra of blocks, in the window around each image.

    Args:
        codes: (T, height, width) images whose sides are multiples of the grid.
        grid: number of blocks down and across.
        window: odd number of images; the first and the last image are repeated beyond the ends.
        cutoff: radius in bins.
    """
    (rows, columns), (count, height, width) = grid, codes.shape
    cells = codes.astype(np.float32).reshape(count, rows, height // rows, columns, width // columns).swapaxes(2, 3)
    spectra = scipy.fft.fft2(cells)  # in space, once for each image
    padded = np.pad(spectra.reshape(count, -1), [(window // 2, window // 2), (0, 0)], mode="edge")
    bins = (np.fft.fftfreq(n, 1 / n) for n in (window, height // rows, width // columns))
    t, y, x = np.meshgrid(*bins, indexing="ij")
    passed = np.sqrt(t**2 + y**2 + x**2) > cutoff
    kept = np.flatnonzero(passed.any(axis=(1, 2)))  # few frequencies in time pass: no need of all
    in_time = np.exp(-2j * np.pi / window * np.outer(kept, np.arange(window))).astype(np.complex64)
    weights = np.broadcast_to(passed[kept, None, None], (len(kept), *cells.shape[1:])).reshape(len(kept), -1)
    return np.array([(np.abs(in_time @ padded[i : i + window]) * weights).sum() for i in range(count)])


@apex_finder("divide-and-conquer")
def divide_and_conquer(images: Images) -> int:
    """The peak that is left of the differences to the onset frame when halves are cut away (Liong et al., ACPR 2015).

    The difference is 1 - the cosine of the histograms of local binary patterns, summed over 6x6 blocks of the face. Of
    the clip, the half with the larger sum of peaks is kept, and so on until one peak is left.
    """
    feature = LBP(grid=GRID)
    histograms = [feature(_gray(face)[None]).reshape(-1, feature.bins) for face in _faces(images)]
    return keep_larger_halves(np.array([_dissimilarity(histograms[0], other) for other in histograms]))


def keep_larger_halves(values: np.ndarray) -> int:
    """The index of the local maximum that is left when the half with the smaller sum of maxima is cut away each time.

    Without a local maximum within the values it is the largest value.
    """
    peaks = find_peaks(values)[0]
    if len(peaks) == 0:
        return int(np.argmax(values))
    first, end = 0, len(values)
    while True:
        inside = peaks[(peaks >= first) & (peaks < end)]
        if len(inside) == 1:
            return int(inside[0])
        half = (first + end) // 2
        left = values[inside[inside < half]].sum()
        first, end = (first, half) if left >= values[inside].sum() - left else (half, end)


def _dissimilarity(first: np.ndarray, second: np.ndarray) -> float:
    """Sum over blocks of 1 - the cosine between two histograms, each (blocks, bins)."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return float((1 - (first * second).sum(axis=1) / lengths).sum())


def _faces(images: Images) -> Iterator[np.ndarray]:
    """The face of each image, (SIDE, SIDE, 3) uint8, where that of the first one is, else the central square."""
    height, width = images[0].shape[:2]
    side = min(height, width)
    box = find_face(images[0]) or ((width - side) // 2, (height - side) // 2, side)
    for image in images:
        yield cv2.resize(square(image, *box), (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _gray(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _blurred_gray(image: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(_gray(image), (5, 5), 0).astype(np.float32)
