"""Data sets: one release is one file, with its reader, its published facts and its synthetic copy."""

from ._labels import add_labels, read_labels
from ._passed_over import note_read
from ._records import Correction, DatasetInfo, DatasetIssue
from ._sheets import read_rows
from .base import DATASETS, Dataset, open_dataset, synthesize
from .checks import check_dataset

__all__ = [
    "DATASETS",
    "Correction",
    "Dataset",
    "DatasetInfo",
    "DatasetIssue",
    "add_labels",
    "check_dataset",
    "note_read",
    "open_dataset",
    "read_labels",
    "read_rows",
    "synthesize",
]
