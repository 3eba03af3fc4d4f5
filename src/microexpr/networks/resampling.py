"""Sequences of any length as sequences of a fixed number of frames, by linear interpolation over time."""

from __future__ import annotations

import torch
from torch import Tensor


def resample_frames(x: Tensor, lengths: Tensor, frames: int) -> Tensor:
    """Sequences at equal distances in time from their first frame to their last one; padding is never read.

    Args:
        x: (n, T, ...) sequences.
        lengths: (n,) number of frames of each, 1 to T; a single frame is repeated.
        frames: number of frames of the result, 1 or more; one frame is the first one.

    Returns:
        (n, frames, ...).
    """
    if x.shape[1] == frames and bool((lengths == frames).all()):
        return x
    last = (lengths.to(x.device, torch.float64) - 1)[:, None]
    times = torch.linspace(0, 1, frames, dtype=torch.float64, device=x.device) * last
    before = times.floor().long()
    after = torch.minimum(before + 1, last.long())
    weight = (times - before).to(x.dtype).reshape(*times.shape, *[1] * (x.dim() - 2))
    clip = torch.arange(len(x), device=x.device)[:, None]
    return torch.lerp(x[clip, before], x[clip, after], weight)
