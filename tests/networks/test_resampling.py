"""Sequences are brought to a number of frames by linear interpolation over time."""

import torch

from microexpr.networks.resampling import resample_frames


def test_frames_between_two_frames_are_their_weighted_mean():
    x = torch.tensor([0.0, 1.0, 4.0]).view(1, 3, 1, 1, 1)
    assert resample_frames(x, torch.tensor([3]), 5).flatten().tolist() == [0, 0.5, 1, 2.5, 4]
    assert resample_frames(x, torch.tensor([3]), 2).flatten().tolist() == [0, 4]
    assert resample_frames(x, torch.tensor([3]), 3) is x


def test_padding_is_never_read_and_one_frame_is_repeated():
    x = torch.full((2, 4, 1, 2, 2), torch.nan)
    x[0, :2], x[1, :1] = 3.0, 5.0
    out = resample_frames(x, torch.tensor([2, 1]), 3)
    assert out.shape == (2, 3, 1, 2, 2)
    assert bool((out[0] == 3).all()) and bool((out[1] == 5).all())


def test_gradients_reach_the_frames():
    x = torch.zeros(1, 3, 2, requires_grad=True)
    resample_frames(x, torch.tensor([3]), 4).sum().backward()
    assert x.grad is not None and bool((x.grad > 0).all())
