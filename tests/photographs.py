"""Two real photographs with known landmarks, and ways to move them."""

import cv2
import numpy as np

from microexpr.synthetic.person import _portrait

ASTRONAUT, HOPPER = 0, 1


def photograph(which):
    """(height, width, 3) uint8 RGB and its (68, 2) landmarks."""
    image, points = _portrait(which)
    return image.astype(np.uint8), points[:68]


def turned(image, points, degrees=0.0, zoom=1.0, shift=(0, 0)):
    """The image turned and scaled about the face, and the landmarks with it."""
    matrix = cv2.getRotationMatrix2D(tuple(points.mean(axis=0)), degrees, zoom)
    matrix[:, 2] += shift
    moved = cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    return moved, points @ matrix[:, :2].T + matrix[:, 2]


def error(found, points):
    """Mean distance of (68, 2) points, in distances of the outer corners of the eyes."""
    return np.linalg.norm(found - points, axis=1).mean() / np.linalg.norm(points[36] - points[45])
