"""Read and write named arrays and metadata as safetensors, the file format of all models; reading runs no code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from .errors import DataError, MissingDataError
from .files import write_atomically


def read_tensors(
    path: Path | str, framework: Literal["numpy", "pt"] = "numpy"
) -> tuple[dict[str, Any], dict[str, str]]:
    """Read all arrays of a safetensors file, and its metadata.

    Args:
        path: the file.
        framework: `numpy` for NumPy arrays, `pt` for torch tensors on the CPU.

    Returns:
        Arrays by name, and metadata by name.

    Raises:
        MissingDataError: no such file.
        DataError: it is not a safetensors file.
    """
    with _open_tensors(path, framework) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118


def read_metadata(path: Path | str) -> dict[str, str]:
    """Read the metadata of a safetensors file alone: a recognizer's settings, for example.

    Raises:
        MissingDataError: no such file.
        DataError: it is not a safetensors file.
    """
    with _open_tensors(path, "numpy") as file:
        return dict(file.metadata() or {})


@contextmanager
def _open_tensors(path: Path | str, framework: Literal["numpy", "pt"]) -> Iterator[Any]:
    if not Path(path).is_file():
        raise MissingDataError(f"'{path}' is not a file")
    try:
        with safe_open(path, framework=framework) as file:
            yield file
    except SafetensorError as error:
        raise DataError(f"'{path}' is not a safetensors file ({error})") from None


def write_tensors(path: Path | str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write arrays and metadata as safetensors; the same content gives the same bytes."""
    contiguous = {name: np.array(array, order="C") for name, array in arrays.items()}
    write_atomically(Path(path), sort_metadata(save(contiguous, metadata=dict(metadata))))


def sort_metadata(content: bytes) -> bytes:
    """Put the metadata of a safetensors file into the order of their names.

    The library writes them in an order that differs from one process to the next.
    """
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + size :]
