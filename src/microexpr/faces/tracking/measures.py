"""Measures of a face in a frame: pose of the head, opening of the eyes, blinks, sharpness, noise and quality."""

from __future__ import annotations

import math

import cv2
import numpy as np

MEDIAN_SECONDS = 10.0
"""The usual opening of an eye is the median over this time: posture and glasses change it, blinks do not."""

CLOSED_BELOW, OPEN_ABOVE = 0.6, 0.85
"""An eye is closed below the first fraction of its usual opening; a blink lasts while it is below the second one."""

PARTIAL_BELOW, PARTIAL_SECONDS = 0.75, 0.4
"""An incomplete blink: the opening falls below this fraction of the usual one for less than this many seconds."""

FULL_WIDTH = 96.0
"""Width of a face in pixels from which on it has the full quality."""

BLURRED, SHARP = 0.05, 0.25
"""Ratios of fine detail to contrast at which the sharpness is 0 and 1."""

FRONTAL_DEGREES, TURNED_DEGREES = 15.0, 60.0
"""Turn of the head up to which the quality is full, and from which on it is 0."""

CLEAR_NOISE, FULL_NOISE = 0.1, 0.5
"""Noise as a fraction of the contrast up to which the quality is full, and from which on it is lowest."""


def head_pose(right_eye: np.ndarray, left_eye: np.ndarray, brow: np.ndarray, chin: np.ndarray) -> np.ndarray:
    """(3,) yaw, pitch and roll in degrees, from four points of the face in space.

    Yaw is positive where the face turns to the right of the image, pitch where it looks up, roll where the head leans
    clockwise in the image.

    Args:
        right_eye, left_eye: (3,) outer corners of the person's eyes; x right, y down, z away from the camera.
        brow: (3,) top of the forehead.
        chin: (3,) tip of the chin.
    """
    ax, ay, az = (left_eye - right_eye).tolist()
    dx, dy, dz = (chin - brow).tolist()
    x, y, z = az * dy - ay * dz, ax * dz - az * dx, ay * dx - ax * dy  # the normal of the face
    yaw, pitch = math.atan2(x, -z), math.atan2(-y, math.hypot(x, z))
    return np.degrees([yaw, pitch, math.atan2(ay, ax)])


def eye_ratios(points: np.ndarray) -> np.ndarray:
    """(2,) height over width of the person's right and left eye (Soukupova and Cech 2016, equation 1).

    Args:
        points: (68, 2) or more, x and y in pixels.
    """
    eyes = points[36:48, :2].reshape(2, 6, 2)
    distances = np.hypot(*(eyes[:, [1, 2, 0]] - eyes[:, [5, 4, 3]]).transpose(2, 0, 1))  # two heights and the width
    return np.asarray((distances[:, 0] + distances[:, 1]) / (2 * np.maximum(distances[:, 2], 1e-6)))


def eye_openness(times: np.ndarray, ratios: np.ndarray) -> np.ndarray:
    """(T, 2) float32: opening of both eyes as a fraction of its running median over ten seconds.

    Args:
        times: (T,) seconds, rising.
        ratios: (T, 2) from `eye_ratios`.
    """
    if not len(times):
        return np.zeros((0, 2), np.float32)
    centers = np.arange(times[0], times[-1] + 1.0)  # the median changes slowly: once a second is enough
    medians = []
    for center in centers:
        low, high = np.searchsorted(times, (center - MEDIAN_SECONDS / 2, center + MEDIAN_SECONDS / 2))
        medians.append(np.median(ratios[low:high], axis=0) if high > low else (np.nan, np.nan))
    known = np.array(medians)
    valid = ~np.isnan(known[:, 0])
    usual = np.stack([np.interp(times, centers[valid], known[valid, eye]) for eye in (0, 1)], axis=1)
    return (ratios / np.maximum(usual, 1e-3)).astype(np.float32)


def blinks(times: np.ndarray, opening: np.ndarray, margin: float) -> np.ndarray:
    """(T,) bool: whether an eye is closed, closing or opening again, with a margin on both sides.

    Args:
        times: (T,) seconds, rising.
        opening: (T, 2) from `eye_openness`.
        margin: seconds before and after each blink that are marked, too.
    """
    marked = np.zeros(len(times), bool)
    for eye in opening.T:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], eye < OPEN_ABOVE, [False]]).astype(np.int8)))
        for start, stop in edges.reshape(-1, 2):
            lowest = eye[start:stop].min()
            seconds = times[stop - 1] - times[start]
            if lowest < CLOSED_BELOW or (lowest < PARTIAL_BELOW and seconds < PARTIAL_SECONDS):
                low, high = np.searchsorted(times, (times[start] - margin, times[stop - 1] + margin + 1e-9))
                marked[low:high] = True
    return marked


