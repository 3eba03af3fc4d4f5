"""Drawn motion written down as the inputs of recognizers are."""

from __future__ import annotations

from typing import Literal

import numpy as np

from .generator import DrawnMotion

Encoding = Literal["stretched", "pixels"]
"""`stretched`: as the precomputed release of MEGC 2019 has it, each channel of each image stretched to 0..255, so that
zero and size are lost. `pixels`: as the steps `align` and `flow` compute it from frames, in pixels of the crop."""


def encode(drawn: DrawnMotion, encoding: Encoding, crop: int = 128) -> np.ndarray:
    """Images of u, v and strain, as a chain of steps gives them.

    Args:
        drawn: the fields.
        encoding: how they are written down.
        crop: for `pixels`, side in pixels of the aligned crop in which the flow is measured.

    Returns:
        (n, height, width, 3): uint8 if stretched, float32 in pixels.
    """
    images = np.concatenate([drawn.flow, drawn.strain[..., None]], axis=-1)
    if encoding == "stretched":
        return stretch(images)
    images[..., :2] *= np.float32(crop / 224)
    return images


def stretch(images: np.ndarray) -> np.ndarray:
    """(n, height, width, c) uint8: each channel of each image stretched to 0..255."""
    low, high = images.min(axis=(1, 2), keepdims=True), images.max(axis=(1, 2), keepdims=True)
    return np.asarray(np.round(255 * (images - low) / np.maximum(high - low, 1e-9)), np.uint8)
