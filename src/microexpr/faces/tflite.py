"""Run networks from TFLite files on single images, with LiteRT where it is installed, else with OpenCV.

OpenCV takes twice the time. The outputs of both agree to five digits.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np

Network = Callable[[np.ndarray], list[np.ndarray]]
"""(height, width, 3) float32 -> the outputs, in the order of their names in `load_network`."""


def load_network(file: Path, outputs: Sequence[str]) -> Network:
    """Load a network that takes one image. Several threads may call it; calls run one after the other.

    Args:
        file: `.tflite`, one input of (1, height, width, 3) float32.
        outputs: names of its outputs.
    """
    run, lock = (_litert if has_litert() else _opencv)(file, outputs), Lock()

    def run_locked(image: np.ndarray) -> list[np.ndarray]:
        with lock:  # a network holds its last input
            return run(image)

    return run_locked


def has_litert() -> bool:
    """Whether LiteRT can be imported."""
    try:
        import ai_edge_litert.interpreter  # noqa: F401
    except ImportError:
        return False
    return True


def _litert(file: Path, outputs: Sequence[str]) -> Network:
    from ai_edge_litert.interpreter import Interpreter

    with _silence_stderr():
        interpreter = Interpreter(str(file), num_threads=1)  # decoding the video and recording need the other core
        interpreter.allocate_tensors()
    input_index = interpreter.get_input_details()[0]["index"]
    output_indices = {output["name"]: output["index"] for output in interpreter.get_output_details()}

    def run(image: np.ndarray) -> list[np.ndarray]:
        interpreter.set_tensor(input_index, image[None])
        interpreter.invoke()
        return [interpreter.get_tensor(output_indices[name]) for name in outputs]

    return run


def _opencv(file: Path, outputs: Sequence[str]) -> Network:
    net: Any = cv2.dnn.readNetFromTFLite(str(file))

    def run(image: np.ndarray) -> list[np.ndarray]:
        net.setInput(cv2.dnn.blobFromImage(image))
        return [np.array(output) for output in net.forward(tuple(outputs))]

    return run


@contextmanager
def _silence_stderr() -> Iterator[None]:
    """Discard standard error: LiteRT writes a line there at each start and has no setting to turn it off."""
    sys.stderr.flush()
    try:
        stderr = os.dup(2)
    except OSError:  # standard error is closed
        yield
        return
    try:
        with open(os.devnull, "w") as null_device:  # noqa: PTH123
            os.dup2(null_device.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
