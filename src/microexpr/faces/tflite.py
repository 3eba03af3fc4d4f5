"""Networks in TFLite files, of one image: run by LiteRT where it is installed, else by OpenCV in twice the time.

Both answer the same to five digits.
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
"""(height, width, 3) float32 -> the outputs, in the order in which they were asked for."""


def load_network(file: Path, outputs: Sequence[str]) -> Network:
    """A network of one image; several threads may call it, in turn.

    Args:
        file: `.tflite`, one input of (1, height, width, 3) float32.
        outputs: names of its outputs.
    """
    run, lock = (_litert if has_litert() else _opencv)(file, outputs), Lock()

    def answer(picture: np.ndarray) -> list[np.ndarray]:
        with lock:  # a network holds its last input
            return run(picture)

    return answer


def has_litert() -> bool:
    """Whether LiteRT can be imported here."""
    try:
        import ai_edge_litert.interpreter  # noqa: F401
    except ImportError:
        return False
    return True


def _litert(file: Path, outputs: Sequence[str]) -> Network:
    from ai_edge_litert.interpreter import Interpreter

    with _silence_stderr():
        interpreter = Interpreter(str(file), num_threads=1)  # reading and recording need the other core
        interpreter.allocate_tensors()
    input_index = interpreter.get_input_details()[0]["index"]
    output_indices = {one["name"]: one["index"] for one in interpreter.get_output_details()}

    def run(picture: np.ndarray) -> list[np.ndarray]:
        interpreter.set_tensor(input_index, picture[None])
        interpreter.invoke()
        return [interpreter.get_tensor(output_indices[name]) for name in outputs]

    return run


def _opencv(file: Path, outputs: Sequence[str]) -> Network:
    net: Any = cv2.dnn.readNetFromTFLite(str(file))

    def run(picture: np.ndarray) -> list[np.ndarray]:
        net.setInput(cv2.dnn.blobFromImage(picture))
        return [np.array(one) for one in net.forward(tuple(outputs))]

    return run


@contextmanager
def _silence_stderr() -> Iterator[None]:
    """LiteRT tells of each start on the terminal, in the middle of a progress bar, and has no switch for it."""
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # there is no terminal to tell
        yield
        return
    try:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
