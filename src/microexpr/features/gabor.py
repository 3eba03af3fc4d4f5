"""Magnitudes of Gabor filters.

Lades et al.: Distortion Invariant Object Recognition in the Dynamic Link Architecture, IEEE Transactions on Computers
42(3), 1993; 9 scales of 2 to 32 pixels a cycle and 8 orientations on faces of 48x48 pixels: Bartlett et al.: Automatic
Recognition of Facial Actions in Spontaneous Expressions, Journal of Multimedia 1(6), 2006; on micro-expressions: Wu,
Shen, Fu: The Machine Knows What You Are Hiding, ACII 2011.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, ClassVar

import cv2
import numpy as np
from pydantic import Field

from .base import FEATURES, Change, Feature


@FEATURES.register("gabor")
@dataclass(frozen=True)
class Gabor(Feature):
    """Magnitudes of complex Gabor filters at every pixel of the last frame, less those of the first one if wanted.

    A filter of wavelength L in pixels is a Gaussian of standard deviation `bandwidth` x L / (2 pi) times a wave, less
    its mean: a constant gray level gives 0. Beyond its border, the image is mirrored.

    Args:
        size: the frame is resized to squares of this side, in pixels.
        scales: number of wavelengths, half an octave from each to the next.
        orientations: number of directions of the wave, evenly spaced over half a turn.
        shortest: smallest wavelength in pixels, 2 or more.
        bandwidth: standard deviation of the Gaussian in radians of the wave; 2 pi as Lades et al.
        subtract_first: subtract the magnitudes of the first frame, so that the person's own looks cancel out; False as
            in the paper, which looks at each frame alone.
    """

    size: Annotated[int, Field(ge=8, le=256)] = 48
    scales: Annotated[int, Field(ge=1, le=16)] = 9
    orientations: Annotated[int, Field(ge=1, le=32)] = 8
    shortest: Annotated[float, Field(ge=2)] = 2.0
    bandwidth: Annotated[float, Field(gt=0)] = 2 * np.pi
    subtract_first: bool = False

    invariant_to: ClassVar[tuple[Change, ...]] = ("brightness",)

    @property
    def frames(self) -> int:
        """Two where the first is subtracted, else one."""
        return 2 if self.subtract_first else 1

    @property
    def length(self) -> int:
        """Scales x orientations x pixels."""
        return self.scales * self.orientations * self.size**2

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Compute the magnitudes in the order scale, orientation, row, column."""
        values = self.magnitudes(array[-1])
        if self.subtract_first:
            values = values - self.magnitudes(array[0])
        return values.ravel()

    def magnitudes(self, image: np.ndarray) -> np.ndarray:
        """(scales x orientations, size, size) magnitudes of a gray image (H, W)."""
        small = cv2.resize(image.astype(np.float32), (self.size, self.size), interpolation=cv2.INTER_AREA)
        border = self.size // 2
        spectrum = np.fft.fft2(np.pad(small, border, mode="symmetric"))
        inner = slice(border, border + self.size)
        return np.stack([np.abs(np.fft.ifft2(spectrum * response))[inner, inner] for response in self._bank()])

    def _bank(self) -> np.ndarray:
        return bank(
            self.size + 2 * (self.size // 2),
            tuple(self.shortest * 2 ** (number / 2) for number in range(self.scales)),
            self.orientations,
            self.bandwidth,
        )


@lru_cache(maxsize=4)
def bank(side: int, wavelengths: tuple[float, ...], orientations: int, bandwidth: float) -> np.ndarray:
    """(wavelengths x orientations, side, side) frequency responses of the filters; the largest one of each is about 1.

    Args:
        side: of the image, in pixels.
        wavelengths: in pixels.
        orientations: number of directions of the wave; 0 is a wave from left to right.
        bandwidth: standard deviation of the Gaussian in radians of the wave.
    """
    frequency = 2 * np.pi * np.fft.fftfreq(side)
    y, x = np.meshgrid(frequency, frequency, indexing="ij")
    responses = []
    for wavelength in wavelengths:
        wave, deviation = 2 * np.pi / wavelength, bandwidth * wavelength / (2 * np.pi)
        for number in range(orientations):
            angle = np.pi * number / orientations
            down, across = wave * np.sin(angle), wave * np.cos(angle)
            # A wave near the highest frequency that pixels can show continues at the lowest one.
            dy, dx = (np.angle(np.exp(1j * (axis - at))) for axis, at in ((y, down), (x, across)))
            own = np.exp(-(deviation**2) * (dy**2 + dx**2) / 2)
            responses.append(own - own[0, 0] * np.exp(-(deviation**2) * (y**2 + x**2) / 2))
    return np.stack(responses)
