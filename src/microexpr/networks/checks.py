"""A check of what every network must do, for the networks of this package and of plug-ins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..core.errors import RecipeError
from .base import NETWORKS, Architecture, head_of, seeded_weights, use_generator

SHAPES = ((3, 64, 64), (6, 64, 64), (5, 3, 64, 64))
"""Shapes that are tried where none is given: an image (C, H, W), two in one, then a sequence (T, C, H, W)."""


def check_network(settings: Mapping[str, Any], shape: tuple[int, ...] | None = None, classes: int = 4) -> None:
    """Raise `AssertionError` with a message that names the problem unless a network does what the package expects.

    The settings build the architecture; equal seeds give equal weights; logits are (n, classes) and finite; every
    parameter gets a gradient; in evaluation mode equal inputs give equal logits, and those of a sample do not depend on
    the other samples of its batch; a copy of the state dict gives the same logits; the last child computes the logits.

    Args:
        settings: the network's table as in a recipe, `{"name": ..., ...}`.
        shape: of one input without the batch, channels first; by default an image of 64 x 64 pixels, or two in one,
            or a sequence of such images, whichever the network takes.
        classes: number of logits.
    """
    architecture = NETWORKS.build(settings)
    shape = _accepted_shape(architecture, classes) if shape is None else shape
    module, again = _build(architecture, shape, classes), _build(architecture, shape, classes)
    for (name, tensor), other in zip(module.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(tensor, other), f"'{name}' differs in two builds with the same seed"
    inputs = _inputs(shape)
    _check_training(module, inputs, classes)
    expected = _check_evaluation(module, inputs, classes)
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    again.load_state_dict(state)
    with torch.no_grad():
        logits = again.eval()(*inputs)
    assert torch.equal(logits, expected), "a module with the same state dict gives other logits"


def _accepted_shape(architecture: Architecture, classes: int) -> tuple[int, ...]:
    """The first of `SHAPES` that an architecture accepts."""
    for shape in SHAPES[:-1]:
        try:
            _build(architecture, shape, classes)
        except RecipeError:
            continue
        return shape
    return SHAPES[-1]


def _build(architecture: Architecture, shape: tuple[int, ...], classes: int) -> nn.Module:
    with seeded_weights(0):
        module = architecture.build(shape, classes)
    use_generator(module, torch.Generator().manual_seed(0))
    return module


def _inputs(shape: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Three random inputs, and their lengths where they are sequences."""
    x = torch.randn((3, *shape), generator=torch.Generator().manual_seed(0))
    if len(shape) == 3:
        return (x,)
    return x, torch.tensor([shape[0], max(1, shape[0] // 2), 1])


def _check_training(module: nn.Module, inputs: tuple[Tensor, ...], classes: int) -> None:
    before = torch.get_rng_state()
    logits = module.train()(*inputs)
    assert torch.equal(before, torch.get_rng_state()), "it draws from torch's global generator; use `networks.Dropout`"
    assert logits.shape == (3, classes), f"logits are {tuple(logits.shape)}, not {(3, classes)}"
    assert bool(logits.isfinite().all()), "a logit is not finite"
    logits.square().sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, f"no gradient reaches '{name}'"
    _, head = head_of(module)
    outputs = [layer.out_features for layer in head.modules() if isinstance(layer, nn.Linear)]
    assert not outputs or outputs[-1] == classes, "the last child must compute the logits: it is the network's head"


def _check_evaluation(module: nn.Module, inputs: tuple[Tensor, ...], classes: int) -> Tensor:
    module.eval()
    with torch.no_grad():
        logits: Tensor = module(*inputs)
        assert torch.equal(logits, module(*inputs)), "a second call in evaluation mode gives other logits"
        alone = torch.cat([module(*(tensor[i : i + 1] for tensor in inputs)) for i in range(3)])
    gap = float((logits - alone).abs().max())
    assert gap < 1e-3, f"logits of a sample depend on the other samples of its batch: they differ by {gap:.2g}"
    return logits
