"""Step `magnify`: small movements made larger by Eulerian video magnification.

Wu, Rubinstein, Shih, Guttag, Durand, Freeman: Eulerian Video Magnification for Revealing Subtle Changes in the World,
ACM Transactions on Graphics 31(4), 2012. On micro-expressions: Li, Hong, Moilanen, Huang, Pfister, Zhao, Pietikainen:
Towards Reading Hidden Emotions, IEEE Transactions on Affective Computing 9(4), 2018 (online 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import cv2
import numpy as np
from pydantic import Field
from scipy.signal import butter, lfilter, sosfiltfilt

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..imaging.gray_levels import gray_levels
from .base import STEPS, Step, several_frames

Frequency = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@STEPS.register("magnify")
@dataclass(frozen=True)
class Magnify(Step):
    """`frames` (T, height, width[, 3]) uint8 with their slow changes multiplied: x + factor * bandpass(lowpass(x)).

    The low-pass is a Gaussian pyramid in space, the band-pass a filter of the course of each of its pixels in time. The
    gray levels are filtered, and the change is added to all three colors, so that hues stay and the noise of the colors
    is not magnified. The paper filters each level of a Laplacian pyramid and leaves out the finest ones; with the same
    factor on all others, their sum is what is done here. It comes after the steps that align and crop faces, since it
    magnifies movements of the head, too, and before those that thin frames out.

    It is a step of a chain, which is applied to clips that are known or found. Never magnify before spotting: blinks
    and movements of the head would be magnified, too. A recipe of spotting has no chain, so it cannot.

    Args:
        factor: alpha of the paper; 0 leaves the frames as they are. Li et al. found 8 to 16 best for whole clips.
        band: lowest and highest frequency in Hz. The default is what 0.05 and 0.4, the usual coefficients of `iir` in
            code for micro-expressions, are at 200 frames per second; a micro-expression of 0.33 s is a hump of 3 Hz.
        filter: `iir`, the difference of two low-passes of first order, which starts at rest and needs no more frames
            than a micro-expression has (the default for that); `butterworth`, a band-pass of first order, applied
            forwards and backwards, without delay; `ideal`, which cuts the spectrum of the whole clip, as if it were
            repeated, and resolves no frequencies that are closer than 1 / duration.
        level: level of the Gaussian pyramid, 0 for the image itself; patterns of at least 2^(level + 1) pixels are
            magnified. The default, 2, leaves out the noise of single pixels.
    """

    factor: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 10.0
    band: tuple[Frequency, Frequency] = (1.6, 16.0)
    filter: Literal["iir", "butterworth", "ideal"] = "iir"
    level: Annotated[int, Field(ge=0, le=8)] = 2

    def __post_init__(self) -> None:
        if not self.band[0] < self.band[1]:
            raise RecipeError(f"step 'magnify': band = {list(self.band)}: write the lower frequency first")

    def __call__(self, sample: Sample) -> Sample:
        """Replaces `frames`.

        Raises:
            RecipeError: there is one frame only, the frames are too far apart for the band, or too small for the level.
        """
        frames = several_frames(self, sample)
        if min(frames.shape[1:3]) < 2**self.level:
            raise RecipeError(
                f"step 'magnify': level = {self.level} is too high for frames of {frames.shape[1:3]}; lower it"
            )
        rate = frame_rate(sample)
        if self.band[1] >= rate / 2:
            raise RecipeError(
                f"step 'magnify': frequencies up to {self.band[1]:g} Hz need more than {2 * self.band[1]:g} frames per "
                f"second; clip '{sample.id}' has {rate:.1f}; lower 'band', or put the step before those that thin "
                "frames out"
            )
        sizes = [(frames.shape[2], frames.shape[1])]
        for _ in range(self.level):
            sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
        change = _FILTERS[self.filter](np.stack([_down(_luma(frame), sizes) for frame in frames]), self.band, rate)
        made = np.empty_like(frames)
        for i, frame in enumerate(frames):
            added = self.factor * _up(change[i].astype(np.float32), sizes)
            made[i] = np.clip(np.rint(frame + (added[..., None] if frame.ndim == 3 else added)), 0, 255)
        return sample.with_array("frames", made)


def frame_rate(sample: Sample) -> float:
    """Frames per second of the array `frames`, by their numbers and the rate of the camera.

    A repeated last frame, which only fills a clip up, does not count.
    """
    numbers = sample.numbers
    if not numbers or numbers[-1] == numbers[0]:
        return sample.clip.fps
    return sample.clip.fps * numbers.index(numbers[-1]) / (numbers[-1] - numbers[0])


def iir(series: np.ndarray, band: tuple[float, float], rate: float) -> np.ndarray:
    """The difference of two low-passes y_t = r x_t + (1 - r) y_(t-1) with r = 1 - exp(-2 pi f / rate), y_0 = x_0."""
    slow, fast = (1 - np.exp(-2 * np.pi * frequency / rate) for frequency in band)
    since = series - series[:1]
    difference = lfilter([fast], [1, fast - 1], since, axis=0) - lfilter([slow], [1, slow - 1], since, axis=0)
    return np.asarray(difference)


def butterworth(series: np.ndarray, band: tuple[float, float], rate: float) -> np.ndarray:
    """A Butterworth band-pass of first order, forwards and backwards: its gain is squared, its delay is 0."""
    sections = butter(1, band, "bandpass", fs=rate, output="sos")
    return np.asarray(sosfiltfilt(sections, series, axis=0, padlen=min(9, len(series) - 1)))


def ideal(series: np.ndarray, band: tuple[float, float], rate: float) -> np.ndarray:
    """The part of the spectrum within the band.

    Raises:
        RecipeError: the spectrum has no frequency in the band.
    """
    frequencies = np.fft.rfftfreq(len(series), 1 / rate)
    inside = (frequencies >= band[0]) & (frequencies <= band[1])
    if not inside.any():
        raise RecipeError(
            f"filter = 'ideal': {len(series)} frames have only the multiples of {frequencies[1]:.1f} Hz, none of which "
            "is in the band; use filter = 'iir'"
        )
    spectrum = np.fft.rfft(series, axis=0)
    spectrum[~inside] = 0
    return np.fft.irfft(spectrum, len(series), axis=0)


_FILTERS: dict[str, Callable[[np.ndarray, tuple[float, float], float], np.ndarray]] = {
    "iir": iir,
    "butterworth": butterworth,
    "ideal": ideal,
}


def _luma(frame: np.ndarray) -> np.ndarray:
    """(H, W) float32 gray levels that are not rounded."""
    return frame.astype(np.float32) if frame.ndim == 2 else gray_levels(frame)


def _down(image: np.ndarray, sizes: list[tuple[int, int]]) -> np.ndarray:
    for size in sizes[1:]:
        image = cv2.pyrDown(image, dstsize=size)
    return image


def _up(image: np.ndarray, sizes: list[tuple[int, int]]) -> np.ndarray:
    for size in sizes[-2::-1]:
        image = cv2.pyrUp(image, dstsize=size)
    return image
