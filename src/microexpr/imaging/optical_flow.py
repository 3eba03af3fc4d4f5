"""Dense optical flow between two images, and its optical strain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np

StrainNorm = Literal["frobenius", "shear-once"]
"""`frobenius`: |e|^2 = e_xx^2 + e_yy^2 + 2 e_xy^2 (Liong et al. 2014); `shear-once`: e_xy^2 once (STSTNet, 2019)."""

Estimator = Callable[[np.ndarray, np.ndarray], np.ndarray]


def optical_flow(first: np.ndarray, second: np.ndarray, estimator: str = "tvl1") -> np.ndarray:
    """Dense optical flow between two images.

    Args:
        first: (height, width, 3) uint8 RGB.
        second: the same shape.
        estimator: `tvl1`, `farneback` or `dis`.

    Returns:
        (height, width, 2) float32 in pixels: u (right is positive), then v (down is positive).
    """
    before, after = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, second))
    return _ESTIMATORS[estimator](before, after)


def strain(flow: np.ndarray, norm: StrainNorm = "frobenius") -> np.ndarray:
    """Optical strain (height, width): a norm of the symmetric gradient of a flow (height, width, 2 or more).

    e_xx = du/dx, e_yy = dv/dy, e_xy = (du/dy + dv/dx) / 2. It is zero for a shift and for a rotation, |a| for u = a x,
    and for u = g y it is |g| / sqrt(2), or |g| / 2 with the shear once. Axis 0 of the array is y, axis 1 is x.

    Args:
        flow: u and v in pixels, then any further channels.
        norm: how often the shear counts, see `StrainNorm`.
    """
    du_dy, du_dx = np.gradient(flow[..., 0].astype(np.float64))
    dv_dy, dv_dx = np.gradient(flow[..., 1].astype(np.float64))
    shear = (du_dy + dv_dx) / 2
    return np.sqrt(du_dx**2 + dv_dy**2 + (2 if norm == "frobenius" else 1) * shear**2)


def _tvl1(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return cv2.optflow.DualTVL1OpticalFlow_create().calc(before, after, None)


def _farneback(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    # Not through the class: its defaults differ between OpenCV releases.
    return cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, 15, 3, 5, 1.2, 0)


def _dis(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(before, after, None)


_ESTIMATORS: dict[str, Estimator] = {"tvl1": _tvl1, "farneback": _farneback, "dis": _dis}
