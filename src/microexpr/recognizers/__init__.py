"""What learns: `fit(samples, labels, groups)`, then `predict_proba(samples)`."""

from .base import RECOGNIZERS, Recognizer
from .checks import check_recognizer

__all__ = ["RECOGNIZERS", "Recognizer", "check_recognizer"]
