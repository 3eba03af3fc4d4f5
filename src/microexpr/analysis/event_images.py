"""Images of an event: the face at onset, apex and offset, and its motion as a heat map with arrows."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np

SIDE = 240
"""Width and height of a face in pixels."""

ZOOM = 2
"""Factor by which the image of the motion is larger, for crisp arrows."""

STEP = 16
"""Pixels from arrow to arrow."""

MARGIN = 0.15
"""Margin around a face, as a fraction of its larger side."""

MIN_MOTION = 0.3
"""Displacement in pixels below which there is no arrow."""


@dataclass(frozen=True)
class EventImages:
    """Images of an event.

    Attributes:
        onset, apex, offset: the face in that frame, as the `data:` URL of a JPEG.
        motion: the face at the apex with its motion since the onset, likewise.
        largest: largest displacement in pixels of a face that is 224 pixels wide.
    """

    onset: str
    apex: str
    offset: str
    motion: str
    largest: float


def event_images(onset: np.ndarray, apex: np.ndarray, offset: np.ndarray, box: np.ndarray) -> EventImages:
    """Make the images of an event.

    Args:
        onset, apex, offset: frames, (height, width, 3) uint8 RGB.
        box: left, top, width and height of the face at the onset in pixels.
    """
    faces = [crop_face(frame, box) for frame in (onset, apex, offset)]
    flow = face_motion(faces[0], faces[1])
    length = np.hypot(flow[..., 0], flow[..., 1])[face_mask(SIDE, SIDE) > 0.5]
    largest = float(np.percentile(length, 99)) * 224 / SIDE * (1 + 2 * MARGIN)
    first, peak, last = (data_url(face) for face in faces)
    return EventImages(first, peak, last, data_url(draw_motion(faces[1], flow)), largest)


def crop_face(frame: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Crop the face with a margin, (240, 240, 3); the middle of the frame where the box lies outside it."""
    height, width = frame.shape[:2]
    left, top, wide, high = (float(value) for value in box)
    side = (1 + 2 * MARGIN) * max(wide, high)
    middle = np.array([left + wide / 2, top + high / 2])
    if not (side >= 2 and 0 <= middle[0] < width and 0 <= middle[1] < height):
        middle, side = np.array([width / 2, height / 2]), float(min(height, width))
    zoom = SIDE / side
    matrix = np.array([[zoom, 0, SIDE / 2 - zoom * middle[0]], [0, zoom, SIDE / 2 - zoom * middle[1]]])
    interpolation = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    return cv2.warpAffine(frame, matrix, (SIDE, SIDE), flags=interpolation, borderMode=cv2.BORDER_REPLICATE)


def face_motion(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the flow (height, width, 2) in pixels between two faces without the motion of the whole head.

    The motion of the head is the affine map that fits the flow best (RANSAC).
    """
    gray = [cv2.cvtColor(face, cv2.COLOR_RGB2GRAY) for face in (before, after)]
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*gray, None)
    flow = cv2.GaussianBlur(flow, (0, 0), 3)
    y, x = np.mgrid[0 : flow.shape[0] : 4, 0 : flow.shape[1] : 4]
    face = face_mask(*flow.shape[:2])[::4, ::4] > 0.5  # the background does not move with the head
    points = np.stack([x[face], y[face]], axis=-1).astype(np.float32)
    moved = points + flow[::4, ::4][face]
    head, _ = cv2.estimateAffine2D(points, moved, method=cv2.RANSAC, ransacReprojThreshold=0.5)
    if head is None:
        return flow
    y, x = np.mgrid[0 : flow.shape[0], 0 : flow.shape[1]]
    grid = np.stack([x, y], axis=-1).astype(np.float32)
    return flow - (grid @ head[:, :2].T + head[:, 2] - grid).astype(np.float32)


def face_mask(height: int, width: int) -> np.ndarray:
    """Return a (height, width) float32 mask: 1 on the face as `crop_face` places it, 0 outside, soft between."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = np.hypot((x - width / 2) / (0.35 * width), (y - height / 2) / (0.41 * height))
    return np.clip((1.05 - distance) / 0.15, 0, 1)


def draw_motion(face: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Draw the face in gray with heat where it moves, and arrows; the largest arrow is as long as `STEP`."""
    flow = flow * face_mask(*flow.shape[:2])[..., None]
    length = np.hypot(flow[..., 0], flow[..., 1])
    top = max(float(np.percentile(length, 99.5)), MIN_MOTION)
    relative = np.clip(length / top, 0, 1)
    heat = cv2.cvtColor(
        cv2.applyColorMap(np.round(255 * relative).astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB
    )
    gray = cv2.cvtColor(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    weight = (0.75 * relative * (top > MIN_MOTION))[..., None]
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


def data_url(image: np.ndarray) -> str:
    """Encode an image as JPEG in a `data:` URL."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"
