"""What landmarks say of a head and its eyes: pose, opening, blinks, and how far the image can be trusted."""

from __future__ import annotations

import math

import cv2
import numpy as np

MEDIAN_SECONDS = 10.0
"""The usual opening of an eye is the median over that long: posture and glasses change it, blinks do not."""

CLOSED_BELOW, OPEN_ABOVE = 0.6, 0.85
"""An eye below the first share of its usual opening is closed; a blink reaches out to the second on both sides."""

PARTIAL_BELOW, PARTIAL_SECONDS = 0.75, 0.4
"""A dip below the first share that lasts fewer seconds than the second is a blink that was not complete."""

FULL_WIDTH, BLURRED, SHARP = 96.0, 0.05, 0.25
STRAIGHT, ASIDE = 15.0, 60.0


def head_pose(right_eye: np.ndarray, left_eye: np.ndarray, brow: np.ndarray, chin: np.ndarray) -> np.ndarray:
    """(3,) degrees: yaw, pitch, roll, from four points of the face in space.

    Yaw is positive where the face turns to the right of the image, pitch where it looks up, roll where the head leans
    clockwise in the image.

    Args:
        right_eye, left_eye: (3,) outer corners of the person's eyes; x right, y down, z away from the camera.
        brow: (3,) top of the forehead.
        chin: (3,) tip of the chin.
    """
    ax, ay, az = (left_eye - right_eye).tolist()
    dx, dy, dz = (chin - brow).tolist()
    x, y, z = az * dy - ay * dz, ax * dz - az * dx, ay * dx - ax * dy  # straight ahead: square to both
    yaw, pitch = math.atan2(x, -z), math.atan2(-y, math.hypot(x, z))
    return np.degrees([yaw, pitch, math.atan2(ay, ax)])


def eye_ratios(points: np.ndarray) -> np.ndarray:
    """(2,) height over width of the person's right and left eye (Soukupova and Cech 2016, equation 1).

    Args:
        points: (68, 2) or more, x and y in pixels.
    """
    eyes = points[36:48, :2].reshape(2, 6, 2)
    apart = np.hypot(*(eyes[:, [1, 2, 0]] - eyes[:, [5, 4, 3]]).transpose(2, 0, 1))  # two heights and the width of each
    return np.asarray((apart[:, 0] + apart[:, 1]) / (2 * np.maximum(apart[:, 2], 1e-6)))


def eye_openness(times: np.ndarray, ratios: np.ndarray) -> np.ndarray:
    """(T, 2) float32: opening of both eyes as a share of its running median over ten seconds.

    Args:
        times: (T,) seconds, rising.
        ratios: (T, 2) from `eye_ratios`.
    """
    if not len(times):
        return np.zeros((0, 2), np.float32)
    stations = np.arange(times[0], times[-1] + 1.0)  # the median changes slowly: once a second is enough
    usual = []
    for station in stations:
        low, high = np.searchsorted(times, (station - MEDIAN_SECONDS / 2, station + MEDIAN_SECONDS / 2))
        usual.append(np.median(ratios[low:high], axis=0) if high > low else (np.nan, np.nan))
    known = np.array(usual)
    there = ~np.isnan(known[:, 0])
    each = np.stack([np.interp(times, stations[there], known[there, eye]) for eye in (0, 1)], axis=1)
    return (ratios / np.maximum(each, 1e-3)).astype(np.float32)


def blinks(times: np.ndarray, opening: np.ndarray, margin: float) -> np.ndarray:
    """(T,) bool: an eye is closed, closing or opening again; with a margin on both sides.

    Args:
        times: (T,) seconds, rising.
        opening: (T, 2) from `openness`.
        margin: seconds marked before and after.
    """
    marked = np.zeros(len(times), bool)
    for eye in opening.T:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], eye < OPEN_ABOVE, [False]]).astype(np.int8)))
        for start, stop in edges.reshape(-1, 2):
            deepest = eye[start:stop].min()
            seconds = times[stop - 1] - times[start]
            if deepest < CLOSED_BELOW or (deepest < PARTIAL_BELOW and seconds < PARTIAL_SECONDS):
                low, high = np.searchsorted(times, (times[start] - margin, times[stop - 1] + margin + 1e-9))
                marked[low:high] = True
    return marked


def sharpness(crop: np.ndarray) -> float:
    """0 (blurred or flat) to 1 of an aligned (S, S) uint8 crop: the share of its detail that is fine.

    Standard deviation of the Laplacian over that of the gray levels (after Pech-Pacheco et al. 2000).
    """
    small = crop if crop.shape[0] == 128 else cv2.resize(crop, (128, 128), interpolation=cv2.INTER_AREA)
    middle = small[16:112, 16:112]
    contrast = float(cv2.meanStdDev(middle)[1].item())
    fine = float(cv2.meanStdDev(cv2.Laplacian(middle, cv2.CV_16S))[1].item())
    return float(np.clip((fine / max(contrast, 1.0) - BLURRED) / (SHARP - BLURRED), 0, 1))


def quality(presence: np.ndarray, widths: np.ndarray, pose: np.ndarray, sharp: np.ndarray) -> np.ndarray:
    """(T,) float32, 0 to 1: product of four shares.

    Args:
        presence: (T,) 0 to 1, the mesh's belief that there is a face.
        widths: (T,) of the face in pixels of the recording; 96 or more count 1, below it the share of 96.
        pose: (T, 3) degrees; yaw and pitch up to 15 degrees count 1, from 60 on 0.
        sharp: (T,) from `sharpness`; a blurred face counts half.
    """
    turned = np.hypot(pose[:, 0], pose[:, 1])
    straight = np.clip((ASIDE - turned) / (ASIDE - STRAIGHT), 0, 1)
    return (presence * np.clip(widths / FULL_WIDTH, 0, 1) * straight * (0.5 + sharp / 2)).astype(np.float32)
