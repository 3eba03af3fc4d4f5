"""One release, one file: a reader, a fake and the published facts."""

from .base import DATASETS, Correction, Dataset, Facts, Fault, open_dataset
from .checks import check_dataset

__all__ = ["DATASETS", "Correction", "Dataset", "Facts", "Fault", "check_dataset", "open_dataset"]
