"""Gabor magnitudes: scale, direction and place of a pattern."""

import numpy as np
import pytest

from microexpr.features.gabor import Gabor, bank


def wave(wavelength: float, angle: float, size: int = 48) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    phase = 2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / wavelength
    return np.round(128 + 100 * np.cos(phase)).astype(np.uint8)[None]


def test_there_are_9_scales_and_8_orientations_of_48x48_pixels():
    assert Gabor().length == 165_888 == len(Gabor()(wave(8, 0)))


@pytest.mark.parametrize(("scale", "orientation"), [(2, 0), (4, 2), (3, 4), (4, 7)])
def test_a_wave_answers_the_filter_of_its_length_and_direction(scale, orientation):
    image = wave(2 * 2 ** (scale / 2), np.pi * orientation / 8)
    inner = Gabor()(image).reshape(9, 8, 48, 48)[:, :, 16:32, 16:32].mean(axis=(2, 3))
    assert np.unravel_index(inner.argmax(), inner.shape) == (scale, orientation)
    assert inner[scale, orientation] == pytest.approx(50, rel=0.1)  # half of the amplitude of a real wave


def test_filters_are_the_gaussian_waves_of_the_formula():
    """The impulse response is a Gaussian times a complex wave, but for what makes its mean zero."""
    side, length = 64, 8.0
    response = np.fft.fftshift(np.fft.ifft2(bank(side, (length,), 4, 2 * np.pi)[1]))
    y, x = np.mgrid[:side, :side] - side // 2
    k = 2 * np.pi / length
    expected = k**2 / (2 * np.pi) ** 3 * np.exp(-(k**2) * (x**2 + y**2) / (2 * (2 * np.pi) ** 2))
    expected = expected * np.exp(1j * k * (x + y) / np.sqrt(2))
    assert np.abs(response - expected).max() < 1e-3 * np.abs(expected).max()


def test_an_even_image_gives_nothing_and_a_change_its_place():
    even = np.full((2, 48, 48), 90, np.uint8)
    assert np.abs(Gabor()(even)).max() < 1e-3
    spot = even.copy()
    spot[1, 30, 10] = 250
    magnitudes = Gabor()(spot).reshape(9, 8, 48, 48)[0].max(axis=0)
    assert np.unravel_index(magnitudes.argmax(), magnitudes.shape) == (30, 10)


def test_the_first_frame_is_subtracted_if_wanted():
    clip = np.random.default_rng(0).integers(0, 256, (3, 48, 48), np.uint8)
    difference = Gabor()(clip[2:]) - Gabor()(clip[:1])
    assert Gabor(subtract_first=True)(clip) == pytest.approx(difference, abs=1e-3)
    assert np.abs(Gabor(subtract_first=True)(clip[[0, 0]])).max() == 0
