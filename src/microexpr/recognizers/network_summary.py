"""What a learned network is made of: layers, shapes, weights, and how the layers are joined."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..core.clip import Sample
from .base import Recognizer


def network_summary(recognizer: Recognizer, sample: Sample) -> dict[str, Any] | None:
    """The network of a recognizer, as `<run>/network.json` keeps it; None where it has none. Changes nothing.

    Args:
        recognizer: has learned; what it learned with a network is its `module_`.
        sample: is put through, so that the shapes are those of the task.

    Returns:
        `kind`, `input` (shape without the batch), `weights`, `trained` (weights that learning may change), and
        `layers`: name, kind, shape (without the batch), weights, calls, and `reads`: positions of the layers whose
        results it works on, empty where that cannot be told.
    """
    module = getattr(recognizer, "module_", None)
    if not isinstance(module, nn.Module):
        return None
    given: list[tuple[Any, ...]] = []
    hook = module.register_forward_pre_hook(lambda _, inputs: given.append(inputs))
    try:
        with _Layers(module).recording() as layers:
            recognizer.predict_proba([sample])
    finally:
        hook.remove()
    rows = layers.rows
    if given and (joined := _joined(module, given[0])) is not None:
        rows = joined
    first = next((one for one in given[0] if isinstance(one, Tensor)), None) if given else None
    return {
        "kind": type(module).__name__,
        "input": [] if first is None else list(first.shape[1:]),
        "weights": sum(p.numel() for p in module.parameters()),
        "trained": sum(p.numel() for p in module.parameters() if p.requires_grad),
        "layers": rows,
    }


FOLLOWED = 4_000_000
"""Numbers in the largest input that is put through with its gradients."""


class _Layers:
    """A row for each layer without layers inside, at its first call of the first pass."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.rows: list[dict[str, Any]] = []
        self.ends: list[list[Any]] = []
        self.passes = 0

    @contextmanager
    def recording(self) -> Iterator[_Layers]:
        """While this lasts, what is put through is noted."""
        leaves = {name: one for name, one in self.module.named_modules() if not list(one.children())}
        hooks = [one.register_forward_hook(self._hook(name)) for name, one in leaves.items()]
        hooks.append(self.module.register_forward_hook(self._ended))
        try:
            yield self
        finally:
            for hook in hooks:
                hook.remove()

    def _ended(self, *_: Any) -> None:
        self.passes += 1

    def _hook(self, name: str) -> Any:
        def note(layer: nn.Module, _: Any, output: Any) -> None:
            if self.passes:
                return
            results = list(_tensors(output))
            place = next((i for i, row in enumerate(self.rows) if row["name"] == name), None)
            if place is None:
                place = len(self.rows)
                self.ends.append([])
                self.rows.append(
                    {
                        "name": name or type(layer).__name__,
                        "kind": type(layer).__name__,
                        "shape": list(results[0].shape[1:]) if results else [],
                        "weights": sum(p.numel() for p in layer.parameters()),
                        "calls": 0,
                        "reads": [],
                    }
                )
            self.rows[place]["calls"] += 1
            self.ends[place] += [one.grad_fn for one in results if one.grad_fn is not None]

        return note


def _joined(module: nn.Module, inputs: tuple[Any, ...]) -> list[dict[str, Any]] | None:
    """The rows with `reads`, found by what gradients follow; None where a network cannot be followed.

    A pass without numbers is enough for most. Networks whose code looks at numbers (at lengths) need a real one, which
    is left out where the input is so large that its gradients would take much memory.
    """
    layers = _followed(module, inputs, "meta")
    if layers is None and sum(one.numel() for one in inputs if isinstance(one, Tensor)) <= FOLLOWED:
        layers = _followed(module, inputs, None)
    return None if layers is None else _with_reads(layers)


def _followed(module: nn.Module, inputs: tuple[Any, ...], device: str | None) -> _Layers | None:
    """A pass that keeps what gradients need; with own names for the weights, so that the module's are not touched."""
    state = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    state = {name: one.detach().to(device or one.device) for name, one in state.items()}
    for name, _ in module.named_parameters():
        state[name].requires_grad_()
    shown = [
        one.detach().to(device or one.device).requires_grad_()
        if isinstance(one, Tensor) and one.is_floating_point()
        else one
        for one in inputs
    ]
    layers = _Layers(module)
    try:
        with torch.enable_grad(), layers.recording():
            functional_call(module, state, tuple(shown))
    except Exception:  # whatever a network of somebody's own does with tensors without numbers: it is listed only
        return None
    return layers


def _with_reads(layers: _Layers) -> list[dict[str, Any]]:
    owner: dict[Any, int] = {}
    for place, ends in enumerate(layers.ends):  # a layer that hands on what it got (dropout) takes its end over
        layers.rows[place]["reads"] = sorted({owner[end] for end in ends if end in owner})
        owner.update((end, place) for end in ends)
    for place, ends in enumerate(layers.ends):
        if layers.rows[place]["reads"]:
            continue
        seen, ahead = set(ends), [below for end in ends for below, _ in end.next_functions]
        while ahead:
            node = ahead.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            if (other := owner.get(node)) not in (None, place):
                layers.rows[place]["reads"] = sorted({*layers.rows[place]["reads"], other})
                continue
            ahead += [below for below, _ in node.next_functions]
    return layers.rows


def _tensors(value: Any) -> Iterator[Tensor]:
    """Every tensor in tuples and lists (an LSTM gives its states too; packed sequences are tuples)."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _tensors(one)
