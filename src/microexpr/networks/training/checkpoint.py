"""A file from which a training continues after it was stopped."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ...core.errors import DataError, UsageError
from ...core.files import write_atomically


@dataclass
class Checkpoint:
    """Saves and reads the state of a training; pickled code is never run.

    Args:
        path: the file.
        seconds: time between two saves, in seconds; infinite never saves.
        key: identifies settings and data; a file with another key is refused.
        restart_if_damaged: start the training again if the file is damaged, instead of raising an error.
    """

    path: Path
    seconds: float
    key: str = ""
    restart_if_damaged: bool = False
    _saved: float = field(default_factory=time.monotonic, init=False)

    @property
    def due(self) -> bool:
        """Whether the last save is `seconds` ago."""
        return time.monotonic() - self._saved >= self.seconds

    def save(self, state: Mapping[str, Any]) -> None:
        """Write the state: tensors, numbers, and lists and dictionaries of them."""
        content = io.BytesIO()
        torch.save({"key": self.key, **state}, content)
        write_atomically(self.path, content.getvalue())
        self._saved = time.monotonic()

    def load(self, names: set[str], device: torch.device) -> dict[str, Any] | None:
        """Read the state; None where there is no file.

        Args:
            names: entries that the state must have.
            device: where its tensors go.

        Raises:
            DataError: the file is damaged.
            UsageError: it belongs to other settings or data.
        """
        if not self.path.is_file():
            return None
        try:
            state: dict[str, Any] = torch.load(self.path, map_location=device, weights_only=True)
            key = state["key"]
            damage = "" if key != self.key or names <= set(state) else "entries are missing"
        except Exception as error:  # the parser of a damaged file may fail anywhere
            damage, key, state = type(error).__name__, self.key, {}
        if damage and self.restart_if_damaged:
            return None
        if damage:
            raise DataError(f"checkpoint '{self.path}' is damaged ({damage}); delete it")
        if key != self.key:
            raise UsageError(f"'{self.path}' is of other settings or data; delete it or choose another name")
        return state
