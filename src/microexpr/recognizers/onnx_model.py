"""Predictions of an exported network by ONNX Runtime, without torch."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..core.clip import Sample
from ..core.errors import DataError, MissingDataError, RecipeError, UsageError
from .base import stack

INPUT, OUTPUT = "image", "probabilities"


class OnnxModel:
    """A network that `onnx_export.to_onnx` wrote. It predicts as the recognizer did, and cannot be trained.

    Attributes:
        classes: the classes of the task.
        array: name of the array of a sample that is the input.
        metadata: texts of the file, e.g. `chain`.

    Args:
        source: the file, or its bytes.

    Raises:
        UsageError: the extra `onnx` is not installed.
        MissingDataError: there is no such file.
        DataError: the file is damaged, or microexpr did not write it.
    """

    def __init__(self, source: Path | str | bytes) -> None:
        runtime = need("onnxruntime")
        what = "the file" if isinstance(source, bytes) else f"'{source}'"
        if not isinstance(source, bytes) and not Path(source).is_file():
            raise MissingDataError(f"{what} is not a file")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            content = source if isinstance(source, bytes) else Path(source).read_bytes()
            self._session: Any = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has an exception class of its own for every error
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:120]
            raise DataError(f"{what} is damaged or not an ONNX file ({reason})") from None
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        names = [tensor.name for tensor in (*inputs, *outputs)]
        if names != [INPUT, OUTPUT] or "classes" not in self.metadata:
            raise DataError(
                f"{what} was not written by `microexpr export`: it lacks '{INPUT}', '{OUTPUT}' or 'classes'"
            )
        try:
            labels = json.loads(self.metadata["classes"])
        except ValueError:
            labels = None
        if not isinstance(labels, list) or outputs[0].shape[1:] != [len(labels)]:
            found = f"classes {self.metadata['classes'][:60]!r}, output {outputs[0].shape}"
            raise DataError(f"{what}: its classes are not a list of one label per output ({found})")
        self.classes: tuple[str, ...] = tuple(str(label) for label in labels)
        self.array = self.metadata.get("array", INPUT)
        self._shape = tuple(inputs[0].shape[1:])

    def predict_arrays(self, images: np.ndarray) -> np.ndarray:
        """Compute probabilities (n, classes) float32, each row with sum 1, of images (n, C, H, W) float32."""
        probabilities: np.ndarray = self._session.run([OUTPUT], {INPUT: np.ascontiguousarray(images, np.float32)})[0]
        return probabilities

    def predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        """Compute the probability of each class, (n, classes) float64, as `Recognizer.predict_proba`.

        Raises:
            RecipeError: the samples lack the array, or it has another shape than in the training.
        """
        if not samples:
            return np.zeros((0, len(self.classes)))
        images = stack(samples, self.array)
        found = images.shape[3:] + images.shape[1:3]
        if found != self._shape:
            raise RecipeError(f"images are {found}, those of the training were {self._shape}")
        probabilities = self.predict_arrays(images.transpose(0, 3, 1, 2)).astype(np.float64)
        return probabilities / probabilities.sum(axis=1, keepdims=True)

    def predict(self, samples: Sequence[Sample]) -> list[str]:
        """Return the most probable class of each sample."""
        return [self.classes[i] for i in self.predict_proba(samples).argmax(axis=1)]


def need(package: str) -> Any:
    """Import a package of the extra `onnx`.

    Raises:
        UsageError: it is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        raise UsageError(
            f"ONNX needs the package '{package}'; install it with: pip install 'microexpr[onnx]'"
        ) from None
