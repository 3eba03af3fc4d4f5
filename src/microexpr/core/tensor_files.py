"""Read and write named arrays and metadata as safetensors, the file format of all models; reading runs no code."""

from __future__ import annotations

import hashlib
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

CHECKSUM = "checksum"
"""Key of the metadata under which a file has the SHA-256 of everything else in it."""


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
        DataError: it is not a safetensors file, or its content is not what was written.
    """
    with _open_tensors(path, framework) as file:
        _check(path)
        return {name: file.get_tensor(name) for name in file.keys()}, _metadata(file)  # noqa: SIM118


def read_metadata(path: Path | str) -> dict[str, str]:
    """Read the metadata of a safetensors file alone: a recognizer's settings, for example.

    Raises:
        MissingDataError: no such file.
        DataError: it is not a safetensors file.
    """
    with _open_tensors(path, "numpy") as file:
        return _metadata(file)


def _metadata(file: Any) -> dict[str, str]:
    return {name: text for name, text in sorted((file.metadata() or {}).items()) if name != CHECKSUM}


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
    write_atomically(Path(path), finish_tensors(save(contiguous, metadata=dict(metadata))))


def finish_tensors(content: bytes) -> bytes:
    """Sort the metadata of a safetensors file and add a checksum of everything else in it.

    The library writes them in an order that differs from one process to the next.
    """
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    metadata = {name: text for name, text in header.get("__metadata__", {}).items() if name != CHECKSUM}
    header["__metadata__"] = dict(sorted(metadata.items()))
    data = content[8 + size :]
    digest = hashlib.sha256(_header(header))
    digest.update(data)
    header["__metadata__"][CHECKSUM] = digest.hexdigest()
    text = _header(header)
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def _header(header: Mapping[str, Any]) -> bytes:
    return json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()


def _check(path: Path | str) -> None:
    """Compare a file with the checksum in it; a file of another program has none."""
    with Path(path).open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        expected = header.get("__metadata__", {}).pop(CHECKSUM, "")
        digest = hashlib.sha256(_header(header))
        while expected and (block := file.read(2**20)):
            digest.update(block)
    if expected not in ("", digest.hexdigest()):
        raise DataError(f"'{path}' is damaged: its content is not what was written; copy it anew")
