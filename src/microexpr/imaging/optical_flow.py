"""Describe me."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Estimator = Callable[[np.ndarray, np.ndarray], np.ndarray]


def optical_flow(first: np.ndarray, second: np.ndarray, estimator: str = "tvl1") -> np.ndarray:
    """Flow (height, width, 2) in pixels, u then v, between two (height, width, 3) uint8 RGB images."""
    before, after = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (first, second))
    return _ESTIMATORS[estimator](before, after)


def strain(flow: np.ndarray) -> np.ndarray:
    """Optical strain (height, width): the Frobenius norm of the symmetric gradient of a flow (height, width, 2).

    e_xx = du/dx, e_yy = dv/dy, e_xy = (du/dy + dv/dx) / 2, |e| = sqrt(e_xx^2 + e_yy^2 + 2 e_xy^2) (Liong et al. 2014).
    Zero for a shift and for a rotation; |a| for u = a x. numpy's axis 0 is y: taking it for x is a known bug.
    """
    du_dy, du_dx = np.gradient(flow[..., 0].astype(np.float64))
    dv_dy, dv_dx = np.gradient(flow[..., 1].astype(np.float64))
    shear = (du_dy + dv_dx) / 2
    return np.sqrt(du_dx**2 + dv_dy**2 + 2 * shear**2)


def _tvl1(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return cv2.optflow.DualTVL1OpticalFlow_create().calc(before, after, None)


def _farneback(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    # Not through the class: its defaults differ between OpenCV releases.
    return cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, 15, 3, 5, 1.2, 0)


def _dis(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(before, after, None)


_ESTIMATORS: dict[str, Estimator] = {"tvl1": _tvl1, "farneback": _farneback, "dis": _dis}
