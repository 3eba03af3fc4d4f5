"""Export of a trained network as an ONNX file, for programs that have neither torch nor microexpr."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..core.errors import DataError, MissingDataError, NotFittedError, UsageError
from ..core.files import write_atomically
from ..core.tensor_files import read_metadata
from ..networks.training import torch_threads
from .base import Recognizer
from .network import Network
from .onnx_model import INPUT, OUTPUT, OnnxModel, need

OPSET = 18
MAX_DIFFERENCE = 1e-4
"""Largest difference of a probability between ONNX Runtime and torch with which a file is written; 1e-6 is usual."""


def export(source: Path, out: Path) -> Path:
    """Export the model of a run, or a saved recognizer, as an ONNX file.

    Args:
        source: a file that `Recognizer.save` wrote, or a run's folder with one such file in `models/`.
        out: the file to write.

    Returns:
        The file that was written.

    Raises:
        MissingDataError: there is no such file or folder, or the run has no model.
        UsageError: the run has several models, or the recognizer is no network.
    """
    file = find_model(source)
    recognizer = Recognizer.load(file)
    if not isinstance(recognizer, Network) or not recognizer.ends_in_softmax:
        raise UsageError(f"'{file}' holds a recognizer '{recognizer.name}'; only networks become ONNX files")
    return to_onnx(recognizer, out, read_metadata(file))


def find_model(source: Path) -> Path:
    """Find the saved recognizer of a path: the file itself, or the only model of a run.

    Raises:
        MissingDataError: there is no such file or folder, or the run has no model.
        UsageError: the run has several models; the message names some.
    """
    if source.is_file():
        return source
    if not source.is_dir():
        raise MissingDataError(f"'{source}' is neither a saved recognizer nor a run's folder")
    found = sorted((source / "models").rglob("*.safetensors"))
    if not found:
        raise MissingDataError(f"run '{source}' has no model: there is no file in '{source / 'models'}'")
    if len(found) > 1:
        some = ", ".join(str(path) for path in found[:2])
        raise UsageError(f"run '{source}' has {len(found)} models, one per fold; name one: {some} ...")
    return found[0]


def to_onnx(recognizer: Network, path: Path | str, metadata: Mapping[str, str] | None = None) -> Path:
    """Write a trained network as ONNX (opset 18, float32, any number of images at once).

    The input `image` (n, C, H, W) float32 is the chain's array with the channels first; the output is `probabilities`
    (n, classes) float32. Probabilities of random images are compared with torch's before the file is written.

    Args:
        recognizer: the trained network.
        path: the file to write.
        metadata: texts to store in the file beside `classes` and `array`, e.g. the `chain`.

    Returns:
        The file that was written.

    Raises:
        UsageError: the extra `onnx` is not installed, the network takes sequences, or it has a scale for each of
            several data sets.
        NotFittedError: neither `fit` nor `load` was called before.
        DataError: probabilities of the ONNX file differ from torch's.
    """
    if not hasattr(recognizer, "classes_"):
        raise NotFittedError(f"recognizer '{recognizer.name}' is not fitted; call fit or load first")
    if len(recognizer.classifier_.shape) != 3:
        name = recognizer.network["name"]
        raise UsageError(f"'{name}' takes sequences of any length; only networks of images become ONNX files")
    if recognizer.scales_ is not None and len(recognizer.scales_.scales) > 1:
        raise UsageError(
            f"it has a scale for each of {', '.join(recognizer.scales_.scales)}; an ONNX file can hold only one"
        )
    for package in ("onnx", "onnxscript", "onnxruntime"):
        need(package)
    try:  # on the CPU, because a GPU rounds its convolutions
        scaled = [] if recognizer.scales_ is None else [_Divided(torch.from_numpy(recognizer.scales_.mean))]
        module = nn.Sequential(*scaled, recognizer.module_.cpu(), nn.Softmax(1)).eval()
        content = _finish(_program(module, recognizer.classifier_.shape), {**(metadata or {}), **_facts(recognizer)})
        _compare(module, recognizer.classifier_.shape, content)
    finally:
        recognizer.module_.to(recognizer.classifier_.device)
    write_atomically(Path(path), content)
    return Path(path)


class _Divided(nn.Module):
    """Divides each channel of (n, C, H, W) by a number of its own."""

    by: torch.Tensor

    def __init__(self, by: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("by", by.reshape(-1, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / self.by


def _program(module: nn.Module, shape: tuple[int, ...]) -> Any:
    with _quiet():
        return torch.onnx.export(
            module,
            (torch.zeros(2, *shape),),
            dynamo=True,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            verbose=False,
        )


def _facts(recognizer: Network) -> dict[str, str]:
    return {"classes": json.dumps(list(recognizer.classes)), "array": recognizer.array, "made_by": "microexpr"}


def _finish(program: Any, metadata: Mapping[str, str]) -> bytes:
    """The file's bytes, without the source locations (paths of this machine) that torch notes of each operation."""
    proto = program.model_proto
    for node in proto.graph.node:
        del node.metadata_props[:]
    del proto.metadata_props[:]
    for name, value in sorted(metadata.items()):
        entry = proto.metadata_props.add()
        entry.key, entry.value = name, value
    content: bytes = proto.SerializeToString()
    return content


def _compare(module: nn.Module, shape: tuple[int, ...], content: bytes) -> None:
    images = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), torch_threads():
        expected = module(images).numpy()
    largest = float(np.abs(OnnxModel(content).predict_arrays(images.numpy()) - expected).max())
    if not largest <= MAX_DIFFERENCE:
        raise DataError(f"probabilities of the ONNX file differ from torch's by {largest:.2g}; no file was written")


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence torch's warnings about itself (no torchvision, deprecated code of its own)."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
