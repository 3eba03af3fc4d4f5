"""The layers of a trained network: their shapes, their parameters, and which layer reads which."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..core.clip import Sample
from .base import Recognizer
from .network import Network

MAX_TRACED_VALUES = 4_000_000
"""Number of values of the largest input with which a pass is repeated to trace its gradients."""


def network_summary(recognizer: Recognizer, sample: Sample) -> dict[str, Any] | None:
    """Describe the network of a fitted recognizer, as `<run>/network.json` stores it. The recognizer does not change.

    Args:
        recognizer: a fitted recognizer; its network is the attribute `module_`.
        sample: a sample to predict, which gives the shapes.

    Returns:
        `kind`, `input` (shape without the batch), `parameters`, `trainable_parameters`, and `layers`: `name`, `kind`,
        `shape` (without the batch), `parameters`, `calls`, and `reads`: positions of the layers whose outputs it
        reads, empty where that is not known. None for a recognizer without a network.
    """
    module = getattr(recognizer, "module_", None)
    if not isinstance(module, nn.Module):
        return None
    inputs: list[tuple[Any, ...]] = []
    if isinstance(recognizer, Network):
        recognizer = recognizer.without_cache()
    hook = module.register_forward_pre_hook(lambda _, values: inputs.append(values))
    try:
        with _LayerRecorder(module).recording() as recorder:
            recognizer.predict_proba([sample])
    finally:
        hook.remove()
    layers = recorder.layers
    if inputs and (connected := _connected_layers(module, inputs[0])) is not None:
        layers = connected
    first = next((value for value in inputs[0] if isinstance(value, Tensor)), None) if inputs else None
    return {
        "kind": type(module).__name__,
        "input": [] if first is None else list(first.shape[1:]),
        "parameters": sum(p.numel() for p in module.parameters()),
        "trainable_parameters": sum(p.numel() for p in module.parameters() if p.requires_grad),
        "layers": layers,
    }


class _LayerRecorder:
    """Records each layer without children in the first pass through a module, in the order of the first calls.

    Attributes:
        layers: a record for each layer.
        nodes: for each layer the nodes of the autograd graph that its outputs come from.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.layers: list[dict[str, Any]] = []
        self.nodes: list[list[Any]] = []
        self._done = False

    @contextmanager
    def recording(self) -> Iterator[_LayerRecorder]:
        """Record the first pass that is made in this context."""
        leaves = {name: layer for name, layer in self.module.named_modules() if not list(layer.children())}
        hooks = [layer.register_forward_hook(self._hook(name)) for name, layer in leaves.items()]
        hooks.append(self.module.register_forward_hook(self._end_pass))
        try:
            yield self
        finally:
            for hook in hooks:
                hook.remove()

    def _end_pass(self, *_: Any) -> None:
        self._done = True

    def _hook(self, name: str) -> Any:
        def record(layer: nn.Module, _: Any, output: Any) -> None:
            if self._done:
                return
            outputs = list(_tensors(output))
            position = next((i for i, known in enumerate(self.layers) if known["name"] == name), None)
            if position is None:
                position = len(self.layers)
                self.nodes.append([])
                self.layers.append(
                    {
                        "name": name or type(layer).__name__,
                        "kind": type(layer).__name__,
                        "shape": list(outputs[0].shape[1:]) if outputs else [],
                        "parameters": sum(p.numel() for p in layer.parameters()),
                        "calls": 0,
                        "reads": [],
                    }
                )
            self.layers[position]["calls"] += 1
            self.nodes[position] += [tensor.grad_fn for tensor in outputs if tensor.grad_fn is not None]

        return record


def _connected_layers(module: nn.Module, inputs: tuple[Any, ...]) -> list[dict[str, Any]] | None:
    """Records of the layers with `reads`, found in the autograd graph; None where a pass with gradients fails.

    A pass on torch's `meta` device, without values, is enough for most networks. Networks whose code reads values
    (lengths) need a real pass, which is omitted where the input is so large that its gradients would take much memory.
    """
    recorder = _trace(module, inputs, "meta")
    if recorder is None and sum(value.numel() for value in inputs if isinstance(value, Tensor)) <= MAX_TRACED_VALUES:
        recorder = _trace(module, inputs, None)
    return None if recorder is None else _with_reads(recorder)


def _trace(module: nn.Module, inputs: tuple[Any, ...], device: str | None) -> _LayerRecorder | None:
    """Record a pass with gradients, on copies of the parameters, so that those of the module are not changed."""
    state = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    state = {name: tensor.detach().to(device or tensor.device) for name, tensor in state.items()}
    for name, _ in module.named_parameters():
        state[name].requires_grad_()
    values = [
        value.detach().to(device or value.device).requires_grad_()
        if isinstance(value, Tensor) and value.is_floating_point()
        else value
        for value in inputs
    ]
    recorder = _LayerRecorder(module)
    try:
        with torch.enable_grad(), recorder.recording():
            functional_call(module, state, tuple(values))
    except Exception:  # a plug-in's network may do anything with tensors without values: no connections then
        return None
    return recorder


def _with_reads(recorder: _LayerRecorder) -> list[dict[str, Any]]:
    layers = recorder.layers
    owner: dict[Any, int] = {}  # node of the autograd graph -> position of the layer that made it
    for position, nodes in enumerate(recorder.nodes):  # a layer that returns its input (dropout) takes over its node
        layers[position]["reads"] = sorted({owner[node] for node in nodes if node in owner})
        owner.update((node, position) for node in nodes)
    for position, nodes in enumerate(recorder.nodes):
        if layers[position]["reads"]:
            continue
        visited, waiting = set(nodes), [source for node in nodes for source, _ in node.next_functions]
        while waiting:
            node = waiting.pop()
            if node is None or node in visited:
                continue
            visited.add(node)
            if (other := owner.get(node)) not in (None, position):
                layers[position]["reads"] = sorted({*layers[position]["reads"], other})
                continue
            waiting += [source for source, _ in node.next_functions]
    return layers


def _tensors(value: Any) -> Iterator[Tensor]:
    """Every tensor in nested tuples and lists (an LSTM also returns its states; packed sequences are tuples)."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors(item)
