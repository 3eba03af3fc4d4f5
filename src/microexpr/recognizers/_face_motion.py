"""Inputs of the recognizer that ships: motion in one frame of the face and one unit, from frames or from a release."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..synthetic.motion import FaceFrame

SIDE = 28
"""Side of the images in pixels."""

FLOW_UNIT, STRAIN_UNIT = 0.5, 0.01
"""Motion in pixels of a face 224 pixels wide, and strain, below which inputs are linear; above they grow by logarithms,
so that small motion beside large motion is not lost."""

RELEASE_STRAIN = 0.02
"""Mean strain that is assumed for an image without a unit whose motion has a root mean square of one pixel."""

_ALIGNED, _RELEASE = FaceFrame.aligned(SIDE), FaceFrame.megc2019(SIDE)


def without_head(flow: Tensor, steps: int = 4) -> tuple[Tensor, Tensor]:
    """Separate the motion of a face from that of the head, which is what an affine map explains of most places.

    Args:
        flow: (n, 2, H, W) float32.
        steps: of the iteratively reweighted least squares, with Cauchy weights at 1.5 times the median residual.

    Returns:
        What is left (n, 2, H, W), and the motion of the head (n, 2, H, W), both float32 in the unit of the flow.
    """
    n, _, height, width = flow.shape
    x = torch.linspace(-1, 1, width).expand(height, width)
    y = torch.linspace(-1, 1, height)[:, None].expand(height, width)
    basis = torch.stack([torch.ones(height, width), x, y]).reshape(3, -1).double()
    face = torch.exp(-((x / 0.8) ** 4) - (y / 0.9) ** 4).flatten().double()
    values = flow.reshape(n, 2, -1).double()
    weights = face.expand(n, -1)
    for _ in range(steps):
        weighted = basis * weights[:, None]
        left = weighted @ basis.T + 1e-9 * torch.eye(3, dtype=torch.float64)
        maps = torch.linalg.solve(left, weighted @ values.mT).mT
        rest = values - maps @ basis
        size = rest.square().sum(dim=1)
        scale = 2.25 * size.median(dim=1, keepdim=True).values + 1e-6
        weights = face / (1 + size / scale)
    return rest.reshape(flow.shape).float(), (maps @ basis).reshape(flow.shape).float()


def from_pixels(images: Tensor) -> Tensor:
    """Inputs of motion with a unit.

    Args:
        images: (n, 3, H, W) float32: u and v in pixels of a face 224 pixels wide, and strain; aligned without a margin.
    """
    return torch.cat([without_head(images[:, :2])[0], images[:, 2:]], dim=1)


def without_unit(images: Tensor, size: Tensor) -> Tensor:
    """Inputs of motion whose zero, size and proportion of u and v are not known, as stretched images have it.

    Args:
        images: (n, 3, H, W) float32 u, v and strain, each in any unit.
        size: (n, 1, 1, 1) root mean square in pixels that u and v are assumed to have.
    """
    flow, strain = images[:, :2], images[:, 2:]
    flow = flow / (flow.std(dim=(2, 3), keepdim=True) + 1e-9)
    flow, _ = without_head(flow)
    flow = flow / (flow.square().mean(dim=(2, 3), keepdim=True).sqrt() + 1e-9)
    strain = strain - strain.amin(dim=(2, 3), keepdim=True)
    strain = strain / (strain.mean(dim=(2, 3), keepdim=True) + 1e-9)
    return torch.cat([flow, strain * RELEASE_STRAIN], dim=1) * size


def compressed(motion: Tensor) -> Tensor:
    """What the network reads of motion (n, 3, H, W)."""
    return torch.cat([torch.asinh(motion[:, :2] / FLOW_UNIT), torch.asinh(motion[:, 2:] / STRAIN_UNIT) - 1], dim=1)


def registered(images: np.ndarray) -> Tensor:
    """Images of the precomputed release (n, 28, 28, 3) as (n, 3, 28, 28), moved so that faces lie as `align` has them.

    What lies outside the images of the release is continued from their edge.
    """
    x = torch.from_numpy(np.ascontiguousarray(np.moveaxis(images, -1, 1))).float()
    columns, rows = (
        (np.arange(SIDE) - _ALIGNED.origin[i]) / _ALIGNED.unit[i] * _RELEASE.unit[i] + _RELEASE.origin[i]
        for i in (0, 1)
    )
    return _sampled(x, columns, rows)


def cut_as_release(images: Tensor) -> Tensor:
    """Aligned images (n, 3, 28, 28) with what the release cuts off continued from the edge."""
    low, high = (np.array((0, SIDE - 1)) - _RELEASE.origin[0]) / _RELEASE.unit[0] * _ALIGNED.unit[0] + _ALIGNED.origin[
        0
    ]
    return _sampled(images, np.clip(np.arange(SIDE), low, high), np.arange(SIDE))


def _sampled(x: Tensor, columns: np.ndarray, rows: np.ndarray) -> Tensor:
    """Images at columns and rows, bilinearly."""
    across, down = (torch.from_numpy((2 * np.asarray(at) + 1) / SIDE - 1).float() for at in (columns, rows))
    grid = torch.stack(torch.broadcast_tensors(across, down[:, None]), dim=-1).expand(len(x), -1, -1, -1)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def prepared(motion: Tensor, no_unit: Tensor) -> Tensor:
    """Drawn motion (n, 3, 28, 28) without that of the heads; where `no_unit` (n,) holds, without a size as well."""
    result = torch.empty_like(motion)
    for part in torch.arange(len(motion)).split(1000):
        free, sized = part[no_unit[part]], part[~no_unit[part]]
        result[free] = without_unit(cut_as_release(motion[free]), torch.ones(len(free), 1, 1, 1))
        result[sized] = from_pixels(motion[sized])
    return result


def size(motion: Tensor) -> np.ndarray:
    """(n,) size of the motion (n, 3, H, W) of faces, in its unit: that which two percent of the places exceed."""
    return motion[:, :2].norm(dim=1).flatten(1).quantile(0.98, dim=1).double().numpy()
