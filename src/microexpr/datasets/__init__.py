"""One release, one file: a reader, a fake and the published facts."""

from .base import DATASETS, Correction, Dataset, DatasetInfo, DatasetIssue, open_dataset
from .checks import check_dataset

__all__ = ["DATASETS", "Correction", "Dataset", "DatasetInfo", "DatasetIssue", "check_dataset", "open_dataset"]
