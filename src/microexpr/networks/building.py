"""Building a network for inputs of a shape; one that does not fit them is an error that names its layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..core.errors import MicroexprError, RecipeError
from .base import Architecture

SOME_LENGTH = 2
"""Frames of the sequence that is tried where sequences may have any length."""


def build_network(architecture: Architecture, shape: tuple[int, ...], classes: int) -> nn.Module:
    """Build a module with random weights, and try it on one input, so that a wrong shape is found before training.

    Args:
        architecture: the network's settings.
        shape: of one input without the batch, channels first: (C, H, W) or (T, C, H, W); 0 stands for any T.
        classes: number of logits.

    Raises:
        RecipeError: it cannot be built for this shape, a layer of it cannot take what it gets, or it gives something
            else than (n, classes) logits.
    """
    where = f"network '{architecture.name}' on inputs of {_text(shape)}"
    try:
        module = architecture.build(shape, classes)
    except MicroexprError:
        raise
    except Exception as error:
        raise RecipeError(f"{where} cannot be built: {_reason(error)}") from error
    logits = _logits(module, where, shape)
    if not isinstance(logits, Tensor) or logits.shape != (1, classes):
        given = _text(tuple(logits.shape)) if isinstance(logits, Tensor) else type(logits).__name__
        raise RecipeError(f"{where} gives {given} for one input; it must give (1, {classes}), a logit for each class")
    return module


def _logits(module: nn.Module, where: str, shape: tuple[int, ...]) -> Any:
    """What a module gives for one input of zeros, computed in evaluation mode.

    Raises:
        RecipeError: a layer cannot take its input.
    """
    under_way: list[tuple[str, nn.Module, tuple[Any, ...]]] = []  # the calls that have not returned, the innermost last

    def watch(name: str) -> list[Any]:
        layer = module.get_submodule(name)
        return [
            layer.register_forward_pre_hook(lambda layer, inputs: under_way.append((name, layer, inputs))),
            layer.register_forward_hook(lambda layer, inputs, outputs: under_way.pop() and None),
        ]

    handles = [handle for name, _ in module.named_modules() for handle in watch(name)]
    was_training, frames = module.training, shape[0] or SOME_LENGTH
    x = torch.zeros((1, frames, *shape[1:]))
    inputs = (x, torch.tensor([frames])) if len(shape) == 4 else (x,)
    try:
        with torch.no_grad():
            return module.eval()(*inputs)
    except MicroexprError:
        raise
    except Exception as error:
        name, layer, given = under_way[-1] if under_way else ("", module, inputs)
        what = f"layer '{name}' ({type(layer).__name__})" if name else f"its forward ({type(layer).__name__})"
        shapes = ", ".join(_text(tuple(item.shape)) for item in given if isinstance(item, Tensor))
        raise RecipeError(f"{where}: {what} cannot take {shapes or 'its input'}: {_reason(error)}") from error
    finally:
        module.train(was_training)
        for handle in handles:
            handle.remove()


def _text(shape: tuple[int, ...]) -> str:
    """A shape as text, with `any` for the number of frames that is not fixed."""
    return f"({', '.join(str(size) if size else 'any' for size in shape)})"


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
