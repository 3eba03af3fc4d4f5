"""Images that are mapped: averaging in whole blocks, and gray levels of the part that is read."""

import cv2
import numpy as np
import pytest

from microexpr.imaging.geometry import averaging_block, source_region, transform_points, warp_image

SHAPE = (90, 120, 3)


def turned(scale: float, degrees: float) -> np.ndarray:
    """(2, 3) map that shows the middle of the image in the middle of a crop of 32 pixels."""
    a, b = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    turn = np.array([[a, -b], [b, a]])
    return np.column_stack([turn, np.array([15.5, 15.5]) - turn @ (59.5, 44.5)])


@pytest.mark.parametrize("scale", (0.7, 0.4, 0.15))
def test_gray_levels_of_the_part_that_is_read_are_those_of_the_whole_image(scale):
    image = np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)
    settings = {"interpolation": cv2.INTER_CUBIC, "border": cv2.BORDER_REPLICATE}
    whole = warp_image(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), turned(scale, 10), 32, **settings)
    np.testing.assert_array_equal(warp_image(image, turned(scale, 10), 32, gray=True, **settings), whole)


@pytest.mark.parametrize("scale", (0.4, 0.15, 0.05))
def test_the_part_that_is_read_holds_all_that_is_shown_in_whole_blocks(scale):
    matrix, (height, width) = turned(scale, 35), SHAPE[:2]
    block = averaging_block(matrix)
    left, top, right, bottom = source_region(matrix, 32, block, height, width)
    corners = np.array([[x, y] for x in (-0.5, 31.5) for y in (-0.5, 31.5)])
    shown = transform_points(corners, cv2.invertAffineTransform(matrix))
    assert left % block == top % block == 0
    assert left <= max(0, shown[:, 0].min() - 2) and right >= min(width, shown[:, 0].max() + 2)
    assert top <= max(0, shown[:, 1].min() - 2) and bottom >= min(height, shown[:, 1].max() + 2)
    assert 0 <= left < right <= width and 0 <= top < bottom <= height