def sharpness(crop: np.ndarray) -> float:
    """Sharpness of an aligned (S, S) uint8 crop, 0 (blurred or flat) to 1.

    Standard deviation of the Laplacian over that of the gray levels (after Pech-Pacheco et al. 2000).
    """
    small = crop if crop.shape[0] == 128 else cv2.resize(crop, (128, 128), interpolation=cv2.INTER_AREA)
    center = small[16:112, 16:112]
    contrast = float(cv2.meanStdDev(center)[1].item())
    fine = float(cv2.meanStdDev(cv2.Laplacian(center, cv2.CV_16S))[1].item())
    return float(np.clip((fine / max(contrast, 1.0) - BLURRED) / (SHARP - BLURRED), 0, 1))


def contrast(crop: np.ndarray) -> float:
    """Standard deviation of the gray levels at the center of an aligned (S, S) uint8 crop."""
    margin = len(crop) // 8
    return float(cv2.meanStdDev(crop[margin : len(crop) - margin, margin : len(crop) - margin])[1].item())


def noise(crop: np.ndarray, previous: np.ndarray) -> float:
    """Standard deviation of the noise of an aligned crop in gray levels, from the one before.

    It is the lower quartile over 64 parts of the crop, so that the parts that move do not count; 0 for a frame that
    repeats the one before.

    Args:
        crop, previous: (S, S) uint8.
    """
    change = cv2.subtract(crop, previous, dtype=cv2.CV_32F)
    mean, squares = (cv2.resize(values, (8, 8), interpolation=cv2.INTER_AREA) for values in (change, change * change))
    variance = np.partition(np.maximum(squares - mean * mean, 0).ravel(), 16)[16]
    return float(np.sqrt(variance / 2))


def relative_noise(times: np.ndarray, noises: np.ndarray, contrasts: np.ndarray) -> np.ndarray:
    """(T,) float32: noise as a fraction of the contrast of the face, both as means over a second.

    Args:
        times: (T,) seconds, rising.
        noises: (T,) from `noise`.
        contrasts: (T,) from `contrast`.
    """
    edges = np.searchsorted(times, (times - 0.5, times + 0.5))
    sums = [np.concatenate([[0.0], np.cumsum(values)]) for values in (noises, contrasts)]
    noisy, clear = (total[edges[1]] - total[edges[0]] for total in sums)
    return (noisy / np.maximum(clear, 1e-3)).astype(np.float32)


def quality(
    presence: np.ndarray,
    widths: np.ndarray,
    pose: np.ndarray,
    sharp: np.ndarray,
    noisy: np.ndarray | float = 0.0,
    covered: np.ndarray | float = 0.0,
) -> np.ndarray:
    """(T,) float32, 0 to 1: quality of a face in each frame, a product of six factors.

    Args:
        presence: (T,) 0 to 1, the probability of the mesh that there is a face.
        widths: (T,) width of the face in pixels of the recording; the factor is width / 96, at most 1.
        pose: (T, 3) degrees; the factor is 1 up to a turn of 15 degrees (yaw and pitch) and falls to 0 at 60.
        sharp: (T,) from `sharpness`; the factor is 0.5 for a blurred face and 1 for a sharp one.
        noisy: (T,) from `relative_noise`; the factor is 1 up to 0.1 and falls to 0.2 at 0.5.
        covered: (T,) share of the face that is covered; the factor falls from 1 to 0 at half the face.
    """
    turned = np.hypot(pose[:, 0], pose[:, 1])
    frontal = np.clip((TURNED_DEGREES - turned) / (TURNED_DEGREES - FRONTAL_DEGREES), 0, 1)
    clear = np.clip(1 - 0.8 * (np.asarray(noisy) - CLEAR_NOISE) / (FULL_NOISE - CLEAR_NOISE), 0.2, 1)
    free = np.clip(1 - 2 * np.asarray(covered), 0, 1)
    size = np.clip(widths / FULL_WIDTH, 0, 1)
    return np.asarray(presence * size * frontal * (0.5 + sharp / 2) * clear * free, np.float32)
