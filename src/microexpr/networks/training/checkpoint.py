"""A file from which a training continues after it was stopped."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ...core.cache_files import read_sealed, write_sealed
from ...core.errors import UsageError


@dataclass
class Checkpoint:
    """Saves and reads the state of a training; pickled code is never run. A damaged one is as none: begin anew.

    Args:
        path: the file.
        seconds: time between two saves, in seconds; infinite never saves.
        key: identifies settings and data; a file with another key is refused.
    """

    path: Path
    seconds: float
    key: str = ""
    _saved: float = field(default_factory=time.monotonic, init=False)

    @property
    def due(self) -> bool:
        """Whether the last save is `seconds` ago."""
        return time.monotonic() - self._saved >= self.seconds

    def save(self, state: Mapping[str, Any]) -> None:
        """Write the state: tensors, numbers, and lists and dictionaries of them."""
        content = io.BytesIO()
        torch.save({"key": self.key, **state}, content)
        write_sealed(self.path, content.getvalue())
        self._saved = time.monotonic()

    def load(self, names: set[str], device: torch.device) -> dict[str, Any] | None:
        """Read the state; None where there is no file, or a damaged one.

        Args:
            names: entries that the state must have.
            device: where its tensors go.

        Raises:
            UsageError: it belongs to other settings or data.
        """
        content = read_sealed(self.path)
        if content is None:
            return None
        try:
            state: dict[str, Any] = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
            key = state["key"]
        except Exception:  # the parser of a file of another version may fail anywhere
            return None
        if key != self.key:
            raise UsageError(f"'{self.path}' is of other settings or data; delete it or choose another name")
        return state if names <= set(state) else None
