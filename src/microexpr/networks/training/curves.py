"""Curves of a training: loss, accuracy and more per epoch, as TensorBoard events or as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.files import write_atomically

History = Sequence[Mapping[str, float]]
"""A row per epoch: `epoch` (from 1), `loss` and other columns."""


class TensorBoardCurves:
    """Writes the last row of a history as TensorBoard scalars; a column `val_loss` becomes `validation/loss`.

    Args:
        folder: where the event files go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer: Any = None

    def __call__(self, history: History) -> None:
        """Write the newest epoch. The first call hides what an interrupted training wrote of later epochs."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.folder), purge_step=len(history))
        row = history[-1]
        for name in row.keys() - {"epoch"}:
            tag = name.replace("val_", "validation/") if name.startswith("val_") else f"train/{name}"
            self._writer.add_scalar(tag, row[name], int(row["epoch"]))

    def close(self) -> None:
        """Write what is buffered."""
        if self._writer is not None:
            self._writer.close()


def write_csv(path: Path, history: History) -> None:
    """Write a whole history as CSV, one line per epoch."""
    text = io.StringIO()
    table = csv.DictWriter(text, list(history[0]))
    table.writeheader()
    table.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in history)
    write_atomically(path, text.getvalue().encode())
