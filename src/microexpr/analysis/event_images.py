"""What an event looks like: the face at onset, apex and offset, and its motion as heat and arrows."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np

SIDE = 240
"""Pixels of a face."""

ZOOM = 2
"""The motion is drawn so many times larger, for crisp arrows."""

STEP = 16
MARGIN = 0.15
MIN_MOTION = 0.3
"""Pixels of a face; a smaller move gets no arrow."""


@dataclass(frozen=True)
class EventImages:
    """Pictures of an event as `data:` addresses, and the largest move in pixels at a face width of 224."""

    onset: str
    apex: str
    offset: str
    motion: str
    largest: float


def event_images(onset: np.ndarray, apex: np.ndarray, offset: np.ndarray, box: np.ndarray) -> EventImages:
    """Evidence from three frames (height, width, 3) uint8 RGB and the face's left, top, width, height at the onset."""
    faces = [crop_face(frame, box) for frame in (onset, apex, offset)]
    flow = face_motion(faces[0], faces[1])
    length = np.hypot(flow[..., 0], flow[..., 1])[face_mask(SIDE, SIDE) > 0.5]
    largest = float(np.percentile(length, 99)) * 224 / SIDE * (1 + 2 * MARGIN)
    first, peak, last = (data_url(face) for face in faces)
    return EventImages(first, peak, last, data_url(draw_motion(faces[1], flow)), largest)


def crop_face(frame: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The face with a margin, (240, 240, 3); the middle of the frame where the box lies outside it."""
    height, width = frame.shape[:2]
    left, top, wide, high = (float(value) for value in box)
    side = (1 + 2 * MARGIN) * max(wide, high)
    middle = np.array([left + wide / 2, top + high / 2])
    if not (side >= 2 and 0 <= middle[0] < width and 0 <= middle[1] < height):
        middle, side = np.array([width / 2, height / 2]), float(min(height, width))
    zoom = SIDE / side
    place = np.array([[zoom, 0, SIDE / 2 - zoom * middle[0]], [0, zoom, SIDE / 2 - zoom * middle[1]]])
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    return cv2.warpAffine(frame, place, (SIDE, SIDE), flags=how, borderMode=cv2.BORDER_REPLICATE)


def face_motion(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Flow (height, width, 2) in pixels between two faces, less the move of the whole head (its best affine map)."""
    gray = [cv2.cvtColor(face, cv2.COLOR_RGB2GRAY) for face in (before, after)]
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*gray, None)
    flow = cv2.GaussianBlur(flow, (0, 0), 3)
    y, x = np.mgrid[0 : flow.shape[0] : 4, 0 : flow.shape[1] : 4]
    face = face_mask(*flow.shape[:2])[::4, ::4] > 0.5  # what is behind does not move with the head
    here = np.stack([x[face], y[face]], axis=-1).astype(np.float32)
    there = here + flow[::4, ::4][face]
    head, _ = cv2.estimateAffine2D(here, there, method=cv2.RANSAC, ransacReprojThreshold=0.5)
    if head is None:
        return flow
    y, x = np.mgrid[0 : flow.shape[0], 0 : flow.shape[1]]
    grid = np.stack([x, y], axis=-1).astype(np.float32)
    return flow - (grid @ head[:, :2].T + head[:, 2] - grid).astype(np.float32)


def face_mask(height: int, width: int) -> np.ndarray:
    """(height, width) float32: 1 on the face as `cut` places it, 0 off it, soft between."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    far = np.hypot((x - width / 2) / (0.35 * width), (y - height / 2) / (0.41 * height))
    return np.clip((1.05 - far) / 0.15, 0, 1)


def draw_motion(face: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """The face in gray with heat where it moves, and arrows; the largest arrow is as long as the grid is wide."""
    flow = flow * face_mask(*flow.shape[:2])[..., None]
    length = np.hypot(flow[..., 0], flow[..., 1])
    top = max(float(np.percentile(length, 99.5)), MIN_MOTION)
    share = np.clip(length / top, 0, 1)
    heat = cv2.cvtColor(
        cv2.applyColorMap(np.round(255 * share).astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB
    )
    gray = cv2.cvtColor(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    weight = (0.75 * share * (top > MIN_MOTION))[..., None]
    mixed = np.round(gray * (1 - weight) + heat * weight).astype(np.uint8)
    large = cv2.resize(mixed, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC)
    for y in range(STEP // 2, flow.shape[0], STEP):
        for x in range(STEP // 2, flow.shape[1], STEP):
            if length[y, x] < max(MIN_MOTION, 0.25 * top):
                continue
            tip = np.array([x, y]) + flow[y, x] / top * STEP
            start, end = (ZOOM * x, ZOOM * y), (round(ZOOM * float(tip[0])), round(ZOOM * float(tip[1])))
            cv2.arrowedLine(large, start, end, (20, 20, 20), 4, cv2.LINE_AA, tipLength=0.35)
            cv2.arrowedLine(large, start, end, (120, 255, 240), 2, cv2.LINE_AA, tipLength=0.35)
    return large


def data_url(picture: np.ndarray) -> str:
    """A picture as the address of an `img`."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"
