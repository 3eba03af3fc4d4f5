"""Two estimates of one motion: whether they agree, and the frame in which they do."""

import numpy as np
import pytest

from microexpr.imaging.registration import Registration, find_registration, flow_agreement
from microexpr.synthetic.motion import FaceFrame, MotionGenerator


def flows(count=24):
    return list(MotionGenerator().draw(count, FaceFrame.megc2019(), 2).flow)


def test_agreement_does_not_depend_on_zero_and_size():
    image = flows(1)[0]
    assert flow_agreement(image, image * 3 + 7) == pytest.approx(1)
    assert flow_agreement(image, -image) == pytest.approx(-1)
    assert flow_agreement(image, np.zeros_like(image)) == 0


def test_a_scale_and_a_shift_are_found():
    truth = Registration(0.85, 0.9, 0.5, 2.5)
    first = flows()
    second = [truth.apply(image) for image in first]
    found = find_registration(first, second)
    assert (found.scale_x, found.scale_y) == pytest.approx((1 / 0.85, 1 / 0.9), abs=0.03)
    assert np.mean([flow_agreement(a, found.apply(b)) for a, b in zip(first, second, strict=True)]) > 0.9


def test_the_middle_stays_where_it_is():
    image = np.zeros((9, 9, 2), np.float32)
    image[4, 4] = 1
    assert Registration(1.5, 1.2).apply(image)[4, 4] == pytest.approx([1, 1])
    assert Registration(right=2, down=-1).apply(image)[3, 6] == pytest.approx([1, 1])
